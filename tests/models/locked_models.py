"""Models of a lock with every construct that is known of schemas, in inputs and outputs."""

from __future__ import annotations

from typing import Any

from model_schemas import FILE, PAINTER, TEXT_STREAM, document, ref

from replicate_ext._models.lock import LockedModel
from replicate_ext._models.schema import ModelSchema


def locked(
    name: str, openapi_schema: object, kind: Any = "official", *, cog_version: str | None = "0.9.0", **fields: Any
) -> LockedModel:
    """Return a model of a lock; its function has the name of the model."""
    schema = ModelSchema.parse(openapi_schema, cog_version).trimmed()
    model = LockedModel(f"acme/{name}", name, kind, "5c7d" * 16, cog_version, "2026-11-26", "", schema)
    return model._replace(**fields)


MANY = [f"choice number {number}" for number in range(25)]
INPUTS: dict[str, Any] = {
    "text": {"type": "string", "default": "a text", "minLength": 1, "maxLength": 80, "pattern": "^[a-z ]*$"},
    "quoted": {"type": "string", "default": "\"'\\\n\u2028\u202e", "description": 'A "quoted" \\ text.\n"""'},
    "long_text": {"type": "string", "default": "long " * 50},
    "whole": {"type": "integer", "default": 13.5},
    "number": {"type": "number", "default": 7, "ge": 0, "le": 10},
    "flag": {"type": "boolean", "default": True},
    "maybe": {"type": "integer", "nullable": True, "default": 3},
    "nothing": {"type": "string", "default": None},
    "choice": {"allOf": [ref("choice")], "default": "b"},
    "inline": {"type": "string", "enum": ['"', "\\", "\n", None]},
    "many": {"type": "string", "enum": MANY, "default": MANY[3]},
    "size": {"type": "integer", "enum": [512, 768], "default": 512},
    "half": {"type": "number", "enum": [0.5, 1.5], "default": 0.5},
    "gone": {"type": "string", "enum": ["x"], "default": "no longer a choice"},
    "mixed": {"enum": ["a", 1, True]},
    "file": {**FILE, "default": "https://example.com/a.png", "x-cog-accept": "image/*"},
    "files": {"type": "array", "items": {**FILE, "anyOf": []}, "default": []},
    "tags": {"type": "array", "items": {"type": "string"}, "default": ["a", "b"], "nullable": True},
    "choices": {"type": "array", "items": ref("choice")},
    "anything": {"description": "Whatever you like."},
    "union": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}], "default": 3},
    "union_of_anything": {"anyOf": [{"type": "string"}, {}]},
    "empty_union": {"type": "string", "anyOf": []},
    "options": {"type": "object", "additionalProperties": {"type": "integer"}},
    "settings": {"type": "object", "properties": {"a": {"type": "string"}}},
    "secret": {"type": "string", "x-cog-secret": True, "default": "hunter2"},
    "old": {"type": "string", "deprecated": True},
    "class": {"type": "string"},
    "image-url": {"type": "string"},
    "timeout": {"type": "integer", "default": 3},
    "self": {"type": "string"},
    "list": {"type": "string"},
    "größe": {"type": "integer"},
}
CHOICES = {"choice": {"description": "An enumeration.", "enum": ["a", "b"], "type": "string"}}

OUTPUTS: dict[str, Any] = {
    "file": FILE,
    "files": {"type": "array", "items": FILE},
    "file_stream": {"type": "array", "items": FILE, "x-cog-array-type": "iterator"},
    "chat": TEXT_STREAM,
    "string": {"type": "string"},
    "maybe": {"type": "string", "nullable": True},
    "number": {"type": "number"},
    "numbers": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
    "grade": {"type": "string", "enum": ["a", '"']},
    "anything": {},
    "nothing": {"type": "null"},
    "table": {"type": "object", "additionalProperties": {"type": "integer"}},
    "odd": {"type": "object", "properties": {"class": FILE, "__secret": {"type": "string"}}},
    "separation": {
        "type": "object",
        "properties": {
            "vocals": FILE,
            "rest": {"type": "array", "items": FILE},
            "segments": {"type": "array", "items": ref("Segment")},
        },
        "required": ["vocals"],
    },
    "files_with_text": {
        "type": "array",
        "items": {"type": "object", "properties": {"file": FILE, "text": {"type": "string"}}, "required": ["text"]},
    },
    "tree": ref("Tree"),
}
COMPONENTS = {
    "Segment": {"type": "object", "properties": {"start": {"type": "number"}}, "required": ["start"]},
    "Tree": {"type": "object", "properties": {"children": {"type": "array", "items": ref("Tree")}}},
}

EVERY_CONSTRUCT = [
    locked("painter", PAINTER, description="Paint a picture."),
    locked("every_input", document({"needed": {"type": "string"}, **INPUTS}, ("needed",), components=CHOICES)),
    locked("no_input", document(), "community"),
    locked("other_inputs", document({"a": FILE}, additionalProperties={"type": "string"})),
    locked("only_others", document(additionalProperties=True)),
    locked("unknown", {}),
    *(
        locked(f"{name}_maker", document({"n": {"type": "integer"}}, output=output, components=COMPONENTS))
        for name, output in OUTPUTS.items()
    ),
]
