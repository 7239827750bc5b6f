"""What `help`, `inspect.signature` and completion show of a model's function."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from .._models.descriptions import describe_input
from .._models.literals import visible
from .._models.names import parameter_names

if TYPE_CHECKING:
    from .._models.schema import Input, ModelSchema, Output

MAX_DEFAULT_SIZE = 60
"""Characters of a default that a docstring shows."""

_INPUT_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "file": "File", "any": "Any"}
_OUTPUT_TYPES = {**_INPUT_TYPES, "text": "str", "null": "None"}


class _Name(str):
    """An annotation that signatures show without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def make_signature(schema: ModelSchema, file_type: str) -> Signature:
    """Return the signature: keywords in the order of the model's author, with its defaults."""
    names = parameter_names(input.name for input in schema.inputs)
    parameters = [_parameter(names[input.name], input) for input in schema.inputs]
    if schema.extra_input:
        parameters.append(Parameter("inputs", Parameter.VAR_KEYWORD, annotation=_Name(_value_type(schema.extra_input))))
    return Signature(parameters, return_annotation=output_type(schema.output, file_type))


def _parameter(name: str, input: Input) -> Parameter:
    default = Parameter.empty if input.required else None if input.is_secret else input.default
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=_input_type(input))


def _input_type(input: Input) -> _Name:
    """Return the type of an input, as Python writes it; None stands for one that is left out."""
    is_optional = input.nullable or not (input.required or input.has_default)
    return _or_none(_value_type(input), is_optional)


def _value_type(input: Input) -> str:
    if input.choices:
        return f"Literal[{', '.join(map(repr, input.choices))}]"
    if input.any_of:
        return " | ".join(dict.fromkeys(map(_value_type, input.any_of)))
    if input.type not in ("array", "object"):
        return _INPUT_TYPES[input.type]
    items = _or_none(_value_type(input.items), input.items.nullable) if input.items else "Any"
    return f"list[{items}]" if input.type == "array" else f"dict[str, {'Any' if input.fields else items}]"


def _or_none(type_: str, is_nullable: bool) -> _Name:
    return _Name(f"{type_} | None" if is_nullable and type_ not in ("Any", "None") else type_)


def output_type(output: Output, file_type: str) -> _Name:
    """Return the type of the result, as Python writes it."""
    if output.choices:
        name = f"Literal[{', '.join(map(repr, output.choices))}]"
    elif output.kind in ("list", "object"):
        items = output_type(output.items, file_type) if output.items else "Any"
        name = f"list[{items}]" if output.kind == "list" else f"dict[str, {items}]"
    else:
        name = file_type if output.kind == "file" else _OUTPUT_TYPES[output.kind]
    return _or_none(name, output.nullable)


def make_docstring(ref: str, description: str, schema: ModelSchema) -> str:
    """Return the docstring: the description of the model, and a line for each input."""
    names = parameter_names(input.name for input in schema.inputs)
    lines = [f"    {names[input.name]} ({_input_type(input)}): {_describe(input)}".rstrip() for input in schema.inputs]
    summary = [visible(description) or f"Run {ref}.", "", f"https://replicate.com/{ref.partition(':')[0]}"]
    return "\n".join([*summary, *(["", "Args:", *lines] if lines else [])])


def _describe(input: Input) -> str:
    default = f"Default: {describe_default(input)}." if input.has_default and input.default is not None else ""
    return " ".join(filter(None, [describe_input(input), default]))


def describe_default(input: Input) -> str:
    """Return the default as Python writes it, shortened."""
    shown = "…" if input.is_secret else repr(input.default)
    return shown if len(shown) <= MAX_DEFAULT_SIZE else f"{shown[:MAX_DEFAULT_SIZE]}…"


def rename_parameters(schema: ModelSchema, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given inputs by the model's own names: `class_` is the input `class`."""
    inputs = {name: input for input, name in parameter_names(input.name for input in schema.inputs).items()}
    return {inputs.get(name, name): value for name, value in given.items()}
