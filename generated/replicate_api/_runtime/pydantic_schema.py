"""The models as fields, parameters and return values of pydantic and FastAPI, which import this module.

FastAPI takes a parameter of a class that is not its own for a query parameter, so a body is
`Annotated[Prediction, Body()]` (https://fastapi.tiangolo.com/tutorial/body-multiple-params/).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import types


def core_schema(model: type[types.Record]) -> Any:
    """Return the schema with which pydantic validates and serializes a model.

    A model is valid as it is, and so is any JSON object, as in a response. It is serialized by `to_dict`.
    """
    from pydantic_core import core_schema

    def validate(value: Any) -> types.Record:
        if isinstance(value, model):
            return value
        if isinstance(value, Mapping):
            return model.from_dict(value)
        raise ValueError(f"must be a {model.__name__} or its JSON object, not {type(value).__name__}")

    serialization = core_schema.plain_serializer_function_ser_schema(model.to_dict)
    return core_schema.no_info_plain_validator_function(validate, serialization=serialization)


def json_schema(model: type[types.Record], parents: tuple[type[types.Record], ...] = ()) -> dict[str, Any]:
    """Return the JSON schema of a model; a model inside itself is any object."""
    if model in parents:
        return {"type": "object"}
    properties = {row.name: _codec_schema(row.codec, (*parents, model)) for row in model.fields.values()}
    required = [row.name for row in model.fields.values() if row.required]
    schema: dict[str, Any] = {"type": "object", "title": model.__name__, "properties": properties}
    return {**schema, "required": required} if required else schema


_SIMPLE: dict[types.Codec, dict[str, Any]] = {
    types.STRING: {"type": "string"},
    types.BOOLEAN: {"type": "boolean"},
    types.INTEGER: {"type": "integer"},
    types.NUMBER: {"type": "number"},
    types.OBJECT: {"type": "object"},
    types.NULL: {"type": "null"},
    types.BYTES: {"type": "string", "format": "binary"},
    types.DATETIME: {"type": "string", "format": "date-time"},
    types.DATE: {"type": "string", "format": "date"},
    types.UUID_: {"type": "string", "format": "uuid"},
}


def _codec_schema(codec: types.Codec, parents: tuple[type[types.Record], ...]) -> dict[str, Any]:
    match codec:
        case types.Nested():
            return json_schema(codec.model, parents)
        case types.ListOf():
            return {"type": "array", "items": _codec_schema(codec.item, parents)}
        case types.EnumOf():  # no `enum`: the server may add values
            return {"type": "string", "examples": [str(member) for member in codec.enum]}
        case types.AnyOf():
            return {"anyOf": [_codec_schema(one, parents) for one in codec.codecs]}
        case types.Const():
            return {"const": codec.value}
        case _:
            return _SIMPLE.get(codec, {})
