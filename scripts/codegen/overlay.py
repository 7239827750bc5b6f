"""Apply an OpenAPI Overlay (https://spec.openapis.org/overlay/v1.0.0.html) to an OpenAPI document.

An overlay is a list of actions. Each has a JSONPath `target` and one of:

- `update`: an object to merge
- `remove: true`
- `x-replace`: a value to put in place of the target. The specification needs two actions for this, one of which could
  apply without the other.
- `x-optional: true`: the target, a property, may be missing from its object

and a `description`, which we require: it gives the reason. Actions that change nothing are reported.
"""

from __future__ import annotations

import copy
import functools
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonpath_rfc9535 import compile as compile_path, find

REMOVED = "x-removed"
"""The field of a document with what earlier documents had (see `descriptions.py`)."""

_CHANGES = ("update", "remove", "x-replace", "x-optional")


@dataclass(frozen=True)
class Unused:
    """An action that changed nothing."""

    target: str
    reason: str
    was_described: bool = False
    """Whether this document or an earlier one describes the target, so that the fact may be needed again."""

    def __str__(self) -> str:
        return f"overlay.yaml: {self.target}: {self.reason}"


def load(path: Path) -> list[dict[str, Any]]:
    """Return the actions of an overlay file; ValueError if one lacks a target, a description or a change."""
    actions: list[dict[str, Any]] = yaml.safe_load(path.read_text())["actions"]
    for action in actions:
        for key in ("target", "description"):
            if not action.get(key):
                raise ValueError(f"{path.name}: an action has no {key}: {action}")
        if sum(key in action for key in _CHANGES) != 1:
            raise ValueError(f"{path.name}: {action['target']} needs one of {', '.join(_CHANGES)}")
    return actions


def apply(actions: list[dict[str, Any]], document: dict[str, Any]) -> list[Unused]:
    """Change the document in place; return the actions that changed nothing.

    An action that refers to a schema which the document does not have is not applied, not even in part.
    """
    return [unused for action in actions if (unused := _apply(action, document))]


def _apply(action: dict[str, Any], document: dict[str, Any]) -> Unused | None:
    target = action["target"]
    paths = [*_references(action), *_prefixes(target)]
    if action.get("x-optional"):  # a document that lists no required properties does not state which are optional
        paths.append(f"{paths[-3]}.required")
    if absent := next((path for path in paths if not find(path, document)), None):
        # What a removal removes is absent from a document that agrees with it.
        if action.get("remove") and absent == paths[-1]:
            return _obsolete(target)
        was_described = bool(find(target, document) or find(absent, document.get(REMOVED, {})))
        return Unused(target, f"not applied, since the OpenAPI document has no {absent}", was_described)
    # The last node first, so that list indices stay valid. A list, so that every node is changed.
    changed = [_change(action, document, node.location) for node in reversed(find(target, document))]
    return None if any(changed) else _obsolete(target)


def _obsolete(target: str) -> Unused:
    return Unused(target, "remove this entry, since the OpenAPI document itself states the fact now")


def _prefixes(target: str) -> list[str]:
    """Return the JSONPath of every node on the way to a target: `$`, `$.components`, ..."""
    starts = [segment.token.index for segment in compile_path(target).segments]
    return [*(target[:start].rstrip(".") for start in starts), target]


def _references(node: Any) -> Iterator[str]:
    """Yield the JSONPath of every component that an action refers to."""
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        if isinstance(ref := node.get("$ref"), str):
            yield ref.replace("#", "$").replace("/", ".")
        for value in node.values():
            yield from _references(value)


def _change(action: dict[str, Any], document: dict[str, Any], location: tuple[int | str, ...]) -> bool:
    """Change the node at a location; return whether that made a difference."""
    if "update" in action:
        return _merge(_at(document, location), copy.deepcopy(action["update"]))
    parent, key = _at(document, location[:-1]), location[-1]
    if action.get("x-optional"):  # the target is one of the `properties` of an object
        required = _at(document, location[:-2]).get("required", [])
        is_required = key in required
        if is_required:
            required.remove(key)
        return is_required
    value = parent.pop(key)
    if action.get("remove"):
        return True
    parent[key] = copy.deepcopy(action["x-replace"])  # at the end, as after `remove` and `update`
    return bool(value != parent[key])


def _at(document: Any, location: tuple[int | str, ...]) -> Any:
    return functools.reduce(operator.getitem, location, document)


def _merge(target: Any, update: dict[str, Any]) -> bool:
    """Merge as the specification of the Action Object defines: objects recursively, arrays by appending."""
    changed = False
    for key, value in update.items():
        old = target.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            changed |= _merge(old, value)
        elif isinstance(value, list) and isinstance(old, list):
            old.extend(new := [item for item in value if item not in old])
            changed |= bool(new)
        elif key not in target or old != value:
            target[key] = value
            changed = True
    return changed
