"""Turns a typed Python function into the `openapi_schema` of a model version (docs/api-facts.md, section 13).

| annotation | schema |
|---|---|
| `str`, `int`, `float`, `bool`, `dict`, `dict[str, T]`, `list[T]` | the corresponding JSON Schema type |
| `Literal[...]`, an `Enum` | choices |
| a `TypedDict` | an object, as a component |
| `T | U` | a union |
| `Secret` | a string that is never shown |
| `Path` | a file: `string` with format `uri`; the function gets the path of a local copy |
| `T | None` | optional and nullable |
| `Annotated[T, Field(...)]` | a description and constraints |
| `Path` or PIL image as the result | a file |
| a generator of T as the result | an iterator, which streams; the items of one of `str` are concatenated for display |
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


class Secret(str):
    """The annotation of an input that is a secret, such as a token: `def login(token: Secret) -> str`."""

    __slots__ = ()


_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object", list: "array"}
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
    """Description and constraints of an input, in its annotation.

    Attributes:
        description: What the input is.
        ge: The least number, the minimum of the schema.
        le: The greatest number, the maximum of the schema.
        min_length: How many characters a string has at least.
        max_length: How many characters a string has at most.
        pattern: A regular expression that matches somewhere in a string.
        accept: The media types of a file, such as `image/*`.
        deprecated: Whether the input is deprecated.

    Examples:
        >>> from typing import Annotated
        >>> from replicate_ext.emulator import Field
        >>> Digit = Annotated[int, Field("What to square.", ge=0, le=9)]
        >>> @emulator.model("me/square")
        ... def square(number: Digit) -> int:
        ...     return number**2
        >>> client.run("me/square", {"number": 3})
        9
    """

    description: str = ""
    ge: float | None = None
    le: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    accept: str | None = None
    deprecated: bool = False

    def to_schema(self) -> dict[str, Any]:
        """Return the keywords of JSON Schema that it adds to the input.

        Returns:
            The keywords with their values, without those that are not set.
        """
        keywords = {
            "description": self.description or None,
            "minimum": self.ge,
            "maximum": self.le,
            "minLength": self.min_length,
            "maxLength": self.max_length,
            "pattern": self.pattern,
            "x-cog-accept": self.accept,
            "deprecated": self.deprecated or None,
        }
        return {name: value for name, value in keywords.items() if value is not None}


def build_openapi_schema(function: Callable[..., Any], train: Callable[..., Any] | None = None) -> dict[str, Any]:
    """Return the OpenAPI document of the model container that would run a function.

    Args:
        function: The function of the model.
        train: Takes the input of a training and returns another such function; None if the model cannot be trained.

    Raises:
        TypeError: A parameter or the result has no annotation, or one that JSON Schema cannot express.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    if "return" not in hints:
        raise TypeError(f"{function.__name__}: the result has no type annotation; add one")
    components: dict[str, Any] = {}
    components["Input"] = _parameters_schema(function, "Input", components)
    components["Output"] = {"title": "Output", **_result_schema(hints["return"], components, function.__name__)}
    if train is not None:
        components["TrainingInput"] = _parameters_schema(train, "TrainingInput", components)
        properties = {"version": {"type": "string"}, "weights": {"type": "string", "format": "uri"}}
        components["TrainingOutput"] = {"title": "TrainingOutput", "type": "object", "properties": properties}
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


def is_streaming(openapi_schema: dict[str, Any]) -> bool:
    """Whether a model with this schema yields its output piece by piece."""
    return "x-cog-array-type" in openapi_schema["components"]["schemas"]["Output"]


def parameter_types(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the type of each parameter, without `Annotated` and `| None`."""
    hints = typing.get_type_hints(function, include_extras=True)
    return {name: _unwrap(hint)[0] for name, hint in hints.items() if name != "return"}


def _parameters_schema(function: Callable[..., Any], title: str, components: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a function's parameters, and add their choices to the components."""
    hints = typing.get_type_hints(function, include_extras=True)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for order, parameter in enumerate(inspect.signature(function).parameters.values()):
        name = parameter.name
        if name not in hints:
            raise TypeError(f"{function.__name__}: the parameter {name} has no type annotation; add one")
        schema, is_nullable = _parameter_schema(hints[name], name, components, function.__name__)
        schema |= {"nullable": True} if is_nullable else {}
        if parameter.default is inspect.Parameter.empty:
            required += [] if is_nullable else [name]
        elif parameter.default is not None:
            default = parameter.default
            schema["default"] = default.value if isinstance(default, enum.Enum) else default
        properties[name] = {**schema, "x-order": order}
    return {"type": "object", "title": title, "properties": properties, **({"required": required} if required else {})}


def _parameter_schema(
    hint: Any, name: str, components: dict[str, Any], function_name: str
) -> tuple[dict[str, Any], bool]:
    """Return the schema of a parameter, and whether it is nullable."""
    type_, keywords, is_nullable = _unwrap(hint)
    title = name.replace("_", " ").title()
    choices = list(get_args(type_)) if get_origin(type_) is Literal else []
    if isinstance(type_, type) and issubclass(type_, enum.Enum):
        choices = [member.value for member in type_]
    if choices:
        json_type = "integer" if all(isinstance(choice, int) for choice in choices) else "string"
        components[name] = {"enum": choices, "type": json_type, "title": name, "description": "An enumeration."}
        return {"allOf": [{"$ref": f"#/components/schemas/{name}"}], **keywords}, is_nullable
    schema = _type_schema(type_, components, f"{function_name}: the parameter {name}")
    return {"title": title, **schema, **keywords}, is_nullable


def _result_schema(hint: Any, components: dict[str, Any], function_name: str) -> dict[str, Any]:
    type_, _, is_nullable = _unwrap(hint)
    if get_origin(type_) in _ITERATORS:
        item = get_args(type_)[0]
        display = {"x-cog-array-display": "concatenate"} if item is str else {}
        items = _type_schema(item, components, f"{function_name}: an item of the result")
        return {"type": "array", "items": items, "x-cog-array-type": "iterator", **display}
    location = f"{function_name}: the result"
    if typing.is_typeddict(type_):
        return _object_schema(type_, components, location)
    return _type_schema(type_, components, location) | ({"nullable": True} if is_nullable else {})


def _unwrap(hint: Any) -> tuple[Any, dict[str, Any], bool]:
    """Return a type without `Annotated` and `| None`, the keywords of its `Field`s, and whether None is allowed."""
    keywords: dict[str, Any] = {}
    is_nullable = False
    while True:
        if get_origin(hint) in (typing.Required, typing.NotRequired):
            hint = get_args(hint)[0]
        elif get_origin(hint) is Annotated:
            hint, *annotations = get_args(hint)
            for annotation in annotations:
                keywords |= annotation.to_schema() if isinstance(annotation, Field) else {}
        elif get_origin(hint) in (typing.Union, types.UnionType) and type(None) in get_args(hint):
            members = [member for member in get_args(hint) if member is not type(None)]
            hint, is_nullable = typing.Union[tuple(members)], True  # noqa: UP007  # built from a list
        else:
            return hint, keywords, is_nullable


def _type_schema(hint: Any, components: dict[str, Any], location: str) -> dict[str, Any]:
    type_, keywords, is_nullable = _unwrap(hint)
    nullable = {"nullable": True} if is_nullable else {}
    if type_ is Any:
        return {}
    if type_ is Path or (isinstance(type_, type) and issubclass(type_, Image.Image)):
        return {"type": "string", "format": "uri", **keywords, **nullable}
    if type_ is Secret:
        return {"type": "string", "format": "password", "writeOnly": True, "x-cog-secret": True}
    if typing.is_typeddict(type_):
        components[type_.__name__] = _object_schema(type_, components, location)
        return {"allOf": [{"$ref": f"#/components/schemas/{type_.__name__}"}], **nullable}
    origin, arguments = get_origin(type_) or type_, get_args(type_)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_type_schema(argument, components, location) for argument in arguments]}
    if origin not in _JSON_TYPES:
        raise TypeError(
            f"{location} has the type {type_}, which JSON Schema cannot express; "
            "use str, int, float, bool, dict, list, Path, Secret, Literal, an Enum, a TypedDict or a union of these"
        )
    schema = {"type": _JSON_TYPES[origin], **keywords, **nullable}
    if origin is list and arguments:
        schema["items"] = _type_schema(arguments[0], components, location)
    elif origin is dict and arguments and arguments[1] is not Any:
        schema["additionalProperties"] = _type_schema(arguments[1], components, location)
    return schema


def _object_schema(type_: Any, components: dict[str, Any], location: str) -> dict[str, Any]:
    """Return the schema of a TypedDict."""
    hints = typing.get_type_hints(type_, include_extras=True)
    properties = {name: _type_schema(hint, components, f"{location}: {name}") for name, hint in hints.items()}
    # not `__required_keys__`, which does not know annotations that are strings:
    # https://docs.python.org/3/library/typing.html#typing.TypedDict
    marks = {name: get_origin(hint) for name, hint in hints.items()}
    unmarked_is_required = type_.__total__
    required = [
        name
        for name, mark in marks.items()
        if mark is typing.Required or (unmarked_is_required and mark is not typing.NotRequired)
    ]
    return {"title": type_.__name__, "type": "object", "properties": properties, "required": required}
