"""Checks the JSON that a command prints against the OpenAPI document."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

OPENAPI = Path(__file__).parents[2] / "openapi.json"


def _to_json_schema(value: dict[str, Any]) -> dict[str, Any]:
    """Write `nullable` of OpenAPI 3.0 as JSON Schema does; and alternatives as `anyOf`, since those of ours overlap."""
    if value.get("nullable") is True and "type" in value:
        value["type"] = [value["type"], "null"]
    return {"anyOf" if key == "oneOf" else key: item for key, item in value.items()}


@cache
def _document() -> Any:
    return json.loads(OPENAPI.read_text(encoding="utf-8"), object_hook=_to_json_schema)


def check(value: object, name: str) -> None:
    """Raise a ValidationError unless a value has the schema of a response: "prediction", "training" or "file"."""
    _validate(value, {"$ref": f"#/components/schemas/schemas_{name}_response"})


def check_response(value: object, path: str) -> None:
    """Raise a ValidationError unless a value is what GET of a path returns; of a list, what is in all of its pages."""
    schema = _document()["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    while "$ref" in schema:
        schema = _document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    _validate(value, schema["properties"]["results"] if "next" in schema.get("properties", {}) else schema)


def _validate(value: object, schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(schema | {"components": _document()["components"]}).validate(value)
