"""Shared by the tests of the generated models: every response model, and JSON that it accepts."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from replicate_api import types
from replicate_api.api import OPERATIONS
from replicate_api.models import (
    Problem,
)
from replicate_api.types import Codec, EnumOf, ListOf, Nested, Record

MODULES = {name: import_module(f"replicate_api.api.{path}") for name, path in OPERATIONS.items()}
STAMP = "2026-03-16T10:11:12.345678Z"


def response_models() -> dict[str, type[Record]]:
    """Return the models of whole response bodies."""
    models: dict[str, type[Record]] = {"Problem": Problem}
    for module in MODULES.values():
        codec = getattr(module, "_RESULT", None)
        codec = codec.item if isinstance(codec, ListOf) else codec
        if isinstance(codec, Nested):
            models[codec.model.__name__] = codec.model
    return models


def sample_json(codec: Codec) -> Any:
    """Return JSON that a codec accepts."""
    match codec:
        case Nested():
            return full_body(codec.model)
        case ListOf():
            return [sample_json(codec.item), sample_json(codec.item)]
        case EnumOf():
            return next(iter(codec.enum)).value
        case types.AnyOf():
            return sample_json(codec.codecs[0])
        case types.Const():
            return codec.value
    plain = {
        types.STRING: "text",
        types.BOOLEAN: True,
        types.INTEGER: 3,
        types.NUMBER: 1.5,
        types.OBJECT: {"a": [1]},
        types.NULL: None,
        types.DATETIME: STAMP,
        types.ANY: {"anything": ["x"]},
    }
    return plain[codec]


def full_body(model: type[Record]) -> dict[str, Any]:
    return {row.name: sample_json(row.codec) for row in model.fields.values()}


def iterate_fields(
    model: type[Record], path: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], type[Record], str]]:
    """Yield each field of a model and its nested models: the path of its object, the class of that, the attribute."""
    for attribute, row in model.fields.items():
        yield path, model, attribute
        codec, codec_path = row.codec, (*path, row.name)
        if isinstance(codec, types.AnyOf):
            codec = codec.codecs[0]
        if isinstance(codec, ListOf):
            codec, codec_path = codec.item, (*codec_path, 1)
        if isinstance(codec, Nested):
            yield from iterate_fields(codec.model, codec_path)


def value_at(value: Any, path: tuple[Any, ...]) -> Any:
    """Follow a path of JSON names and indices through models and lists."""
    for step in path:
        if isinstance(value, Record):
            step = next(attribute for attribute, row in value.fields.items() if row.name == step)
            value = getattr(value, step)
        else:
            value = value[step]
    return value
