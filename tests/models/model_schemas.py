"""The `openapi_schema` of versions with every construct that is known, in the forms in which Cog has written them."""

from __future__ import annotations

from typing import Any

TEXT_STREAM = {
    "type": "array",
    "items": {"type": "string"},
    "x-cog-array-type": "iterator",
    "x-cog-array-display": "concatenate",
}
FILE = {"type": "string", "format": "uri"}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def document(
    properties: dict[str, Any] | None = None,
    required: tuple[str, ...] = (),
    output: object = FILE,
    components: dict[str, Any] | None = None,
    **keywords: Any,
) -> dict[str, Any]:
    """Return a document with the inputs in the order of their names here."""
    ordered = {name: {"x-order": order, **schema} for order, (name, schema) in enumerate((properties or {}).items())}
    model_input = {"type": "object", "title": "Input", "properties": ordered, **keywords}
    if required:
        model_input["required"] = list(required)
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": "0.1.0"},
        "paths": {"/predictions": {"post": {"operationId": "predict"}}},
        "components": {"schemas": {"Input": model_input, "Output": output, **(components or {})}},
    }


PAINTER = document(
    {
        "prompt": {"type": "string", "title": "Prompt", "description": "What to paint."},
        "ratio": {"allOf": [ref("ratio")], "default": "1:1", "description": "Shape of the picture."},
        "count": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
        "guidance": {"type": "number", "ge": 0, "le": 20, "default": 3.5},
        "upscale": {"type": "boolean", "default": False},
        "image": {**FILE, "title": "Image", "x-cog-accept": "image/*"},
        "references": {"type": "array", "items": {**FILE, "anyOf": []}, "default": []},
        "seed": {"type": "integer", "nullable": True},
        "api_key": {"type": "string", "format": "password", "writeOnly": True, "x-cog-secret": True, "minLength": 8},
        "extra": {"type": "object", "additionalProperties": {"type": "integer"}, "deprecated": True},
    },
    ("prompt",),
    {"type": "array", "items": FILE},
    {"ratio": {"title": "ratio", "description": "An enumeration.", "enum": ["1:1", "16:9", "9:16"], "type": "string"}},
)
"""A model with an input of most kinds."""
