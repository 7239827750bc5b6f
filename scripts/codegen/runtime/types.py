"""Dump requests and load responses: strict with what the caller sends, tolerant of what the server sends.

Every model is a typed attrs class with a table of its fields (`Field`), and each field names a `Codec`. A codec loads
JSON from the server, which never fails, and dumps the caller's values, which fails early and names the field.

A model keeps the JSON object that it was made from and converts its fields when one of them is first read. So parsing
costs next to nothing, nested objects that are never read stay JSON (a model's versions and examples, say), and unknown
keys are kept.
"""

from __future__ import annotations

import json
import mimetypes
import sys
from collections.abc import Callable, Iterable, KeysView, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from functools import cache, cached_property
from importlib import import_module
from inspect import signature
from pathlib import Path, PurePath
from typing import (
    IO,
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Literal,
    NamedTuple,
    NoReturn,
    ParamSpec,
    Protocol,
    Self,
    TypeVar,
    cast,
)
from urllib.parse import quote

from attrs import define, evolve, field

from .errors import MissingOperation, UnexpectedStatus

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]  # a module that may be absent has no type of its own

if TYPE_CHECKING:
    import httpx

    from .models.problem import Problem

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Unset:
    """The type of `UNSET`, the value of a field that is not sent, unlike None, which is sent as null. It is falsy."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Unset = Unset()


class OpenEnum(StrEnum):
    """The strings that the OpenAPI document lists, and any other string that a later server sends.

    `PredictionStatus("paused")` returns a new member, equal to `"paused"`, although the OpenAPI document does not list
    that status; `is_known` tells listed values from others. A caller may only send listed values.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether the OpenAPI document lists this value."""
        return self._name_ in type(self).__members__


class Codec:
    """Load and dump one type of value. This one passes any JSON through unchanged."""

    python_types: ClassVar[tuple[type, ...]] = (object,)
    description: ClassVar[str] = "anything"

    def accepts(self, value: Any) -> bool:
        """Whether this codec can load some JSON."""
        return isinstance(value, self.python_types)

    def matches(self, value: Any) -> bool:
        """Whether this codec is the right one for some JSON that several members of a union accept."""
        return self.accepts(value)

    @property
    def loader(self) -> Callable[[Any], Any] | None:
        """`load`, or None if that would return the JSON unchanged."""
        return None if type(self).load is Codec.load else self.load

    def load(self, value: Any) -> Any:
        """Return the Python value of JSON from the server, or the JSON itself if it is not of this type."""
        return value

    def dump(self, value: Any, name: str) -> Any:
        """Return the JSON of a caller's value; TypeError or ValueError if it is not of this type.

        Args:
            value: What the caller passed.
            name: What the error message calls the value, such as `webhook_events_filter[0]`.
        """
        is_bool_as_number = isinstance(value, bool) and self.python_types in ((int,), (int, float))
        if not isinstance(value, self.python_types) or is_bool_as_number:
            raise TypeError(f"{name} must be {self.description}, not {type(value).__name__}: {value!r:.100}")
        try:
            return dump(value, MAX_REQUEST_DEPTH)
        except ValueError as error:
            raise ValueError(f"{name} is {error}") from None


class _String(Codec):
    python_types = (str,)
    description = "a string"

    def dump(self, value: Any, name: str) -> str:
        return str(super().dump(value, name))


class _Boolean(Codec):
    python_types = (bool,)
    description = "True or False"


class _Integer(Codec):
    python_types = (int,)
    description = "an integer"


class _Number(Codec):
    python_types = (int, float)
    description = "a number"


class _Object(Codec):
    python_types = (Mapping,)
    description = "a dict"


class _Null(Codec):
    python_types = (type(None),)
    description = "None"


class _Bytes(Codec):
    """A file: loaded as bytes, dumped as an `Upload`."""

    python_types = (bytes, bytearray, memoryview)

    def dump(self, value: Any, name: str) -> Upload:
        if isinstance(value, Upload):
            return value
        if isinstance(value, self.python_types):
            return Upload(bytes(value))
        if hasattr(value, "read"):
            return Upload(value)
        if isinstance(value, PurePath):
            return Upload(Path(value).read_bytes(), value.name)
        raise TypeError(f"{name} must be bytes, a Path, a file opened in binary mode, or an Upload, not {value!r:.100}")


class _DateTime(Codec):
    python_types = (str,)

    def load(self, value: Any) -> Any:
        """Return an aware datetime, or the text if it is not an ISO 8601 time."""
        try:
            moment = datetime.fromisoformat(value)
        except TypeError:
            return value
        except ValueError:
            from dateutil.parser import isoparse  # a rare fallback, so imported on demand

            try:
                moment = isoparse(value)
            except (ValueError, OverflowError):
                return value
        # The API sends UTC. A naive datetime could not be compared with the aware ones.
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def dump(self, value: Any, name: str) -> str:
        if not isinstance(value, datetime):
            raise TypeError(f"{name} must be a datetime, not {type(value).__name__}: {value!r:.100}")
        if value.tzinfo is None:
            raise ValueError(f"{name} needs a time zone, such as datetime.now(timezone.utc): {value!r}")
        return value.isoformat()


class _Date(Codec):
    python_types = (str,)

    def load(self, value: Any) -> Any:
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            return value

    def dump(self, value: Any, name: str) -> str:
        if not isinstance(value, date):
            raise TypeError(f"{name} must be a date, not {type(value).__name__}: {value!r:.100}")
        return value.isoformat()


class _Uuid(Codec):
    python_types = (str,)

    def load(self, value: Any) -> Any:
        from uuid import UUID  # rarely needed and slow to import

        try:
            return UUID(value)
        except (TypeError, ValueError, AttributeError):
            return value

    def dump(self, value: Any, name: str) -> str:
        from uuid import UUID

        if not isinstance(value, UUID):
            raise TypeError(f"{name} must be a UUID, not {type(value).__name__}: {value!r:.100}")
        return str(value)


ANY, STRING, BOOLEAN, INTEGER, NUMBER = Codec(), _String(), _Boolean(), _Integer(), _Number()
OBJECT, NULL, BYTES = _Object(), _Null(), _Bytes()
DATETIME, DATE, UUID_ = _DateTime(), _Date(), _Uuid()


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


class KeyOf(_String):
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
        """Return the model of a decoded JSON object. Never fails, whatever the object contains."""
        return cls._wrap(dict(src_dict))

    @classmethod
    def _wrap(cls, source: dict[str, Any]) -> Self:
        """Return the model of a JSON object, without a copy: the object must not be changed afterwards."""
        model = cls.__new__(cls)
        model._source = source
        return model

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object: as the server sent it, except for attributes that have been changed."""
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
        """Whether the JSON object of this model does not have a field, which then reads as None."""
        value = getattr(self, attribute)
        return isinstance(value, Unset) or (value is None and self.fields[attribute].name not in self._source)

    def keys(self) -> KeysView[str]:
        """Return the names of the fields, for `dict(model)`."""
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
                get, absent, loaded = self._source.get, model.absent, {}
                for name, key, load in _loaders(model):
                    value = get(key, absent)
                    loaded[name] = value if load is None or value is absent else load(value)
                attributes.update({**loaded, **attributes} if attributes else loaded)
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


@cache
def _loaders(model: type[Record]) -> list[tuple[str, str, Callable[[Any], Any] | None]]:
    """Return the attribute, JSON name and loader of each field; the loader is None if the JSON is kept unchanged."""
    return [(name, row.name, row.codec.loader) for name, row in model.fields.items()]


def _restore(cls: type[Record], source: dict[str, Any]) -> Record:
    return cls.from_dict(source)


def _import_class(module: str, name: str) -> object:
    return getattr(import_module(f"{__package__}.models.{module}"), name)


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


class Upload:
    """A file to send: bytes or an open binary file, its name and its MIME type.

    The name and the type default to those of the file: `Upload(open("cat.png", "rb"))` is sent as `cat.png`,
    `image/png`. A seekable file is sent from its start, whatever its current position.
    """

    def __init__(self, payload: IO[bytes] | bytes, file_name: str | None = None, mime_type: str | None = None) -> None:
        name = getattr(payload, "name", None)
        self.payload = payload
        self.file_name = dump(file_name) or (PurePath(name).name if isinstance(name, str) else "upload")
        self.mime_type = dump(mime_type) or mimetypes.guess_type(self.file_name)[0] or "application/octet-stream"

    def is_replayable(self) -> bool:
        """Whether the payload can be sent a second time: bytes can, and so can seekable files."""
        return isinstance(self.payload, bytes) or self.payload.seekable()

    def part(self) -> tuple[str | None, IO[bytes] | bytes, str | None]:
        """Return the multipart part: name, payload and MIME type."""
        return self.file_name, self.payload, self.mime_type


class Request(NamedTuple):
    """One request, complete but for the base URL and the token."""

    method: str
    path: str
    params: dict[str, Any] = {}
    headers: dict[str, str] = {}
    json: Any = UNSET
    content: str | bytes | None = None
    form: dict[str, Any] | None = None
    progress: bool | Callable[[int, int | None], object] | None = None
    """How to report the bytes of `form` as they are sent; for clients that do."""

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of `httpx.Client.build_request`, except method and URL."""
        arguments: dict[str, Any] = {"headers": {name: _encode_header(value) for name, value in self.headers.items()}}
        if self.params:
            arguments["params"] = dump(self.params, MAX_REQUEST_DEPTH)
        if not isinstance(self.json, Unset):
            arguments["json"] = self.json
        if self.content is not None:
            arguments["content"] = self.content
        if self.form is not None:  # no Content-Type: httpx adds one, with a new boundary for each request
            arguments["files"] = [(name, _encode_part(value)) for name, value in self.form.items()]
        return arguments

    def is_replayable(self) -> bool:
        """Whether the request can be sent a second time."""
        return all(value.is_replayable() for value in (self.form or {}).values() if isinstance(value, Upload))


def _encode_header(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _encode_part(value: Any) -> tuple[str | None, IO[bytes] | bytes, str | None]:
    if isinstance(value, Upload):
        return value.part()
    if isinstance(value, str):
        return None, value.encode(), None
    return None, json.dumps(value).encode(), "application/json"


class Endpoint(Protocol[P, T_co]):
    """The functions of an endpoint module for clients that send requests themselves."""

    @property
    def build(self) -> Callable[P, Request]: ...

    @property
    def parse(self) -> Callable[[httpx.Response], T_co]: ...


class Call(NamedTuple, Generic[T_co]):
    """A request that is ready to be sent, and the function that parses its response."""

    request: Request
    parse: Callable[[httpx.Response], T_co]

    def at(self, path: str) -> Call[T_co]:
        """Return a call that GETs another path and parses the response alike, for the next page of a list."""
        return Call(Request("GET", path), self.parse)


class Operation(Generic[P, T_co]):
    """An operation of the OpenAPI document. Calling it with the arguments of its `build` returns a `Call`."""

    def __init__(self, operation_id: str, load: Callable[[], Endpoint[P, T_co]]) -> None:
        self.operation_id = operation_id
        self._load = load

    @classmethod
    def missing(cls, operation_id: str) -> Self:
        """Return an operation that raises `MissingOperation` when it is called."""

        def load() -> NoReturn:
            raise MissingOperation(operation_id)

        return cls(operation_id, load)

    @cached_property
    def endpoint(self) -> Endpoint[P, T_co]:
        """The endpoint module, imported on first use."""
        endpoint = self._load()
        # Python begins a TypeError about wrong arguments with this name, so it must be the one that the caller used.
        # (For type checkers a `Callable` has no `__qualname__` to assign to, hence `setattr`.)
        setattr(endpoint.build, "__qualname__", self.operation_id)  # noqa: B010
        return endpoint

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[T_co]:
        """Return the request and its parser; TypeError or ValueError names an invalid argument."""
        return Call(self.endpoint.build(*args, **kwargs), self.endpoint.parse)

    @cached_property
    def arguments(self) -> frozenset[str]:
        """The names of the arguments that the OpenAPI document defines."""
        return frozenset(signature(self.endpoint.build).parameters)


def format_path(template: str, /, **values: tuple[Codec, Any]) -> str:
    """Fill in a path template, each argument as `name=(codec, value)`.

    Raises:
        ValueError: A value is empty, `.` or `..`, which would change the path.
    """
    quoted = {}
    for name, (codec, value) in values.items():
        if isinstance(codec, KeyOf):
            value = codec.resolve(value, name)
        if value in ("", ".", "..") or value is None or (isinstance(codec, _String) and not isinstance(value, str)):
            raise ValueError(f"{name} must be a non-empty string, not {value!r:.100}")
        quoted[name] = quote(str(codec.dump(value, name)), safe="")
    return template.format(**quoted)


def drop_omitted(fields: dict[str, Any], /, *nullable: str) -> dict[str, Any]:
    """Return the fields of a body that the caller passed: not UNSET and, unless nullable, not None."""
    return {
        name: value
        for name, value in fields.items()
        if not isinstance(value, Unset) and (value is not None or name in nullable)
    }


def split_owner_and_name(position: int, class_names: Sequence[str], /, **values: Any) -> list[Any]:
    """Return the values of path parameters, with `"owner/name"` or a model in place of an owner and a name.

    Args:
        position: The index of the owner; the name follows.
        class_names: The models that are accepted.
        values: What the caller passed; after `"owner/name"`, later values may have moved up by one.

    Raises:
        TypeError, ValueError: A value is missing or left over, or the first is neither an owner nor `owner/name`.
    """
    names = list(values)
    owner_name, name_name = names[position : position + 2]
    reference = KeyOf(("owner", "name"), *class_names).resolve(values[owner_name], owner_name)
    rest = [values[name] for name in names[position + 1 :]]
    if isinstance(reference, str) and "/" in reference:
        parts = reference.split("/")
        if len(parts) != 2:
            raise ValueError(f"{owner_name} must be an owner, or 'owner/name', not {reference!r:.100}")
        given = [value for value in rest if value is not None]
        if len(given) == len(rest):
            raise TypeError(f"{owner_name} is {reference!r:.100}, which includes the name; remove {name_name}")
        reference, name = parts
        rest = [name, *given, *[None] * (len(rest) - 1 - len(given))]
    for name, value in zip(names[position + 1 :], rest, strict=True):
        if value is None:
            hint = f"; or pass 'owner/name' as {owner_name}" if name == name_name else ""
            raise TypeError(f"{name} is missing{hint}")
    return [*(values[name] for name in names[:position]), reference, *rest]


def dump_params(**values: tuple[str, Codec, Any]) -> dict[str, Any]:
    """Return the parameters that are not None, each argument as `argument=(wire name, codec, value)`."""
    return {name: codec.dump(value, argument) for argument, (name, codec, value) in values.items() if value is not None}


@define(slots=False)
class Response(Generic[T]):
    """A response: status, headers and body, and what the body parsed to."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]
    parsed: T | None
    problem: Problem | None = None

    def result(self) -> T:
        """Return the parsed body if the status is 2xx; else raise `errors.UnexpectedStatus`."""
        if 200 <= self.status_code < 300:
            return cast(T, self.parsed)
        raise UnexpectedStatus(self.status_code, self.content)


_CLASSIFY_BYTES = bytes(48 if chr(code).isdigit() else 58 if chr(code) in ":,[- \n\r\t" else 46 for code in range(256))
"""Maps digits to `0`, what may precede a number in JSON to `:`, other bytes to `.`."""

_LONG_NUMBER = b":" + b"0" * 19
"""The start of a number that may not fit into 64 bits, in bytes that `_CLASSIFY_BYTES` has mapped."""


def loads(content: bytes) -> Any:
    """Decode JSON without rounding integers; ValueError if it is invalid or nested too deeply.

    orjson is used if it is installed, as it is faster. It rounds integers of more than 64 bits and is stricter than the
    standard library, so JSON with a long number, or that orjson rejects, is decoded by the standard library.
    """
    if orjson is not None and content[:1] in (b"{", b"[") and _LONG_NUMBER not in content.translate(_CLASSIFY_BYTES):
        try:
            return orjson.loads(content)
        except ValueError:
            pass
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def load_response(codec: Codec, response: httpx.Response) -> Any:
    """Load the body of a successful response; ValueError if it is not JSON or not of the expected type."""
    body: object = loads(response.content)
    if not codec.accepts(body):
        raise ValueError(f"the response body has an unexpected type: {response.text[:200]!r}")
    return codec.load(body)


def load_untyped(response: httpx.Response) -> Any:
    """Load a body that the OpenAPI document does not describe: JSON, else text, None if it is empty."""
    try:
        return loads(response.content) if response.content else None
    except ValueError:
        return response.text


def to_response(response: httpx.Response, parse: Callable[[httpx.Response], T]) -> Response[T]:
    """Convert an httpx response: `parsed` if it is successful, else `problem` if the body is a JSON object."""
    parsed = problem = None
    if response.is_success:
        parsed = parse(response)
    else:
        try:
            body: object = loads(response.content)
        except ValueError:
            body = None
        problem = Nested("problem", "Problem").load(body) if isinstance(body, Mapping) else None
    return Response(response.status_code, response.content, response.headers, parsed, problem)
