"""Compare two OpenAPI documents as contracts: what goes over the wire, not how it is explained.

Two documents state the same contract when nothing is left to tell them apart once prose and
examples are gone (`facts`). What is left is compared as a tree, operations by their operationId,
and each difference becomes one line in people's words (`differences`).

    python scripts/contract.py OLD NEW

prints nothing and exits 0 when the contracts are equal, prints the differences and exits 1 when
they are not, and exits 2 when a file cannot be read as an OpenAPI document.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROSE = frozenset(
    [
        "summary",
        "description",
        "title",
        "info",
        "externalDocs",
        "tags",
        "bearerFormat",
        "example",
        "examples",
        "x-codeSamples",
        "x-code-samples",
        "x-readme",
    ]
)
"""What explains the contract without being part of it."""

NAMES = frozenset(
    [
        "paths",
        "webhooks",
        "pathItems",
        "schemas",
        "parameters",
        "responses",
        "requestBodies",
        "headers",
        "securitySchemes",
        "links",
        "callbacks",
        "properties",
        "patternProperties",
        "dependentSchemas",
        "$defs",
        "definitions",
        "content",
        "encoding",
        "variables",
        "mapping",
        "scopes",
    ]
)
"""The mappings below these have free keys: a property named `description` is a fact."""

VALUES = frozenset({"default", "const", "enum", "security"})
"""Plain data, in which `description` is a key like any other."""

UNORDERED = frozenset({"required", "enum", "type", "parameters"})
"""Lists whose order means nothing."""

SHARED = frozenset({"parameters", "servers", "$ref"})
"""What a path states for all its operations; every other key is a method, QUERY included."""

WORDS = {
    "properties": 'field "{}"',
    "parameters": "{}",  # such as: query parameter "limit"
    "responses": "response {}",
    "content": "{}",
}
"""How to speak of the member of a mapping (or of a list with labels, see `_members`)."""


class _Absent:
    """Not there at all, which null is not."""


ABSENT = _Absent()


@dataclass(frozen=True)
class Difference:
    """One fact that two contracts do not share, and the way to it from the root."""

    path: tuple[str, ...]
    old: Any
    new: Any

    def __str__(self) -> str:
        """Return it in people's words."""
        where = _words(self.path)
        if self.old is not ABSENT and self.new is not ABSENT:
            return f"{where}: {_json(self.old)} -> {_json(self.new)}"
        value, change = (self.new, "added") if self.old is ABSENT else (self.old, "removed")
        # A tree is too much for a line, and the member of a list has just been named.
        told = isinstance(value, dict | list) or _json(value) == self.path[-1]
        return f"{where} {change}" if told else f"{where} {change} ({_json(value)})"


def load(path: Path) -> dict[str, Any]:
    """Read an OpenAPI document, JSON or YAML; OSError or ValueError where there is none."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def parse(text: str) -> dict[str, Any]:
    """Return the OpenAPI document that a text is, JSON or YAML; ValueError where it is none."""
    try:
        if text.lstrip()[:1] != "{":
            # YAML knows dates, cycles and numbers as keys (200:); from here on it is all JSON.
            text = json.dumps(yaml.safe_load(text), default=str)
        document = json.loads(text)
    except (TypeError, ValueError, yaml.YAMLError) as error:
        raise ValueError(str(error)) from error
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict) or "openapi" not in document:
        raise ValueError("not an OpenAPI document, a mapping with `openapi` and `paths`")
    contract: dict[str, Any] = document
    return contract


def facts(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document without prose and examples, the lists without order sorted."""
    return {key: _strip_value(key, value) for key, value in document.items() if key not in PROSE}


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return what the contract `new` states otherwise than `old`, one line each."""
    return [str(difference) for difference in compared(old, new)]


def compared(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    """Return what the contract `new` states otherwise than `old`."""
    return list(_compare(by_operation(facts(old)), by_operation(facts(new))))


def _strip(node: Any) -> Any:
    if isinstance(node, list):
        return [_strip(item) for item in node]
    return facts(node) if isinstance(node, dict) else node


def _strip_value(key: str, value: Any) -> Any:
    if key in NAMES and isinstance(value, dict):
        return {name: _strip(item) for name, item in value.items()}
    stripped = value if key in VALUES else _strip(value)
    if key in UNORDERED and isinstance(stripped, list):
        return sorted(stripped, key=_json)
    return stripped


def by_operation(contract: dict[str, Any]) -> dict[str, Any]:
    """Key operations by operationId: that is how people and generated code know them."""
    operations: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for path, item in sorted(contract["paths"].items()):
        if not isinstance(item, dict):  # not valid, still a fact
            paths[path] = item
            continue
        for key, value in sorted(item.items()):
            if key in SHARED or key.startswith("x-") or not isinstance(value, dict):
                paths.setdefault(path, {})[key] = value
                continue
            here = f"{key.upper()} {path}"
            name = value.get("operationId", here)
            # An id given twice is an error of the document, but no reason to lose an operation.
            name = here if name in operations else name
            operations[name] = {**value, "method": key, "path": path}
    return {**contract, "paths": paths, "operations": operations}


def _compare(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[Difference]:
    if _json(old) == _json(new):  # unlike ==, this tells true from 1
        return
    before, after = _members(old), _members(new)
    if type(old) is not type(new) or _json(before) == _json(after):  # the latter: in another order
        yield Difference(path, old, new)
        return
    for key in sorted(before.keys() | after.keys()):
        yield from _compare(before.get(key, ABSENT), after.get(key, ABSENT), (*path, key))


def _members(node: Any) -> dict[str, Any]:
    """Return what is in a node; labels for the items of a list, as positions shift."""
    if isinstance(node, list):
        return {_label(item, index): item for index, item in enumerate(node)}
    return node if isinstance(node, dict) else {}


def _label(item: Any, index: int) -> str:
    if not isinstance(item, dict):
        return _json(item)
    if "name" in item and "in" in item:
        return f'{item["in"]} parameter "{item["name"]}"'
    return str(item["$ref"]).rpartition("/")[2] if "$ref" in item else str(index)


def _words(path: Sequence[str]) -> str:
    """Say where: `predictions.create: body field "stream"`."""
    subject, steps = "", list(path)
    if steps[0] == "operations" and len(steps) > 1:
        subject, steps = steps[1], steps[2:]
    elif steps[0] == "components" and len(steps) > 2:
        subject, steps = steps[2], steps[3:]
    words = []
    while steps:
        step = steps.pop(0)
        if step in WORDS and steps:
            member = steps.pop(0)
            # Almost every body is JSON, and every one has a schema: not worth saying on the way.
            if not (step == "content" and member == "application/json" and steps):
                words.append(WORDS[step].format(member))
        elif step != "schema" or not steps:
            words.append("body" if step == "requestBody" else step)
    return f"{subject}: {' '.join(words)}" if subject and words else subject or " ".join(words)


def _json(value: Any) -> str:
    return "nothing" if value is ABSENT else json.dumps(value, sort_keys=True, default=str)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the differences between two files; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("old", type=Path, metavar="OLD")
    parser.add_argument("new", type=Path, metavar="NEW")
    arguments = parser.parse_args(argv)
    try:
        found = differences(load(arguments.old), load(arguments.new))
    except (OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    print("".join(f"{line}\n" for line in found), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
