"""The output of a model: files become `FileOutput`, everything else stays as the API sent it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._display.outputs import Outputs
from .._send import Session
from .outputs import AsyncFileOutput, FileOutput, is_file_url


def wrap_files(output: Any, session: Session[Any], openapi_schema: object = None) -> Any:
    """Return an output with its files as `FileOutput`; a list is an `Outputs`, which a notebook shows in a row.

    Args:
        output: JSON values.
        session: Downloads the files.
        openapi_schema: The version's `openapi_schema`. If given, strings with `format: uri` are wrapped. Otherwise
            every string that is, in its entirety, an http(s) URL or a data URI.
    """
    schemas: Any = openapi_schema
    for key in ("components", "schemas"):
        schemas = schemas.get(key) if isinstance(schemas, Mapping) else None
    components = schemas if isinstance(schemas, Mapping) else {}
    wrapped = [output]
    pending: list[tuple[Any, Any, object]] = [(wrapped, 0, components.get("Output"))]
    while pending:  # a model may nest its output deeper than Python's stack
        container, key, unresolved = pending.pop()
        value, schema = container[key], _dereference(unresolved, components)
        if isinstance(value, str):
            container[key] = _wrap_string(value, session, schema)
        elif isinstance(value, list):
            container[key] = copy = Outputs(value) if container is wrapped else list(value)
            pending += [(copy, index, schema.get("items")) for index in range(len(copy))]
        elif isinstance(value, dict):
            container[key] = fields = dict(value)
            properties, default = schema.get("properties"), schema.get("additionalProperties")
            by_name = properties if isinstance(properties, Mapping) else {}
            pending += [(fields, name, by_name.get(name, default)) for name in fields]
    return wrapped[0]


def _wrap_string(value: str, session: Session[Any], schema: Mapping[str, Any]) -> str:
    is_file = schema.get("format") == "uri" if schema.get("type") == "string" else True
    if not is_file or not is_file_url(value):
        return value
    return (AsyncFileOutput if session.backend.is_async else FileOutput)(value, session)


def _dereference(schema: Any, components: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references to components; an unknown construct is treated as an empty schema."""
    for _ in range(10):
        if not isinstance(schema, Mapping):
            return {}
        parts = schema.get("allOf")
        if isinstance(parts, list) and len(parts) == 1:
            schema = parts[0]
        elif isinstance(schema.get("$ref"), str):
            schema = components.get(schema["$ref"].rpartition("/")[2])
        else:
            return schema
    return {}


def is_wrapped(value: str) -> bool:
    """Whether a string of an output is a file, as `wrap_files` has found."""
    return isinstance(value, FileOutput | AsyncFileOutput)
