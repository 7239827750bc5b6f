"""From a typed Python function to the `openapi_schema` that Replicate gives a model's version.

| annotation | schema |
|---|---|
| `str`, `int`, `float`, `bool`, `dict`, `list[T]` | as in JSON Schema |
| `Literal[...]`, an `Enum` | choices |
| `Path` | a file: `string` of format `uri`; the function gets the path of a local copy |
| `T | None` | may be left out |
| `Annotated[T, Field(...)]` | a description and limits |
| returned `Path` or PIL image | a file |
| a generator of T | an iterator, which streams; one of `str` is shown joined |
"""

from __future__ import annotations

import collections.abc
import enum
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from PIL import Image

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object", list: "array"}
_ITERATORS = (
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.Generator,
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
)


@dataclass(frozen=True)
class Field:
    """What a type does not say about an input: use it as `Annotated[int, Field("how many", ge=1)]`."""

    description: str = ""
    ge: float | None = None
    le: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None

    def schema(self) -> dict[str, Any]:
        """Return its part of the schema."""
        given = {
            "description": self.description or None,
            "minimum": self.ge,
            "maximum": self.le,
            "minLength": self.min_length,
            "maxLength": self.max_length,
            "pattern": self.pattern,
        }
        return {name: value for name, value in given.items() if value is not None}


def openapi_schema(function: Callable[..., Any], train: Callable[..., Any] | None = None) -> dict[str, Any]:
    """Return the document of the container API that a function would have as a model.

    Args:
        function: What the model computes.
        train: What makes another function of it, where it can be trained.

    Raises:
        TypeError: A parameter or the result has no annotation, or one that JSON cannot carry.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    if "return" not in hints:
        raise TypeError(f"{function.__name__}: the result has no type")
    components: dict[str, Any] = {}
    components["Input"] = _inputs(function, "Input", components)
    components["Output"] = {"title": "Output", **_output(hints["return"], function.__name__)}
    if train is not None:
        components["TrainingInput"] = _inputs(train, "TrainingInput", components)
        made = {"version": {"type": "string"}, "weights": {"type": "string", "format": "uri"}}
        components["TrainingOutput"] = {"title": "TrainingOutput", "type": "object", "properties": made}
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": "0.1.0"},
        "paths": {
            "/predictions": {
                "post": {
                    "operationId": "predict_predictions_post",
                    "summary": "Predict",
                    "responses": {"200": {"description": "Successful Response"}},
                }
            }
        },
        "components": {"schemas": components},
    }


def _inputs(function: Callable[..., Any], title: str, components: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a function's parameters; their choices become components."""
    hints = typing.get_type_hints(function, include_extras=True)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for order, parameter in enumerate(inspect.signature(function).parameters.values()):
        name = parameter.name
        if name not in hints:
            raise TypeError(f"{function.__name__}: the parameter {name} has no type")
        schema, optional = _input(hints[name], name, components, function.__name__)
        schema |= {"nullable": True} if optional else {}
        if parameter.default is inspect.Parameter.empty:
            required += [] if optional else [name]
        elif parameter.default is not None:
            default = parameter.default
            schema["default"] = default.value if isinstance(default, enum.Enum) else default
        properties[name] = {**schema, "x-order": order}
    more = {"required": required} if required else {}
    return {"type": "object", "title": title, "properties": properties, **more}


def streams(schema: dict[str, Any]) -> bool:
    """Whether a model with this schema sends its output piece by piece."""
    return "x-cog-array-type" in schema["components"]["schemas"]["Output"]


def parameter_types(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the plain type of each parameter: without `Annotated` and without `| None`."""
    hints = typing.get_type_hints(function, include_extras=True)
    return {name: _plain(hint)[0] for name, hint in hints.items() if name != "return"}


def _plain(hint: Any) -> tuple[Any, dict[str, Any], bool]:
    """Return a type without its wrappings, what they said, and whether None is allowed."""
    extra: dict[str, Any] = {}
    optional = False
    while True:
        if get_origin(hint) is Annotated:
            hint, *notes = get_args(hint)
            for note in notes:
                extra |= note.schema() if isinstance(note, Field) else {}
        elif get_origin(hint) in (typing.Union, types.UnionType) and type(None) in get_args(hint):
            rest = [part for part in get_args(hint) if part is not type(None)]
            hint, optional = typing.Union[tuple(rest)], True  # noqa: UP007  # built from a list
        else:
            return hint, extra, optional


def _input(hint: Any, name: str, components: dict[str, Any], where: str) -> tuple[dict[str, Any], bool]:
    plain, extra, optional = _plain(hint)
    title = name.replace("_", " ").title()
    choices = list(get_args(plain)) if get_origin(plain) is Literal else []
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        choices = [member.value for member in plain]
    if choices:
        kind = "integer" if all(isinstance(choice, int) for choice in choices) else "string"
        components[name] = {"enum": choices, "type": kind, "title": name, "description": "An enumeration."}
        return {"allOf": [{"$ref": f"#/components/schemas/{name}"}], **extra}, optional
    return {"title": title, **_type(plain, f"{where}: the parameter {name}"), **extra}, optional


def _output(hint: Any, where: str) -> dict[str, Any]:
    plain, _, _ = _plain(hint)
    if get_origin(plain) in _ITERATORS:
        item = get_args(plain)[0]
        shown = {"x-cog-array-display": "concatenate"} if item is str else {}
        return {"type": "array", "items": _type(item, where), "x-cog-array-type": "iterator", **shown}
    return _type(plain, f"{where}: the result")


def _type(plain: Any, where: str) -> dict[str, Any]:
    if plain is Any:
        return {}
    if plain is Path or (isinstance(plain, type) and issubclass(plain, Image.Image)):
        return {"type": "string", "format": "uri"}
    origin = get_origin(plain) or plain
    if origin is list and get_args(plain):
        return {"type": "array", "items": _type(get_args(plain)[0], where)}
    if origin not in _PLAIN:
        raise TypeError(f"{where} is a {plain}; use str, int, float, bool, dict, list, Path, Literal or an Enum")
    return {"type": _PLAIN[origin]}
