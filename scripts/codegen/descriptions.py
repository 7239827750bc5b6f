"""Our descriptions of Replicate's API, which every new OpenAPI document gets in place of its own.

What a new document no longer has moves to the field `x-removed` of ours, so that it keeps its descriptions, and the
names of its components, in case it returns.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from . import contract, normalize
from .component_names import keep_names, label_item, merge_duplicates, pair_items, resolve
from .overlay import REMOVED

Node = dict[str, Any]

FIELD_ORDER = {
    name: position
    for position, name in enumerate(
        [
            *("openapi", "title", "name", "type", "info", "version", "in", "format", "enum", "pattern", "bearerFormat"),
            *("externalDocs", "nullable", "default", "scheme", "servers", "security", "paths", "operationId"),
            *("components", "summary", "description", "contact", "url", "required", "items", "maximum", "maxLength"),
            "x-feature-flag",
            *("oneOf", "termsOfService", "content", "properties", "schema", "minimum", "parameters"),
            *("additionalProperties", "requestBody", "schemas", "responses", "securitySchemes"),
        ]
    )
}
"""The order of the fields in our document. It depends on no earlier document, so equal contracts are equal files."""


PLACEHOLDER = "Not described yet."
"""The description of what is new, until a maintainer writes a better one."""


def adopt(new: Node, ours: Node, *, take_descriptions: bool = False) -> Node:
    """Return a new document as ours: with our names for components, and with our descriptions.

    What nobody has described yet gets a placeholder.

    Args:
        new: The new document.
        ours: Our document so far.
        take_descriptions: Keep the descriptions of the new document instead.
    """
    known = _known_document(ours)
    named, counterpart = keep_names(new, known)
    if take_descriptions:
        return named
    document: Node = _describe(named, counterpart, named, counterpart)
    document["info"] = {**known.get("info", {}), "version": new.get("info", {}).get("version", "")}
    for node, placeholders in _iterate_placeholders(document):
        described = _sort_fields({**placeholders, **node})
        node.clear()
        node.update(described)
    removed = _find_removed(known, document, known, document)
    return {**document, REMOVED: removed} if _is_described(removed) else document


def _known_document(ours: Node) -> Node:
    """Return our document with everything that earlier ones had, without placeholders and duplicates."""
    known: Node = copy.deepcopy(ours)
    known = _merge(known, known.pop(REMOVED, {}), known)
    for node, placeholders in _iterate_placeholders(known):
        for name in [name for name, text in placeholders.items() if node.get(name) == text]:
            del node[name]
    merge_duplicates(known)
    return known


def _iterate_placeholders(document: Node) -> Iterator[tuple[Node, dict[str, str]]]:
    """Yield every part of a document that is described, and its placeholders."""
    for item in document["paths"].values():
        for method, operation in item.items():
            if method not in contract.SHARED_FIELDS and isinstance(operation, dict):
                yield operation, {"summary": operation.get("operationId", method), "description": PLACEHOLDER}
                for status, response in operation.get("responses", {}).items():
                    if "$ref" not in response:
                        yield response, {"description": normalize.UNDESCRIBED_RESPONSE.format(status)}
    for node in _iterate_schemas_and_parameters(document):
        yield node, {"description": PLACEHOLDER}


def _iterate_schemas_and_parameters(node: Any, key: str = "") -> Iterator[Node]:
    """Yield the schemas of components and properties, and the parameters."""
    children = node if isinstance(node, dict) else dict(enumerate(node)) if isinstance(node, list) else {}
    if key in ("schemas", "properties", "parameters"):
        yield from (child for child in children.values() if isinstance(child, dict) and "$ref" not in child)
    for name, child in children.items():
        if key in contract.MAPS:
            yield from _iterate_schemas_and_parameters(child)
        elif name not in contract.DATA:
            yield from _iterate_schemas_and_parameters(child, str(name))


def _describe(node: Any, known: Any, document: Node, known_root: Node, key: str = "") -> Any:
    """Return a part of a new document with the descriptions of the same part of a known one."""
    if key in contract.DATA:
        return copy.deepcopy(node)
    if isinstance(node, list):
        pairs = pair_items(node, known if isinstance(known, list) else [], document, known_root)
        return [_describe(item, known_item, document, known_root) for item, known_item in pairs]
    if not isinstance(node, dict):
        return node
    known = known if "$ref" in node else resolve(known_root, known)
    known = known if isinstance(known, dict) and ("$ref" in node) == ("$ref" in known) else {}
    if key in contract.MAPS:
        return {name: _describe(value, known.get(name), document, known_root) for name, value in node.items()}
    facts = {
        name: _describe(value, known.get(name), document, known_root, name)
        for name, value in node.items()
        if name not in contract.DOCUMENTATION
    }
    return _sort_fields(facts | {name: value for name, value in known.items() if name in contract.DOCUMENTATION})


def _sort_fields(node: Node) -> Node:
    return dict(sorted(node.items(), key=lambda field: FIELD_ORDER.get(field[0], len(FIELD_ORDER))))


def _find_removed(known: Any, node: Any, known_root: Node, document: Node) -> Any:
    """Return the descriptions and references of a known part that the new one lacks; empty if there are none."""
    if isinstance(known, list) and isinstance(node, list):
        pairs = pair_items(known, node, known_root, document)
        return [one for one, other in pairs if other is None or _find_removed(one, other, known_root, document)]
    if not isinstance(known, dict) or not isinstance(node, dict) or ("$ref" in known) != ("$ref" in node):
        return None
    found = {}
    for name, value in known.items():
        if name in node:
            found[name] = _find_removed(value, node[name], known_root, document)
        elif _is_described({name: value}) or any("$ref" in one for one in normalize.walk(value)):
            found[name] = value
    return {name: value for name, value in found.items() if value}


def _is_described(node: Any, key: str = "") -> bool:
    if isinstance(node, list):
        return any(map(_is_described, node))
    if not isinstance(node, dict) or key in contract.DATA:
        return False
    if key in contract.MAPS:
        return any(map(_is_described, node.values()))
    return any(name in contract.DOCUMENTATION or _is_described(value, name) for name, value in node.items())


def _merge(node: Any, other: Any, root: Node) -> Any:
    """Return a part of a document with what it lacks from another."""
    if isinstance(node, list) and isinstance(other, list):
        rest = {label_item(root, item): item for item in other}
        return [_merge(item, rest.pop(label_item(root, item), None), root) for item in node] + [*rest.values()]
    if not isinstance(node, dict) or not isinstance(other, dict) or ("$ref" in node) != ("$ref" in other):
        return node
    return {**other, **{name: _merge(value, other.get(name), root) for name, value in node.items()}}
