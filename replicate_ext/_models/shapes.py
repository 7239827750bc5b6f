"""The inputs and the output of a model, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

InputType = Literal["string", "integer", "number", "boolean", "file", "array", "object", "any"]
OutputKind = Literal["file", "text", "string", "number", "integer", "boolean", "list", "object", "any", "null"]


class Input(NamedTuple):
    """One input of a model, or an item or field within one."""

    name: str
    type: InputType = "any"
    """`any` is a union if it has `any_of`; otherwise every value is accepted."""

    required: bool = False
    has_default: bool = False
    default: Any = None
    nullable: bool = False
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    """A regular expression that has to match somewhere in the string."""

    items: Input | None = None
    """What an array contains; what the fields of an object contain that are not in `fields`. None is anything."""

    fields: Mapping[str, Input] = {}
    """The known fields of an object."""

    any_of: tuple[Input, ...] = ()
    """The alternatives of a union."""

    accept: tuple[str, ...] = ()
    """Media types of the files that the model expects, such as `image/*`."""

    is_secret: bool = False
    is_deprecated: bool = False
    description: str = ""


class Output(NamedTuple):
    """The output of a model, or an item or field within it."""

    kind: OutputKind = "any"
    """`text` is an iterator of strings that belong together: `run` returns them as a list, functions as one string."""

    items: Output | None = None
    """What a list contains; what the fields of an object contain that are not in `fields`. None is anything."""

    fields: Mapping[str, Output] = {}
    required: tuple[str, ...] = ()
    """The names of the fields that an object always has."""

    choices: tuple[Any, ...] = ()
    is_iterator: bool = False
    nullable: bool = False
    description: str = ""
