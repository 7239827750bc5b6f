"""Bring schemas into one form: two that allow the same JSON values are equal, however they are written.

References are resolved, `allOf`, `anyOf` and `oneOf` are merged, and null is a flag, whether it is written as
`nullable` (OpenAPI 3.0), as a type or as an alternative (3.1). What a schema states about each JSON type is one `Part`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from .. import contract
from .keywords import loosen, tighten

Pointer = tuple[str, ...]
"""Where something is in its document: the keys of a JSON Pointer (RFC 6901)."""

ANY = "any"
"""The type of a schema that allows every JSON value."""

_COMPOSITIONS = ("allOf", "anyOf", "oneOf")
_REFERENCES = frozenset({"$ref", *_COMPOSITIONS})
_MERGED = "x-merged"
"""The mark of a union that no document has: of the same field in several alternatives, or of several responses."""

_IMPLIED = {"properties": "object", "additionalProperties": "object", "items": "array"}
"""Keywords that imply a type where a schema states none."""

_SHAPE = _REFERENCES | {_MERGED, *_IMPLIED, "type", "nullable", "enum", "const", "required"}


@dataclass(frozen=True)
class Node:
    """A part of a document as it is written, and where."""

    raw: Any
    pointer: Pointer

    def child(self, *keys: str) -> Node:
        raw = self.raw
        for key in keys:
            raw = raw[int(key)] if isinstance(raw, list) else raw[key]
        return Node(raw, (*self.pointer, *keys))


@dataclass(frozen=True)
class Part:
    """What a schema states about the values of one JSON type."""

    keywords: dict[str, Any] = field(default_factory=dict)
    """Limits, format, default, extensions and others. An integer is a number with `integer: true`."""
    enum: tuple[Any, ...] | None = None
    fields: dict[str, Node] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: Node | None = None
    others: Node | bool = True
    """Whether an object may have other fields, or their schema (`additionalProperties`)."""
    alternatives: int = 1
    """How many members of a union were merged."""


@dataclass(frozen=True)
class Schema:
    """What a schema allows: a part for each JSON type."""

    pointer: Pointer
    """Where it is written, behind its references."""
    parts: dict[str, Part]
    nullable: bool


def resolve(document: dict[str, Any], node: Node) -> Node:
    """Follow references to other places of the document; one that leads nowhere stays as it is."""
    seen = set()
    while isinstance(node.raw, dict) and set(stated(node.raw)) == {"$ref"} and node.pointer not in seen:
        seen.add(node.pointer)
        keys = [key.replace("~1", "/").replace("~0", "~") for key in str(node.raw["$ref"]).split("/")]
        try:
            node = Node(document, ()).child(*keys[1:]) if keys[0] == "#" else node
        except (KeyError, TypeError, ValueError, IndexError):
            break
    return node


def stated(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the keywords of a schema or parameter that are not documentation."""
    return {key: value for key, value in raw.items() if key not in contract.DOCUMENTATION}


class Schemas:
    """The schemas of one document, each normalized once."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._known: dict[Pointer, Schema] = {}

    def get(self, node: Node) -> Schema:
        node = resolve(self._document, node)
        if node.pointer not in self._known:
            self._known[node.pointer] = Schema(node.pointer, {ANY: Part()}, nullable=True)  # if it refers to itself
            self._known[node.pointer] = self._normalize(node)
        return self._known[node.pointer]

    def unite(self, nodes: list[Node]) -> Schema:
        """Return the schema of what any of some schemas allows."""
        different = [node for i, node in enumerate(nodes) if self.get(node) not in map(self.get, nodes[:i])]
        return self.get(reduce(lambda a, b: _merge("anyOf", a, b), different))

    def _normalize(self, node: Node) -> Schema:
        if not isinstance(node.raw, dict):  # true or false (JSON Schema 2020-12, section 4.3.2)
            return Schema(node.pointer, {} if node.raw is False else {ANY: Part()}, nullable=node.raw is not False)
        members = {key: self._members(node, key) for key in _COMPOSITIONS}
        if "$ref" in node.raw:  # beside other keywords, as OpenAPI 3.1 allows
            members["allOf"].append(Node({"$ref": node.raw["$ref"]}, (*node.pointer, "$ref")))
        conditions = [self.get(member) for member in members["allOf"]]
        conditions += [self._unite(node, key, members[key]) for key in ("anyOf", "oneOf") if node.raw.get(key)]
        own = _normalize_own(node)
        whole = reduce(_intersect, conditions, own)
        # `nullable` beside a reference was meant to extend it, although OpenAPI 3.0.3 clarified otherwise.
        nullable = whole.nullable or node.raw.get("nullable") is True
        only = [member for group in members.values() for member in group]
        is_wrapper = len(only) == 1 and set(stated(node.raw)) <= _REFERENCES | {_MERGED, "nullable", "deprecated"}
        return Schema(self.get(only[0]).pointer if is_wrapper else node.pointer, whole.parts, nullable)

    def _members(self, node: Node, key: str) -> list[Node]:
        members = [node.child(key, str(index)) for index in range(len(node.raw.get(key) or []))]
        return [member for member in members if not _is_null(member.raw)]

    def _unite(self, node: Node, key: str, members: list[Node]) -> Schema:
        schemas = [self.get(member) for member in members]
        parts = reduce(_unite, [schema.parts for schema in schemas]) if schemas else {}
        if _MERGED in node.raw:
            parts = {type_: replace(part, alternatives=1) for type_, part in parts.items()}
        has_null = any(map(_is_null, node.raw[key]))
        return Schema(node.pointer, parts, has_null or any(schema.nullable for schema in schemas))


def _is_null(raw: Any) -> bool:
    return isinstance(raw, dict) and raw.get("type") in ("null", ["null"])


def _normalize_own(node: Node) -> Schema:
    """Normalize what a schema states beside its references and unions."""
    raw = node.raw
    values = [raw["const"]] if "const" in raw else raw.get("enum")
    types = {raw["type"]} if isinstance(raw.get("type"), str) else {*raw.get("type", ())}
    types = types or {_IMPLIED[key] for key in _IMPLIED if key in raw} or {_type_of(value) for value in values or ()}
    parts: dict[str, Part] = {}
    for type_ in sorted(types - {"null"} if types else {ANY}):
        enum = None
        if values is not None:
            enum = tuple(value for value in values if value is not None and (len(types) == 1 or _fits(value, type_)))
        part = replace(_part(node, type_), enum=enum)
        name = "number" if type_ == "integer" else type_
        parts[name] = _unite_parts(parts[name], part) if name in parts else part
    return Schema(node.pointer, parts, not types or "null" in types or raw.get("nullable") is True)


def _part(node: Node, type_: str) -> Part:
    raw = node.raw
    keywords = {key: value for key, value in stated(raw).items() if key not in _SHAPE}
    for limit, exclusive in (("maximum", "exclusiveMaximum"), ("minimum", "exclusiveMinimum")):
        if isinstance(keywords.get(exclusive), bool):  # OpenAPI 3.0
            is_exclusive = keywords.pop(exclusive)
            keywords |= {exclusive: keywords.pop(limit)} if is_exclusive and limit in keywords else {}
    if type_ == "integer":
        return Part({**keywords, "integer": True})
    if type_ == "array":
        return Part(keywords, items=node.child("items") if stated(raw.get("items") or {}) else None)
    if type_ != "object":
        return Part(keywords)
    declared = raw.get("properties", {})
    fields = {name: Node(declared.get(name, {}), (*node.pointer, "properties", name)) for name in declared}
    fields |= {
        name: Node({}, (*node.pointer, "required", name)) for name in raw.get("required", ()) if name not in fields
    }
    others = raw.get("additionalProperties", True)
    is_schema = isinstance(others, dict) and bool(stated(others))
    return Part(
        keywords,
        fields=fields,
        required=frozenset(raw.get("required", ())),
        others=node.child("additionalProperties") if is_schema else others is not False,
    )


def _type_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _fits(value: Any, type_: str) -> bool:
    return _type_of(value) == type_ or (_type_of(value), type_) == ("integer", "number")


def _intersect(a: Schema, b: Schema) -> Schema:
    """Merge two schemas that both apply."""
    if ANY in a.parts or ANY in b.parts:
        general, special = (a, b) if ANY in a.parts else (b, a)
        parts = {key: _intersect_parts(part, general.parts[ANY]) for key, part in special.parts.items()}
    else:
        parts = {key: _intersect_parts(a.parts[key], b.parts[key]) for key in a.parts if key in b.parts}
    return Schema(a.pointer, parts, a.nullable and b.nullable)


def _intersect_parts(a: Part, b: Part) -> Part:
    return Part(
        a.keywords | {key: tighten(key, a.keywords.get(key, value), value) for key, value in b.keywords.items()},
        b.enum if a.enum is None else tuple(value for value in a.enum if b.enum is None or value in b.enum),
        _merge_fields("allOf", a.fields, b.fields),
        a.required | b.required,
        _merge("allOf", a.items, b.items) if a.items and b.items else a.items or b.items,
        a.others if b.others is True else b.others,
        max(a.alternatives, b.alternatives),
    )


def _unite(a: dict[str, Part], b: dict[str, Part]) -> dict[str, Part]:
    """Merge the parts of two schemas of which one applies."""
    if (ANY in a) != (ANY in b):
        return {ANY: Part()}
    return a | b | {key: _unite_parts(a[key], b[key]) for key in a.keys() & b.keys()}


def _unite_parts(a: Part, b: Part) -> Part:
    others = True if True in (a.others, b.others) else a.others or b.others
    return Part(
        {key: loosen(key, a.keywords[key], b.keywords[key]) for key in a.keywords.keys() & b.keywords.keys()},
        None if a.enum is None or b.enum is None else tuple(dict.fromkeys((*a.enum, *b.enum))),
        _merge_fields("anyOf", a.fields, b.fields),
        a.required & b.required,
        _merge("anyOf", a.items, b.items) if a.items and b.items else None,
        others,
        a.alternatives + b.alternatives,
    )


def _merge_fields(key: str, a: dict[str, Node], b: dict[str, Node]) -> dict[str, Node]:
    return a | b | {name: _merge(key, a[name], b[name]) for name in a.keys() & b.keys()}


def _merge(key: str, a: Node, b: Node) -> Node:
    if json.dumps(a.raw, sort_keys=True, default=str) == json.dumps(b.raw, sort_keys=True, default=str):
        return a
    return Node({key: [a.raw, b.raw], _MERGED: True}, (*a.pointer, key, *b.pointer))


def inline(document: dict[str, Any], raw: Any, within: tuple[Pointer, ...] = ()) -> Any:
    """Return a part of a document without documentation and with its references replaced, except to itself."""
    if isinstance(raw, list):
        return [inline(document, item, within) for item in raw]
    if not isinstance(raw, dict):
        return raw
    node = resolve(document, Node(raw, ()))
    if node.pointer in within:
        return {}
    within = (*within, node.pointer) if node.pointer else within
    return {key: inline(document, value, within) for key, value in stated(node.raw).items()}
