"""Codecs that are made for one type of list, enum, model, union, reference or constant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any, cast

from .codecs import NULL, Codec, String
from .deprecation import warn_deprecated
from .records import Record, dump
from .values import OpenEnum

PACKAGE = __name__.partition("._runtime")[0]
"""The generated package, which has the models."""


class ListOf(Codec):
    """A list whose items share one codec."""

    python_types = (list,)

    def __init__(self, item: Codec) -> None:
        self.item = item

    def load(self, value: Any) -> Any:
        return [self.item.load(item) for item in value] if isinstance(value, list) else value

    def dump(self, value: Any, name: str) -> Any:
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise TypeError(f"{name} must be a list, not {type(value).__name__}: {value!r:.100}")
        return [self.item.dump(item, f"{name}[{i}]") for i, item in enumerate(value)]


class EnumOf(Codec):
    """A member of a generated enum, given by module and class name so that it is imported on first use."""

    python_types = (str,)

    def __init__(self, module: str, class_name: str) -> None:
        self.module, self.class_name = module, class_name

    @cached_property
    def enum(self) -> type[OpenEnum]:
        return cast("type[OpenEnum]", _import_class(self.module, self.class_name))

    @cached_property
    def _members(self) -> dict[str, OpenEnum]:
        return {str(member): member for member in self.enum}

    def matches(self, value: Any) -> bool:
        return isinstance(value, str) and value in self._members

    def load(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return self._members.get(value) or self.enum(value)

    def dump(self, value: Any, name: str) -> str:
        allowed = [str(member) for member in self.enum]
        if value in allowed:
            return str(dump(value))
        from difflib import get_close_matches  # needed for errors only

        hint = "".join(f"; did you mean {close!r}?" for close in get_close_matches(str(value), allowed, 1))
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r:.100}{hint}")


class Nested(Codec):
    """A generated model, given by module and class name so that it is imported on first use."""

    python_types = (Mapping,)

    def __init__(self, module: str, class_name: str) -> None:
        self.module, self.class_name = module, class_name

    @cached_property
    def model(self) -> type[Record]:
        return cast("type[Record]", _import_class(self.module, self.class_name))

    def matches(self, value: Any) -> bool:
        required = [row for row in self.model.fields.values() if row.required]
        return self.accepts(value) and all(row.name in value and row.codec.matches(value[row.name]) for row in required)

    def load(self, value: Any) -> Any:
        if type(value) is dict:
            return self.model._wrap(value)
        return self.model.from_dict(value) if isinstance(value, Mapping) else value

    def dump(self, value: Any, name: str) -> dict[str, Any]:
        model = self.load(value)
        if not isinstance(model, self.model):
            raise TypeError(f"{name} must be a {self.class_name}, not {type(value).__name__}: {value!r:.100}")
        result = dump(model.additional_properties)
        for attribute, row in self.model.fields.items():
            item_name = f"{name}.{row.name}" if name else row.name
            if not model.is_absent(attribute):
                result[row.name] = row.codec.dump(getattr(model, attribute), item_name)
            elif row.required:
                raise ValueError(f"{item_name} is required")
        for field in self.model.deprecated_fields:
            if field in result:
                warn_deprecated(f"the field {name}.{field}" if name else f"the field {field}")
        return cast("dict[str, Any]", result)


class AnyOf(Codec):
    """A union: loaded by the first codec that matches, else the first that accepts; dumped by the first that can."""

    def __init__(self, *codecs: Codec) -> None:
        self.codecs = codecs

    @property
    def loader(self) -> Callable[[Any], Any] | None:
        first, *others = [codec for codec in self.codecs if codec is not NULL] or [NULL]
        return self.load if others else first.loader  # every codec loads an unexpected null as None

    def accepts(self, value: Any) -> bool:
        return any(codec.accepts(value) for codec in self.codecs)

    def load(self, value: Any) -> Any:
        accepting = [codec for codec in self.codecs if codec.accepts(value)]
        if len(accepting) > 1:
            accepting = [codec for codec in accepting if codec.matches(value)] or accepting
        return accepting[0].load(value) if accepting else value

    def dump(self, value: Any, name: str) -> Any:
        errors = []
        for codec in self.codecs:
            try:
                return codec.dump(value, name)
            except (TypeError, ValueError) as error:
                errors.append(str(error))
        raise ValueError("; or ".join(errors))


class KeyOf(String):
    """A string that identifies a model, for which the caller may pass the model: an id, `owner/name`."""

    def __init__(self, keys: tuple[str, ...], *class_names: str) -> None:
        self.keys, self.class_names = keys, class_names

    def resolve(self, value: Any, name: str) -> Any:
        """Return the string of a model, and any other value as it is."""
        if not isinstance(value, Record):
            return value
        if type(value).__name__ not in self.class_names:
            expected = " or ".join(["a string", *(f"a {each}" for each in self.class_names)])
            raise TypeError(f"{name} must be {expected}, not a {type(value).__name__}: {value!r:.100}")
        parts = [getattr(value, key) for key in self.keys]
        if not all(isinstance(part, str) for part in parts):
            raise ValueError(f"{name} is a {type(value).__name__} without {' and '.join(self.keys)}: {value!r:.100}")
        return "/".join(parts)

    def dump(self, value: Any, name: str) -> str:
        return super().dump(self.resolve(value, name), name)


class Const(Codec):
    """One constant value (`const` in the OpenAPI document)."""

    def __init__(self, value: object) -> None:
        self.value = value

    def accepts(self, value: Any) -> bool:
        return bool(value == self.value)

    def dump(self, value: Any, name: str) -> Any:
        if value != self.value:
            raise ValueError(f"{name} must be {self.value!r}, not {value!r:.100}")
        return self.value


def _import_class(module: str, name: str) -> object:
    return getattr(import_module(f"{PACKAGE}.models.{module}"), name)
