"""Apply an OpenAPI Overlay (https://spec.openapis.org/overlay/v1.0.0.html) to an OpenAPI document.

An overlay is a list of actions. Each has a JSONPath `target`, an `update` to merge or `remove: true`, and a
`description`, which we require: it gives the reason. Actions that change nothing are reported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from jsonpath_rfc9535 import find


def load(path: Path) -> list[dict[str, Any]]:
    """Return the actions of an overlay file; ValueError if one has no target or no description."""
    actions: list[dict[str, Any]] = yaml.safe_load(path.read_text())["actions"]
    for action in actions:
        for key in ("target", "description"):
            if not action.get(key):
                raise ValueError(f"{path.name}: an action has no {key}: {action}")
    return actions


def apply(actions: list[dict[str, Any]], document: dict[str, Any]) -> list[dict[str, Any]]:
    """Change the document in place; return the actions that changed nothing.

    An action changes nothing if its target matches nothing, if the document already agrees with it, or if it refers to
    a schema that the document does not have.
    """
    return [
        action
        for action in actions
        if not _has_all_schemas(action.get("update"), document) or not _apply(action, document)
    ]


def _has_all_schemas(node: Any, document: dict[str, Any]) -> bool:
    """Whether the document has every schema that an update refers to."""
    if isinstance(node, list):
        return all(_has_all_schemas(item, document) for item in node)
    if not isinstance(node, dict):
        return True
    ref = node.get("$ref")
    schemas = document.get("components", {}).get("schemas", {})
    if isinstance(ref, str) and ref.startswith("#/components/schemas/") and ref.rpartition("/")[2] not in schemas:
        return False
    return all(_has_all_schemas(value, document) for value in node.values())


def _apply(action: dict[str, Any], document: dict[str, Any]) -> bool:
    changed = False
    for node in reversed(find(action["target"], document)):  # last first, so that list indices stay valid
        if action.get("remove"):
            parent, key = _parent(document, node.location)
            del parent[key]
            changed = True
        else:
            changed |= _merge(node.value, action["update"])
    return changed


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


def _parent(document: Any, location: tuple[int | str, ...]) -> tuple[Any, int | str]:
    *parents, last = location
    for key in parents:
        document = document[key]
    return document, last
