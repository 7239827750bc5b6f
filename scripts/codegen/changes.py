"""Classify the changes of a contract by whom they break, and name the methods of ours that they affect.

A change breaks *callers* if a request that was valid may be rejected now. It breaks *readers* if a response may have
content that was impossible before. Our client tolerates the latter (open enums, missing keys, unknown fields), but user
code that compares statuses, for example, may not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from . import contract

CALLERS, READERS, SAFE = "breaks callers", "breaks readers", "safe"
CLASSES = (CALLERS, READERS, SAFE)


@dataclass(frozen=True)
class Change:
    """One difference between two contracts."""

    effect: str
    text: str
    methods: list[str]
    """The methods of ours that it affects, such as `client.models.search`."""


def classify_changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Return the changes from `old` to `new`, the most severe first."""
    uses = _Uses(new).by_component | _Uses(old).by_component
    found = [
        Change(_effect(difference, uses), str(difference), _methods(difference, uses))
        for difference in contract.compare(old, new)
    ]
    return sorted(found, key=lambda change: (CLASSES.index(change.effect), change.text))


class _Uses:
    """The operations that use each component, and whether they send or receive it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.by_component: dict[str, set[tuple[str, bool]]] = {}
        self._components = document.get("components", {})
        for name, operation in contract.index_operations(contract.strip_documentation(document))["operations"].items():
            self._add(operation.get("parameters", []), name, sent=True)
            self._add(operation.get("requestBody", {}), name, sent=True)
            self._add(operation.get("responses", {}), name, sent=False)

    def _add(self, node: Any, operation: str, sent: bool) -> None:
        for ref in _refs(node):
            *_, kind, name = ref.split("/")
            users = self.by_component.setdefault(name, set())
            if (operation, sent) not in users:
                users.add((operation, sent))
                self._add(self._components.get(kind, {}).get(name), operation, sent)


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
            return _effect_on_callers(difference, (part, *rest))
        case ("operations", _, "responses", *rest):
            return _effect_on_readers(difference, tuple(rest))
        case ("components", "parameters", _, *rest):
            return SAFE if not rest else _effect_on_callers(difference, tuple(rest))
        case ("components", "schemas", name, *rest) if rest:
            directions = {sent for _, sent in uses.get(name, set())}
            effects = [_effect_on_callers(difference, tuple(rest))] if True in directions else []
            effects += [_effect_on_readers(difference, tuple(rest))] if False in directions else []
            return min(effects, key=CLASSES.index, default=SAFE)
    return SAFE


def _effect_on_callers(difference: contract.Difference, path: tuple[str, ...]) -> str:
    """Return the effect of a change to something that callers send."""
    is_added, is_removed = difference.old is contract.ABSENT, difference.new is contract.ABSENT
    if "required" in path:  # a list of names, or the flag of a parameter
        return CALLERS if is_added or difference.new is True else SAFE
    if "enum" in path:
        return CALLERS if is_removed else SAFE
    if is_added:
        node = difference.new if isinstance(difference.new, dict) else {}
        return CALLERS if node.get("required") is True or path[-1] in _CONSTRAINTS else SAFE
    if is_removed:
        return SAFE if path[-1] in _CONSTRAINTS else CALLERS
    return CALLERS


def _effect_on_readers(difference: contract.Difference, path: tuple[str, ...]) -> str:
    """Return the effect of a change to something that readers receive."""
    is_added, is_removed = difference.old is contract.ABSENT, difference.new is contract.ABSENT
    if "required" in path:
        return READERS if is_removed else SAFE
    if "enum" in path:
        return READERS if is_added else SAFE
    if len(path) == 1 and path[0].isdigit():  # a whole response
        return READERS if path[0].startswith("2") else SAFE
    if is_added and len(path) > 1 and path[-2] == "properties":
        return SAFE
    if is_removed and path[-2:-1] == ("properties",):
        return READERS
    if not is_removed and (path[-1] == "nullable" or "null" in json.dumps(difference.new)):
        return READERS if difference.new is not False else SAFE
    return SAFE if is_added or (is_removed and path[-1] in _CONSTRAINTS) else READERS


_CONSTRAINTS = frozenset(["maximum", "minimum", "maxLength", "minLength", "maxItems", "minItems", "pattern", "format"])
"""Keywords that allow fewer values when they are added, and more when they are removed."""


def format_text(found: list[Change]) -> str:
    """Format the changes as one line each."""
    return "".join(f"{change.effect:<14}  {change.text}\n" for change in found)


def format_markdown(found: list[Change]) -> str:
    """Format the changes as a section for each class, for a pull request or the changelog."""
    lines: list[str] = []
    for effect in CLASSES:
        of_class = [change for change in found if change.effect == effect]
        if of_class:
            lines.append(f"### {effect[0].upper()}{effect[1:]}\n")
            for change in of_class:
                methods = ", ".join(f"`{method}`" for method in change.methods)
                lines.append(f"- {change.text}{f' ({methods})' if methods else ''}")
            lines.append("")
    return "\n".join(lines) or "The contract has not changed.\n"


def format_json(found: list[Change]) -> str:
    """Format the changes as a JSON list of objects."""
    return json.dumps([asdict(change) for change in found], indent=2) + "\n"


FORMATS = {"text": format_text, "markdown": format_markdown, "json": format_json}


def exit_code(found: list[Change]) -> int:
    """Return 0 for no changes, 1 if none of them breaks anything, else 3."""
    return (3 if any(change.effect != SAFE for change in found) else 1) if found else 0
