"""Read the JSON Schemas in an `openapi_schema`: of any version of Cog, by OpenAPI 3.0 or 3.1.

Nothing here raises: a construct that is not understood means that any value is accepted. Constraints that are not
understood are ignored, so a check by what was read refuses nothing that the platform would run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from .shapes import Input, InputType, Output, OutputKind

MAX_DEPTH = 8
"""Levels of nesting that are read; below, anything is accepted."""

MAX_NODES = 2_000
"""Schemas that are read of one document; references may multiply them without end."""

_PATH = "$path"
"""Where a resolved schema has the names of the components that it was resolved through: they may contain themselves."""

_COMPOSITION = {"$ref", "allOf", "anyOf", "oneOf", _PATH}
_UNKNOWN_ORDER = 1_000_000
_FIRST_COG_WITH_ITERATOR_MARK = (0, 3, 9)
"""Before, the schema of an iterator is that of a list:
https://github.com/replicate/replicate-python/blob/main/replicate/schema.py
"""


class SchemaReader:
    """Reads the schemas of one document."""

    def __init__(self, openapi_schema: object) -> None:
        components = as_dict(as_dict(openapi_schema).get("components"))
        self.components = as_dict(components.get("schemas"))
        self._nodes = 0

    def inputs(self, component: str) -> tuple[Input, ...] | None:
        """Return the inputs in the order in which the model's author wrote them, or None if they are not known."""
        schema = self._resolve(self.components.get(component))
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return None
        required = as_list(schema.get("required"))
        resolved = {str(name): self._resolve(property) for name, property in properties.items()}
        names = sorted(resolved, key=lambda name: _order_of(resolved[name]))  # stable: JSON order if there is no other
        return tuple(self._input(resolved[name], name, name in required) for name in names)

    def extra_input(self, component: str) -> Input | None:
        """Return what inputs by other names have to be, or None if there are none."""
        schema = self._resolve(self.components.get(component))
        others = schema.get("anyOf") or schema.get(
            "patternProperties"
        )  # they may define more inputs, which are not read
        extra = schema.get("additionalProperties", bool(others))
        return self._input(self._resolve(extra), "") if extra is True or as_dict(extra) else None

    def output(self, component: str, cog_version: str | None) -> Output:
        """Return the output; any if the document does not have it."""
        self._nodes = 0
        output = self._output(self._resolve(self.components.get(component)))
        is_maybe_iterator = output.kind == "list" and _is_before_iterator_mark(cog_version)
        return output._replace(is_iterator=output.is_iterator or is_maybe_iterator)

    def _input(self, schema: Mapping[str, Any], name: str, required: bool = False, depth: int = 0) -> Input:
        """Return one input by its resolved schema."""
        if depth > MAX_DEPTH:
            return Input(name, is_secret=_is_secret(schema))
        type_, description = _type_of(schema), schema.get("description")
        return Input(
            name,
            type_,
            required=required,
            has_default="default" in schema,
            default=schema.get("default"),
            nullable=_is_nullable(schema),
            choices=_choices_of(schema),
            minimum=_number(schema, "minimum", "ge"),
            maximum=_number(schema, "maximum", "le"),
            min_length=_count(schema, "minLength"),
            max_length=_count(schema, "maxLength"),
            pattern=_text(schema.get("pattern")),
            items=self._items(schema, depth) if type_ in ("array", "object") else None,
            fields=self._fields(schema, depth) if type_ == "object" else {},
            any_of=tuple(self._input(variant, name, False, depth + 1) for variant in schema.get("anyOf", ())),
            accept=_accept(schema.get("x-cog-accept")),
            is_secret=_is_secret(schema),
            is_deprecated=schema.get("deprecated") is True,
            description="" if description == "An enumeration." else _text(description) or "",  # pydantic's own text
        )

    def _items(self, schema: Mapping[str, Any], depth: int) -> Input | None:
        items = schema.get("items" if schema.get("type") == "array" else "additionalProperties")
        return self._input(self._resolve_part(items, schema), "", depth=depth + 1) if as_dict(items) else None

    def _fields(self, schema: Mapping[str, Any], depth: int) -> dict[str, Input]:
        required = as_list(schema.get("required"))
        return {
            str(name): self._input(self._resolve_part(field, schema), str(name), name in required, depth + 1)
            for name, field in as_dict(schema.get("properties")).items()
        }

    def _output(self, schema: Mapping[str, Any], depth: int = 0) -> Output:
        """Return an output by its resolved schema."""
        kind = _kind_of(schema)
        if depth > MAX_DEPTH:
            return Output()
        items = schema.get("additionalProperties" if kind == "object" else "items")
        has_items = kind in ("list", "object") and as_dict(items)
        fields = as_dict(schema.get("properties")) if kind == "object" else {}
        return Output(
            kind,
            items=self._output(self._resolve_part(items, schema), depth + 1) if has_items else None,
            fields={
                str(name): self._output(self._resolve_part(field, schema), depth + 1) for name, field in fields.items()
            },
            required=tuple(name for name in as_list(schema.get("required")) if name in fields),
            choices=_choices_of(schema),
            is_iterator=schema.get("x-cog-array-type") == "iterator" or kind == "text",
            nullable=_is_nullable(schema),
            description=_text(schema.get("description")) or "",
        )

    def _resolve_part(self, part: object, whole: Mapping[str, Any]) -> dict[str, Any]:
        """Return the resolved schema of an item or field; what a secret contains is secret."""
        resolved = self._resolve(part, whole.get(_PATH, ()))
        return {**resolved, "x-cog-secret": True} if _is_secret(whole) else resolved

    def _resolve(self, schema: object, path: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return a schema without references and compositions; what it says itself takes precedence.

        A union of several alternatives remains, as `anyOf` with resolved schemas.
        """
        self._nodes += 1
        if not isinstance(schema, Mapping) or self._nodes > MAX_NODES or len(path) > MAX_DEPTH:
            return {}
        own = {str(key): value for key, value in schema.items() if key not in _COMPOSITION}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            name = reference.rpartition("/")[2]
            if name in path:
                return {}
            path = (*path, name)
            own = _merge(self._resolve(self.components.get(name), path), own)
        for part in reversed(as_list(schema.get("allOf"))):
            own = _merge(self._resolve(part, path), own)
        own.setdefault(_PATH, path)
        alternatives = as_list(schema.get("anyOf")) or as_list(schema.get("oneOf"))
        return _merge_union([self._resolve(part, path) for part in alternatives], own) if alternatives else own


def as_dict(value: object) -> Mapping[str, Any]:
    """Return a JSON object; empty if the value is none."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[Any]:
    """Return a JSON array; empty if the value is none."""
    return value if isinstance(value, list) else []


def references(schema: object) -> Iterator[str]:
    """Yield the names of the components to which a schema refers directly."""
    pending = [schema]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            if isinstance(reference := value.get("$ref"), str):
                yield reference.rpartition("/")[2]
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def _merge(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = {**base, **own}
    if "properties" in base and "properties" in own:
        merged["properties"] = {**as_dict(base["properties"]), **as_dict(own["properties"])}
        merged["required"] = [*as_list(base.get("required")), *as_list(own.get("required"))]
    return merged


def _merge_union(variants: list[dict[str, Any]], own: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a union; one of a type and null is nullable, and no union."""
    if any(map(_is_nullable, variants)):
        own["nullable"] = True
    variants = [variant for variant in variants if variant.get("type") != "null"]
    if len(variants) == 1:
        return _merge(variants[0], own)
    if variants:
        own["anyOf"] = [{**variant, "x-cog-secret": True} for variant in variants] if _is_secret(own) else variants
    return own


def _types(schema: Mapping[str, Any]) -> list[str]:
    """Return the types that a schema allows, without null; by OpenAPI 3.1 there may be several."""
    type_ = schema.get("type")
    types = type_ if isinstance(type_, list) else [type_]
    return [type_ for type_ in types if isinstance(type_, str) and type_ != "null"]


def _type_of(schema: Mapping[str, Any]) -> InputType:
    if schema.get("anyOf"):
        return "any"
    types = _types(schema) or _types_of_choices(schema)
    if len(types) != 1 or types[0] not in ("string", "integer", "number", "boolean", "array", "object"):
        return "any"
    if types[0] == "string" and schema.get("format") == "uri":
        return "file"
    return cast("InputType", types[0])


def _types_of_choices(schema: Mapping[str, Any]) -> list[str]:
    """Return the type of an `enum` that does not state it."""
    python_types = {type(choice) for choice in _choices_of(schema)}
    if not python_types:
        return []
    types: dict[str, set[type[Any]]] = {"string": {str}, "integer": {int}, "number": {int, float}}
    return [name for name, allowed in types.items() if python_types <= allowed][:1]


def _kind_of(schema: Mapping[str, Any]) -> OutputKind:
    if schema.get("type") == "null":
        return "null"
    type_ = _type_of(schema)
    if type_ == "array":
        return "text" if schema.get("x-cog-array-display") == "concatenate" else "list"
    return type_


def _is_nullable(schema: Mapping[str, Any]) -> bool:
    type_ = schema.get("type")
    nulls = type_ == "null" or (isinstance(type_, list) and "null" in type_) or None in as_list(schema.get("enum"))
    return nulls or schema.get("nullable") is True


def _is_secret(schema: Mapping[str, Any]) -> bool:
    return schema.get("format") == "password" or schema.get("x-cog-secret") is True


def _choices_of(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    choices = [schema["const"]] if "const" in schema else as_list(schema.get("enum"))
    return tuple(choice for choice in choices if choice is not None)


def _order_of(schema: Mapping[str, Any]) -> float:
    order = _number(schema, "x-order")
    return _UNKNOWN_ORDER if order is None else order


def _number(schema: Mapping[str, Any], *keywords: str) -> float | None:
    """Return the first of these keywords that is a number; old versions of Cog wrote `ge` and `le`."""
    values = (schema.get(keyword) for keyword in keywords)
    return next((value for value in values if isinstance(value, int | float) and not isinstance(value, bool)), None)


def _count(schema: Mapping[str, Any], keyword: str) -> int | None:
    number = _number(schema, keyword)
    return number if isinstance(number, int) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _accept(value: object) -> tuple[str, ...]:
    types = value.split(",") if isinstance(value, str) else as_list(value)
    return tuple(str(type_).strip() for type_ in types)


def _is_before_iterator_mark(cog_version: str | None) -> bool:
    match = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", cog_version or "")  # versions may also be `dev` or `90`
    return match is not None and tuple(map(int, match.groups("0"))) < _FIRST_COG_WITH_ITERATOR_MARK
