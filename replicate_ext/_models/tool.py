"""The inputs of a model as a JSON Schema: for forms, and for the tools of language models."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from .shapes import Input

ToolFormat = Literal["openai", "anthropic"]

MAX_NAME_SIZE = 64
"""Characters of the name of a tool: https://platform.openai.com/docs/api-reference/chat/create"""

MAX_DESCRIPTION_SIZE = 1024
"""Characters of the description of a tool, by the same page."""


def make_tool(format: ToolFormat, name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the definition of a tool in the format of one vendor of language models.

    Raises:
        ValueError: There is no such format.
    """
    tool = {"name": re.sub(r"[^\w-]", "_", name, flags=re.ASCII)[:MAX_NAME_SIZE]}
    if description:
        tool["description"] = description[:MAX_DESCRIPTION_SIZE]
    parameters = {key: value for key, value in schema.items() if key not in ("title", "description")}
    if format == "openai":
        return {"type": "function", "function": {**tool, "parameters": parameters}}
    if format == "anthropic":
        return {**tool, "input_schema": parameters}
    raise ValueError(f"tool must be one of {', '.join(map(repr, get_args(ToolFormat)))}, not {format!r}")


def input_schema(
    inputs: tuple[Input, ...], extra_input: Input | None, name: str = "", description: str = ""
) -> dict[str, Any]:
    """Return the JSON Schema of an object with these inputs.

    Secrets are left out if the model runs without them: a language model should not be asked for them.
    """
    shown = [input for input in inputs if input.required or not input.is_secret]
    schema = {
        "title": name,
        "description": description,
        "type": "object",
        "properties": {input.name: _property(input) for input in shown},
        "required": [input.name for input in shown if input.required],
        "additionalProperties": extra_input is not None,
    }
    return {key: value for key, value in schema.items() if value != ""}


def _property(input: Input) -> dict[str, Any]:
    type_ = None if input.type == "any" else "string" if input.type == "file" else input.type
    types: Any = [type_, "null"] if type_ and input.nullable else type_
    keywords = {
        "type": types,
        "format": "uri" if input.type == "file" else "password" if input.is_secret else None,
        "description": input.description or None,
        "enum": _enum(input),
        "minimum": input.minimum,
        "maximum": input.maximum,
        "minLength": input.min_length,
        "maxLength": input.max_length,
        "pattern": input.pattern,
        "items": _items(input),
        "properties": {name: _property(field) for name, field in input.fields.items()} or None,
        "required": [name for name, field in input.fields.items() if field.required] or None,
        "additionalProperties": _property(input.items) if input.type == "object" and input.items else None,
        "anyOf": _alternatives(input),
        "deprecated": True if input.is_deprecated else None,
    }
    schema = {keyword: value for keyword, value in keywords.items() if value is not None}
    return {**schema, "default": input.default} if input.has_default and not input.is_secret else schema


def _enum(input: Input) -> list[Any] | None:
    return [*input.choices, *([None] if input.nullable else [])] if input.choices else None


def _items(input: Input) -> dict[str, Any] | None:
    if input.type != "array":
        return None
    return _property(input.items) if input.items else {}


def _alternatives(input: Input) -> list[dict[str, Any]] | None:
    variants = [_property(variant) for variant in input.any_of]
    return [*variants, *([{"type": "null"}] if input.nullable else [])] if variants else None
