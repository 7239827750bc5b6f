"""Compare two OpenAPI documents as contracts: what goes over the wire, not how it is described.

Two documents state the same contract if they are equal without descriptions and examples (`strip_documentation`). The
rest is compared as a tree, with operations identified by their operationId, and each difference is one line of English.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import json_or_yaml

DOCUMENTATION = frozenset(
    [
        "$self",
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
        "x-removed",
    ]
)
"""Keys that describe the contract without being part of it."""

MAPS = frozenset(
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
        "dependentRequired",
        "mediaTypes",
        "additionalOperations",
        "$defs",
        "definitions",
        "content",
        "encoding",
        "variables",
        "mapping",
        "scopes",
    ]
)
"""Keys whose values are maps with names as keys: a property may be called `description`."""

DATA = frozenset({"default", "const", "enum", "security"})
"""Keys whose values are plain data, in which `description` has no special meaning."""

UNORDERED = frozenset({"required", "enum", "type", "parameters"})
"""Keys whose values are lists of which the order has no meaning."""

SHARED_FIELDS = frozenset({"parameters", "servers", "$ref"})
"""The fields of a path that apply to all its operations. Every other key is an HTTP method, QUERY included."""

PHRASES = {
    "properties": 'field "{}"',
    "parameters": "{}",  # such as: query parameter "limit"
    "responses": "response {}",
    "content": "{}",
}
"""How to name a member of a map (or of a list with labels, see `_members`)."""


class _Absent:
    """The type of `ABSENT`: a missing value, other than null."""


ABSENT = _Absent()


@dataclass(frozen=True)
class Difference:
    """One difference between two contracts, and the path to it from the root."""

    path: tuple[str, ...]
    old: Any
    new: Any

    def __str__(self) -> str:
        """Return one line of English."""
        subject = _describe_path(self.path)
        if self.old is not ABSENT and self.new is not ABSENT:
            return f"{subject}: {_json(self.old)} -> {_json(self.new)}"
        value, change = (self.new, "added") if self.old is ABSENT else (self.old, "removed")
        # A tree is too long for a line, and the path of a list member already ends with the member.
        omit_value = isinstance(value, dict | list) or _json(value) == self.path[-1]
        return f"{subject} {change}" if omit_value else f"{subject} {change} ({_json(value)})"


def load(path: Path) -> dict[str, Any]:
    """Read an OpenAPI document, JSON or YAML; OSError or ValueError if it cannot be read."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def parse(text: str) -> dict[str, Any]:
    """Return the OpenAPI document in a text, JSON or YAML; ValueError if it is not one."""
    document = json_or_yaml.parse(text)
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict) or "openapi" not in document:
        raise ValueError("not an OpenAPI document, which is an object with `openapi` and `paths`")
    contract: dict[str, Any] = document
    return contract


def strip_documentation(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document without descriptions and examples. Lists whose order has no meaning are sorted."""
    return {key: _strip_value(key, value) for key, value in document.items() if key not in DOCUMENTATION}


def describe_differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return the differences between two contracts, one line each."""
    return [str(difference) for difference in compare(old, new)]


def compare(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    """Return the differences between two contracts."""
    return list(_compare(index_operations(strip_documentation(old)), index_operations(strip_documentation(new))))


def _strip(node: Any) -> Any:
    if isinstance(node, list):
        return [_strip(item) for item in node]
    return strip_documentation(node) if isinstance(node, dict) else node


def _strip_value(key: str, value: Any) -> Any:
    if key in MAPS and isinstance(value, dict):
        return {name: _strip(item) for name, item in value.items()}
    stripped = value if key in DATA else _strip(value)
    if key in UNORDERED and isinstance(stripped, list):
        return sorted(stripped, key=_json)
    return stripped


def index_operations(contract: dict[str, Any]) -> dict[str, Any]:
    """Move the operations from their paths to a map by operationId, the name that users and generated code use."""
    operations: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for path, item in sorted(contract["paths"].items()):
        if not isinstance(item, dict):  # invalid, but still compared
            paths[path] = item
            continue
        more = item.get("additionalOperations")  # since OpenAPI 3.2: methods without a field of their own
        methods = {**item, **more} if isinstance(more, dict) else item
        for key, value in sorted(methods.items()):
            if methods is not item and key == "additionalOperations":
                continue
            if key in SHARED_FIELDS or key.startswith("x-") or not isinstance(value, dict):
                paths.setdefault(path, {})[key] = value
                continue
            route = f"{key.upper()} {path}"
            name = value.get("operationId", route)
            # A duplicate operationId is an error in the document, but no operation may be dropped.
            name = route if name in operations else name
            operations[name] = {**value, "method": key, "path": path}
    return {**contract, "paths": paths, "operations": operations}


def _compare(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[Difference]:
    if _json(old) == _json(new):  # unlike ==, distinguishes true from 1
        return
    before, after = _members(old), _members(new)
    if type(old) is not type(new) or _json(before) == _json(after):  # equal members: only the order differs
        yield Difference(path, old, new)
        return
    for key in sorted(before.keys() | after.keys()):
        yield from _compare(before.get(key, ABSENT), after.get(key, ABSENT), (*path, key))


def _members(node: Any) -> dict[str, Any]:
    """Return the members of a node. Those of a list have labels as keys, since positions shift."""
    if isinstance(node, list):
        return {_label(item, index): item for index, item in enumerate(node)}
    return node if isinstance(node, dict) else {}


def _label(item: Any, index: int) -> str:
    if not isinstance(item, dict):
        return _json(item)
    if "name" in item and "in" in item:
        return f'{item["in"]} parameter "{item["name"]}"'
    return str(item["$ref"]).rpartition("/")[2] if "$ref" in item else str(index)


def _describe_path(path: Sequence[str]) -> str:
    """Return a path in English: `predictions.create: body field "stream"`."""
    subject, steps = "", list(path)
    if steps[0] == "operations" and len(steps) > 1:
        subject, steps = steps[1], steps[2:]
    elif steps[0] == "components" and len(steps) > 2:
        subject, steps = steps[2], steps[3:]
    words = []
    while steps:
        step = steps.pop(0)
        if step in PHRASES and steps:
            member = steps.pop(0)
            # Almost every body is JSON and every body has a schema, so neither is mentioned.
            if not (step == "content" and member == "application/json" and steps):
                words.append(PHRASES[step].format(member))
        elif step != "schema" or not steps:
            words.append("body" if step == "requestBody" else step)
    return f"{subject}: {' '.join(words)}" if subject and words else subject or " ".join(words)


def _json(value: Any) -> str:
    return "nothing" if value is ABSENT else json.dumps(value, sort_keys=True, default=str)
