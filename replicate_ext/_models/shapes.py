"""The inputs and the output of a model, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

InputType = Literal["string", "integer", "number", "boolean", "file", "array", "object", "any"]
OutputKind = Literal["file", "text", "string", "number", "integer", "boolean", "list", "object", "any", "null"]


class Input(NamedTuple):
    """One input of a model, or an item or field within one.

    Attributes:
        name: The name that the model has for it.
        type: string, integer, number, boolean, file, array, object or any. With `any`, the input is a union if it has
            `any_of`, otherwise every value is accepted.
        required: Whether the model does not run without it.
        has_default: Whether there is a default.
        default: The default of the model.
        nullable: Whether it may be null.
        choices: The values that are accepted; empty for no restriction.
        minimum: The least number that is accepted.
        maximum: The greatest number that is accepted.
        min_length: How many characters a string has at least.
        max_length: How many characters a string has at most.
        pattern: A regular expression that has to match somewhere in the string.
        items: What an array contains; what the fields of an object contain that are not in `fields`. None is anything.
        fields: The known fields of an object.
        any_of: The alternatives of a union.
        accept: Media types of the files that the model expects, such as `image/*`.
        is_secret: Whether it is a secret, such as a token, which no message shows.
        is_deprecated: Whether the model calls it deprecated.
        description: What it is, in the words of the author of the model.
    """

    name: str
    type: InputType = "any"
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
    items: Input | None = None
    fields: Mapping[str, Input] = {}
    any_of: tuple[Input, ...] = ()
    accept: tuple[str, ...] = ()
    is_secret: bool = False
    is_deprecated: bool = False
    description: str = ""


class Output(NamedTuple):
    """The output of a model, or an item or field within it.

    Attributes:
        kind: file, text, string, number, integer, boolean, list, object, any or null. `text` is an iterator of strings
            that belong together, which `run` returns as a list, functions as one string.
        items: What a list contains; what the fields of an object contain that are not in `fields`. None is anything.
        fields: The known fields of an object.
        required: The names of the fields that an object always has.
        choices: The values that it may have; empty for no restriction.
        is_iterator: Whether the model yields it piece by piece.
        nullable: Whether it may be null.
        description: What it is, in the words of the author of the model.
    """

    kind: OutputKind = "any"
    items: Output | None = None
    fields: Mapping[str, Output] = {}
    required: tuple[str, ...] = ()
    choices: tuple[Any, ...] = ()
    is_iterator: bool = False
    nullable: bool = False
    description: str = ""
