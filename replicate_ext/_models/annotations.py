"""The types of inputs and outputs, as Python source."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .literals import bracketed, literal
from .names import class_name, first_free, is_name
from .shapes import Input, Output

MAX_DEFAULT_LENGTH = 80
"""Characters of a default in a signature; a longer one is not shown."""

_PYTHON_TYPES: dict[str, tuple[str, type[Any] | tuple[type[Any], ...]]] = {
    "string": ("str", str),
    "file": ("FileTypes", str),
    "integer": ("int", int),
    "number": ("float", (int, float)),
    "boolean": ("bool", bool),
}


def parameter(name: str, input: Input) -> str:
    """Return the source of the parameter for an input.

    Its default is that of the model, if it is a value of the type. Otherwise it is None, with which an optional input
    is left out.
    """
    optional, default = " | None" if input.nullable else "", ""
    if not input.required:
        source = _default(input)
        default = f" = {source}"
        optional = " | None" if source == "None" else optional
    if choices := _choices(input.choices):
        return bracketed(f"{name}: Literal[", choices, f"]{optional}{default},", "    ")
    type_ = _value_type(input)
    return f"    {name}: {type_}{optional if type_ != 'Any' else ''}{default},"


def input_type(input: Input) -> str:
    """Return the type of the values of an input."""
    choices = _choices(input.choices)
    type_ = f"Literal[{', '.join(choices)}]" if choices else _value_type(input)
    return f"{type_} | None" if input.nullable and type_ != "Any" else type_


def _value_type(input: Input) -> str:
    if input.any_of:
        return _union(input_type(variant) for variant in input.any_of)
    if input.type == "array":
        return f"Sequence[{_items_type(input)}]"
    if input.type == "object":
        return f"Mapping[str, {'Any' if input.fields else _items_type(input)}]"
    return _PYTHON_TYPES[input.type][0] if input.type in _PYTHON_TYPES else "Any"


def _items_type(input: Input) -> str:
    return input_type(input.items) if input.items else "Any"


def _union(types: Iterable[str]) -> str:
    members = list(dict.fromkeys(types))
    return "Any" if "Any" in members else " | ".join(members)


def _choices(choices: Iterable[Any]) -> list[str]:
    """Return the members of a Literal; none if a choice cannot be one (PEP 586)."""
    choices = list(choices)
    if not all(isinstance(choice, str | int) for choice in choices):
        return []
    return list(dict.fromkeys(str(literal(choice)) for choice in choices))


def _default(input: Input) -> str:
    source = literal(input.default) if not input.is_secret and _is_value(input.default, input) else None
    return source if source and len(source) <= MAX_DEFAULT_LENGTH else "None"


def _is_value(value: Any, input: Input | None) -> bool:
    """Whether a type checker accepts a value as the default of a parameter for this input."""
    if input is None or value is None:
        return True
    if input.any_of:
        return any(_is_value(value, variant) for variant in input.any_of)
    if input.choices:
        return any(value == choice and type(value) is type(choice) for choice in input.choices)
    if input.type == "array":
        return isinstance(value, list) and all(_is_value(item, input.items) for item in value)
    if input.type in _PYTHON_TYPES:
        return isinstance(value, _PYTHON_TYPES[input.type][1]) and isinstance(value, bool) == (input.type == "boolean")
    return input.type == "any"


class OutputTypes:
    """The types of one model's output, and the TypedDicts that they need.

    Args:
        function: The name of the model's function.
        taken: The names in the module; those of the TypedDicts are added.
    """

    def __init__(self, function: str, output: Output, taken: set[str]) -> None:
        self._taken = taken
        self.classes: dict[str, str] = {}
        """The definitions of the TypedDicts by name; one that refers to another comes after it."""

        self._type = self._define(output, class_name(function, "output"))

    @property
    def has_files(self) -> bool:
        return _FILE in self._type

    def render(self, file: str) -> str:
        """Return the type with this class for its files."""
        return self._type.replace(_FILE, file)

    def _define(self, output: Output, name: str, is_optional: bool = False) -> str:
        type_ = self._define_value(output, name)
        return f"{type_} | None" if (output.nullable or is_optional) and type_ not in ("Any", "None") else type_

    def _define_value(self, output: Output, name: str) -> str:
        if output.kind in ("string", "integer") and (choices := _choices(output.choices)):
            return f"Literal[{', '.join(choices)}]"
        match output.kind:
            case "file":
                return _FILE
            case "text":
                return "str"
            case "null":
                return "None"
            case "list":
                return f"list[{self._define_items(output, name)}]"
            case "object" if output.fields and all(map(_is_field, output.fields)):
                return self._define_class(output, name)
            case "object":
                return f"dict[str, {'Any' if output.fields else self._define_items(output, name)}]"
        return _PYTHON_TYPES[output.kind][0] if output.kind in _PYTHON_TYPES else "Any"

    def _define_items(self, output: Output, name: str) -> str:
        return self._define(output.items, f"{name}Item") if output.items else "Any"

    def _define_class(self, output: Output, name: str) -> str:
        fields: dict[str, str] = {}
        for field, value in output.fields.items():
            is_required = field in output.required
            type_ = self._define(value, f"{name}{class_name(field)}", not is_required)
            fields[field] = type_ if is_required else f"NotRequired[{type_}]"
        name = first_free((name,), self._taken)
        self._taken.add(name)
        is_generic = any(_FILE in type_ for type_ in fields.values())
        lines = [f"class {name}(TypedDict{', Generic[File]' if is_generic else ''}):"]
        lines += [f"    {field}: {type_.replace(_FILE, 'File')}" for field, type_ in fields.items()]
        self.classes[name] = "\n".join(lines) + "\n"
        return f"{name}[{_FILE}]" if is_generic else name


_FILE = "\0"
"""Stands for the class of files until it is known; no source of a literal contains it."""


def _is_field(name: str) -> bool:
    """Whether a name can be a field in the body of a class, where Python mangles names with two underscores."""
    return is_name(name) and not name.startswith("__")
