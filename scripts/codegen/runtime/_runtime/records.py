"""The base classes of the generated models: typed attrs classes, each with a table of its fields.

A model keeps the JSON object that it was made from and converts its fields when one of them is first read. So parsing
costs next to nothing, nested objects that are never read stay JSON (a model's versions and examples, say), and unknown
keys are kept.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, KeysView, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, cast

from attrs import define, evolve, field

from .values import UNSET, Unset

if TYPE_CHECKING:
    from .codecs import Codec


class Field(NamedTuple):
    """One row of a model's table: the JSON name, the codec, and whether the field is required in a request."""

    name: str
    codec: Codec
    required: bool = False


class _Lazy:
    """Keeps the JSON object of a model apart from its attributes, so that `vars(model)` has only the fields."""

    __slots__ = ("__dict__", "_source")

    _source: dict[str, Any]


_attributes: Callable[[Record], dict[str, Any]] = vars(_Lazy)["__dict__"].__get__
"""Return the attributes of a model that are loaded; `vars(model)` would load all of them."""


@define(slots=False, repr=False)
class Record(_Lazy):
    """The base class of the generated models.

    A field that the response does not have is None; `to_dict()` still tells it from null. A value of an unexpected
    type is kept as it was sent. Keys that the OpenAPI document does not list are in `additional_properties`.

    `dict(model)` returns the fields and their values, so a table is `pandas.DataFrame(map(dict, models))`. `to_dict()`
    returns JSON.
    """

    fields: ClassVar[Mapping[str, Field]] = {}
    absent: ClassVar[Unset | None] = None
    """The value of a field that the JSON object does not have."""
    deprecated_fields: ClassVar[Sequence[str]] = ()
    """The JSON names of the optional fields that should not be sent anymore."""

    # These two are arguments so that `copy.replace` and `attrs.evolve` keep them.
    _source: dict[str, Any] = field(kw_only=True, alias="_source", eq=False, factory=dict)
    additional_properties: dict[str, Any] = field(kw_only=True, factory=dict)

    def __attrs_post_init__(self) -> None:
        if not self._source:  # the constructor was called with values: a required field that is None is null
            attributes = _attributes(self)
            nulls = (row.name for name, row in self.fields.items() if row.required and attributes[name] is None)
            self._source = dict.fromkeys(nulls)

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Return the model of a decoded JSON object; whatever the object contains, this does not fail.

        Args:
            src_dict: The decoded JSON object.

        Returns:
            The model, which keeps all of the object.

        Examples:
            >>> replicate.Prediction.from_dict({"id": "p1", "status": "succeeded"}).id
            'p1'
        """
        model = object.__new__(cls)
        model._source = dict(src_dict)
        return model

    @classmethod
    def _wrap(cls, source: dict[str, Any]) -> Self:
        """Return the model of a JSON object, without a copy: the object must not be changed afterwards."""
        model = object.__new__(cls)
        model._source = source
        return model

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object.

        Returns:
            The object as the server sent it, except for attributes that have been changed.

        Examples:
            >>> replicate.Prediction.from_dict({"id": "p1", "new": 1}).to_dict()
            {'id': 'p1', 'new': 1}
        """
        result, attributes = dict(self._source), _attributes(self)
        for attribute, row in type(self).fields.items():
            if attribute in attributes:
                value = attributes[attribute]
                if isinstance(value, Unset):
                    result.pop(row.name, None)
                elif row.name not in result:
                    if value is not self.absent:
                        result[row.name] = value
                elif row.codec.load(result[row.name]) != value:
                    result[row.name] = value
        if "additional_properties" in attributes:
            kept = {row.name for row in type(self).fields.values()} | self.additional_properties.keys()
            result = {name: value for name, value in result.items() if name in kept} | self.additional_properties
        return cast("dict[str, Any]", dump(result))

    def is_absent(self, attribute: str) -> bool:
        """Return whether the JSON object lacks a field, which then reads as None.

        Args:
            attribute: The name of the field.

        Returns:
            False if the field is there, even if it is null.

        Examples:
            >>> prediction = replicate.Prediction.from_dict({"id": "p1", "output": None})
            >>> prediction.is_absent("output"), prediction.is_absent("logs")
            (False, True)
        """
        value = getattr(self, attribute)
        return isinstance(value, Unset) or (value is None and self.fields[attribute].name not in self._source)

    def keys(self) -> KeysView[str]:
        """Return the names of the fields, for `dict(model)`.

        Returns:
            The names of all fields of the class, those that the JSON object lacks included.

        Examples:
            >>> dict(client.account.get())["username"]
            'acme'
        """
        return type(self).fields.keys()

    def __getitem__(self, name: str) -> Any:
        if name in type(self).fields:
            return getattr(self, name)
        raise KeyError(name)

    __iter__: ClassVar[None] = None  # or a model would pass for a list, because of `__getitem__`

    def __repr__(self) -> str:
        from .representation import represent

        return represent(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.to_dict())

    def __replace__(self, /, **changes: Any) -> Self:
        return evolve(self, **changes)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from .pydantic_schema import core_schema

        return core_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        from .pydantic_schema import json_schema

        return json_schema(cls)

    if not TYPE_CHECKING:  # a type checker would otherwise accept every attribute

        def __getattr__(self, attribute: str) -> Any:
            """Load all fields when one of them is first read; fields that have been set are kept."""
            model, attributes = type(self), _attributes(self)
            if attribute in model.fields:
                loaded = _load_fields(self._source, _plan_loading(model))
                attributes.update(loaded | attributes if attributes else loaded)
            elif attribute == "additional_properties":
                known = {row.name for row in model.fields.values()}
                attributes[attribute] = {name: value for name, value in self._source.items() if name not in known}
            else:
                raise AttributeError(f"{model.__name__!r} object has no attribute {attribute!r}")
            return attributes[attribute]

        @property
        def __dict__(self) -> dict[str, Any]:
            """All attributes, for `vars`, `dir`, completion and debuggers."""
            attributes = _attributes(self)
            for name in (*type(self).fields, "additional_properties"):
                if name not in attributes:
                    getattr(self, name)
            return attributes


class RequestRecord(Record):
    """The base class of models that only requests contain: a field that is not given is `UNSET`, and is not sent."""

    absent: ClassVar[Unset | None] = UNSET


_Plan = tuple[dict[str, Any], list[tuple[str, Callable[[Any], Any]]], dict[str, str]]
"""The fields if all are absent, the loaders of some, and the JSON names of all if they are not the same."""


def _load_fields(source: dict[str, Any], plan: _Plan) -> dict[str, Any]:
    """Return the fields of a JSON object, converted to what the attributes of a model contain."""
    absent, loaders, renamed = plan
    if renamed:
        source = {name: source[key] for name, key in renamed.items() if key in source}
    fields = absent | source  # most fields are copied, and a loop over all of them would take twice as long
    if len(fields) > len(absent):
        for name in source:
            if name not in absent:
                del fields[name]
    for name, load in loaders:
        value = fields[name]
        if value is not None:  # every codec loads null as None
            fields[name] = load(value)
    return fields


@cache
def _plan_loading(model: type[Record]) -> _Plan:
    absent = dict.fromkeys(model.fields, model.absent)
    loaders = [(name, load) for name, row in model.fields.items() if (load := row.codec.loader) is not None]
    keys = {name: row.name for name, row in model.fields.items()}
    return absent, loaders, {} if list(keys) == list(keys.values()) else keys


def _restore(cls: type[Record], source: dict[str, Any]) -> Record:
    return cls.from_dict(source)


MAX_DEPTH = 10_000
"""Levels of nesting at which a value is taken to contain itself: decoders of JSON accept fewer."""

MAX_REQUEST_DEPTH = 500
"""Levels of nesting in a request: encoders of JSON recurse, and the standard library's fails at about 1,000."""

_SCALARS = frozenset({str, int, float, bool, type(None)})


def dump(value: Any, max_depth: int = MAX_DEPTH) -> Any:
    """Return the JSON of any value that a model may contain, in new containers.

    Raises:
        ValueError: It has more than `max_depth` levels of nesting.
    """
    root = [value]
    pending: list[tuple[Any, int]] = [(root, 0)]  # no recursion, since the server may send deep JSON
    while pending:
        container, depth = pending.pop()
        if depth > max_depth:
            raise ValueError("nested too deeply, or contains itself")
        for key, item in container.items() if type(container) is dict else enumerate(container):
            if type(item) not in _SCALARS:
                container[key] = dumped = _dump_item(item)
                if type(dumped) in (dict, list):
                    pending.append((dumped, depth + 1))
    return root[0]


def _dump_item(value: Any) -> Any:
    """Return a value as JSON; the items of a container are left as they are."""
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key.value if isinstance(key, Enum) else key: item for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, Enum):
        return _dump_item(value.value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    uuid = sys.modules.get("uuid")  # unless the module is loaded, no value can be a UUID
    return str(value) if uuid is not None and isinstance(value, uuid.UUID) else value
