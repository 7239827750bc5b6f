"""What a change of the contract means for people: who breaks, who need not care, and which of our methods it touches.

    python scripts/changes.py OLD NEW [--format text|markdown|json]

The exit code is 0 where the contracts are equal, 1 where nothing breaks, 3 where something does, 2 where a file cannot
be read.

A change breaks *callers* when a request that was right may be refused now, and *readers* when an answer may say what
was never said before. Ours tolerates the latter (open enums, missing keys, unknown fields), but code that compares
statuses may not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import contract

CALLERS, READERS, SAFE = "breaks callers", "breaks readers", "safe"
CLASSES = (CALLERS, READERS, SAFE)


@dataclass(frozen=True)
class Change:
    """One difference between two contracts."""

    effect: str
    text: str
    methods: list[str]
    """What of ours it touches: `client.models.search`."""


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Return what is different in `new`, the worst first."""
    uses = _Uses(new).of | _Uses(old).of
    found = [
        Change(_effect(difference, uses), str(difference), _methods(difference, uses))
        for difference in contract.compared(old, new)
    ]
    return sorted(found, key=lambda change: (CLASSES.index(change.effect), change.text))


class _Uses:
    """Which operations use a component, and whether they send or receive it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.of: dict[str, set[tuple[str, bool]]] = {}
        self._components = document.get("components", {})
        for name, operation in contract.by_operation(contract.facts(document))["operations"].items():
            self._note(operation.get("parameters", []), name, sent=True)
            self._note(operation.get("requestBody", {}), name, sent=True)
            self._note(operation.get("responses", {}), name, sent=False)

    def _note(self, node: Any, operation: str, sent: bool) -> None:
        for ref in _refs(node):
            *_, kind, name = ref.split("/")
            users = self.of.setdefault(name, set())
            if (operation, sent) not in users:
                users.add((operation, sent))
                self._note(self._components.get(kind, {}).get(name), operation, sent)


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _refs(value)
    elif isinstance(node, list):
        for item in node:
            yield from _refs(item)


def _methods(difference: contract.Difference, uses: dict[str, set[tuple[str, bool]]]) -> list[str]:
    match difference.path:
        case ("operations", name, *_):
            return [f"client.{name}"]
        case ("components", _, name, *_):
            return sorted({f"client.{operation}" for operation, _ in uses.get(name, set())})
    return []


def _effect(difference: contract.Difference, uses: dict[str, set[tuple[str, bool]]]) -> str:
    match difference.path:
        case ("operations", _):
            return SAFE if difference.old is contract.ABSENT else CALLERS
        case ("operations", _, "method" | "path" | "security", *_) | ("security" | "servers", *_):
            return CALLERS
        case ("operations", _, "parameters" | "requestBody" as part, *rest):
            return _sent(difference, (part, *rest))
        case ("operations", _, "responses", *rest):
            return _received(difference, tuple(rest))
        case ("components", "parameters", _, *rest):
            return SAFE if not rest else _sent(difference, tuple(rest))
        case ("components", "schemas", name, *rest) if rest:
            directions = {sent for _, sent in uses.get(name, set())}
            effects = [_sent(difference, tuple(rest))] if True in directions else []
            effects += [_received(difference, tuple(rest))] if False in directions else []
            return min(effects, key=CLASSES.index, default=SAFE)
    return SAFE


def _sent(difference: contract.Difference, path: tuple[str, ...]) -> str:
    """Say what a change of something that callers send does to them."""
    is_new, is_gone = difference.old is contract.ABSENT, difference.new is contract.ABSENT
    if "required" in path:  # a list of names, or the flag of a parameter
        return CALLERS if is_new or difference.new is True else SAFE
    if "enum" in path:
        return CALLERS if is_gone else SAFE
    if is_new:
        node = difference.new if isinstance(difference.new, dict) else {}
        return CALLERS if node.get("required") is True or path[-1] in _LIMITS else SAFE
    if is_gone:
        return SAFE if path[-1] in _LIMITS else CALLERS
    return CALLERS


def _received(difference: contract.Difference, path: tuple[str, ...]) -> str:
    """Say what a change of something that readers receive does to them."""
    is_new, is_gone = difference.old is contract.ABSENT, difference.new is contract.ABSENT
    if "required" in path:
        return READERS if is_gone else SAFE
    if "enum" in path:
        return READERS if is_new else SAFE
    if len(path) == 1 and path[0].isdigit():  # a whole response
        return READERS if path[0].startswith("2") else SAFE
    if is_new and len(path) > 1 and path[-2] == "properties":
        return SAFE
    if is_gone and path[-2:-1] == ("properties",):
        return READERS
    if not is_gone and (path[-1] == "nullable" or "null" in json.dumps(difference.new)):
        return READERS if difference.new is not False else SAFE
    return SAFE if is_new or (is_gone and path[-1] in _LIMITS) else READERS


_LIMITS = frozenset(["maximum", "minimum", "maxLength", "minLength", "maxItems", "minItems", "pattern", "format"])
"""What narrows a value when it is said, and widens it when it is not said any more."""


def as_text(found: list[Change]) -> str:
    """Return one line for each change."""
    return "".join(f"{change.effect:<14}  {change.text}\n" for change in found)


def as_markdown(found: list[Change]) -> str:
    """Return a section for each class, for a pull request or the changelog."""
    lines: list[str] = []
    for effect in CLASSES:
        of_class = [change for change in found if change.effect == effect]
        if of_class:
            lines.append(f"### {effect[0].upper()}{effect[1:]}\n")
            for change in of_class:
                touched = ", ".join(f"`{method}`" for method in change.methods)
                lines.append(f"- {change.text}{f' ({touched})' if touched else ''}")
            lines.append("")
    return "\n".join(lines) or "The contract has not changed.\n"


def as_json(found: list[Change]) -> str:
    """Return a list of objects."""
    return json.dumps([asdict(change) for change in found], indent=2) + "\n"


FORMATS = {"text": as_text, "markdown": as_markdown, "json": as_json}


def main(argv: Sequence[str] | None = None) -> int:
    """Print the changes between two files; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("old", type=Path, metavar="OLD")
    parser.add_argument("new", type=Path, metavar="NEW")
    parser.add_argument("--format", choices=FORMATS, default="text")
    arguments = parser.parse_args(argv)
    try:
        found = changes(contract.load(arguments.old), contract.load(arguments.new))
    except (OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    print(FORMATS[arguments.format](found), end="")
    return exit_code(found)


def exit_code(found: list[Change]) -> int:
    """Return 0 for no change, 1 for changes that break nothing, 3 for others."""
    return (3 if any(change.effect != SAFE for change in found) else 1) if found else 0


if __name__ == "__main__":
    sys.exit(main())
