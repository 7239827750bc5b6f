"""Apply an OpenAPI Overlay (https://spec.openapis.org/overlay/v1.0.0.html) to a document.

An overlay is a list of actions, each with a JSONPath `target`, an `update` to merge in or `remove: true`, and, here
required, a `description` that says why. An action that matches nothing is reported, never passed over in silence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from jsonpath_rfc9535 import find


def load(path: Path) -> list[dict[str, Any]]:
    """Return the actions of an overlay file; ValueError where one has no target or gives no reason."""
    actions: list[dict[str, Any]] = yaml.safe_load(path.read_text())["actions"]
    for action in actions:
        for key in ("target", "description"):
            if not action.get(key):
                raise ValueError(f"{path.name}: an action lacks its {key}: {action}")
    return actions


def apply(actions: list[dict[str, Any]], document: dict[str, Any]) -> list[dict[str, Any]]:
    """Change the document in place; return the actions that changed nothing.

    Those are the ones that match nothing, the ones whose fact the document states by now, and the ones that speak of a
    schema that it does not have.
    """
    return [
        action for action in actions if not _is_known(action.get("update"), document) or not _apply(action, document)
    ]


def _is_known(node: Any, document: dict[str, Any]) -> bool:
    """Whether every schema that an update refers to is there."""
    if isinstance(node, list):
        return all(_is_known(item, document) for item in node)
    if not isinstance(node, dict):
        return True
    ref = node.get("$ref")
    schemas = document.get("components", {}).get("schemas", {})
    if isinstance(ref, str) and ref.startswith("#/components/schemas/") and ref.rpartition("/")[2] not in schemas:
        return False
    return all(_is_known(value, document) for value in node.values())


def _apply(action: dict[str, Any], document: dict[str, Any]) -> bool:
    changed = False
    for node in reversed(find(action["target"], document)):  # the last first, so that indices stay true
        if action.get("remove"):
            parent, key = _parent(document, node.location)
            del parent[key]
            changed = True
        else:
            changed |= _merge(node.value, action["update"])
    return changed


def _merge(target: Any, update: dict[str, Any]) -> bool:
    """Merge as the Overlay specification says: objects recursively, arrays by appending."""
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
    *route, last = location
    for key in route:
        document = document[key]
    return document, last
