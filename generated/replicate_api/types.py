"""How requests are written and answers are read: strict outwards, tolerant inwards.

Every model is a typed attrs class with a table of its fields (`Field`). The table names a `Kind` per field, and a kind
knows two things: how to read what the server sent, which never fails, and how to write what the caller gave, which
fails early and names the field. A model keeps the JSON object that it was read from and converts its fields when one of
them is first asked for, so that parsing costs next to nothing, what nobody looks into stays JSON (a model's versions and
examples, say), and whatever is not understood is still there.
"""

from __future__ import annotations

import json
import mimetypes
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from functools import cache, cached_property
from importlib import import_module
from inspect import signature
from pathlib import PurePath
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

from attrs import define, field

from .errors import MissingOperation, UnexpectedStatus

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import httpx

    from .models.problem import Problem

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Unset:
    """The type of `UNSET`: the value of a field that the server did not send. It is falsy."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Unset = Unset()


class OpenEnum(StrEnum):
    """Strings that the document lists, and whatever else the server may send tomorrow.

    `PredictionStatus("paused")` is a member of its own, equal to `"paused"`, although the document knows no such
    status. `is_known` tells the two apart. Only what a caller sends must be a listed one.
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
        """Whether the document lists this value."""
        return self._name_ in type(self).__members__


class Kind:
    """How one kind of value is read and written; this one takes any JSON as it comes."""

    accepts: ClassVar[tuple[type, ...]] = (object,)
    says: ClassVar[str] = "anything"

    def fits(self, value: Any) -> bool:
        """Whether JSON from the server looks like this kind (tells the members of a union apart)."""
        return isinstance(value, self.accepts)

    def matches(self, value: Any) -> bool:
        """Whether it is this kind rather than another that it looks like."""
        return self.fits(value)

    @property
    def reader(self) -> Callable[[Any], Any] | None:
        """`read`, or None where that leaves the JSON as it came."""
        return None if type(self).read is Kind.read else self.read

    def read(self, value: Any) -> Any:
        """Return the Python value of JSON from the server; what does not fit comes back as it came."""
        return value

    def write(self, value: Any, where: str) -> Any:
        """Return the JSON of what a caller gave for `where`, or raise TypeError or ValueError naming it."""
        if not isinstance(value, self.accepts) or (isinstance(value, bool) and self.accepts in ((int,), (int, float))):
            raise TypeError(f"{where} must be {self.says}, not {type(value).__name__}: {value!r:.100}")
        return dump(value)


class _Text(Kind):
    accepts = (str,)
    says = "a string"

    def write(self, value: Any, where: str) -> str:
        return str(super().write(value, where))


class _Boolean(Kind):
    accepts = (bool,)
    says = "True or False"


class _Integer(Kind):
    accepts = (int,)
    says = "an integer"


class _Number(Kind):
    accepts = (int, float)
    says = "a number"


class _Object(Kind):
    accepts = (Mapping,)
    says = "a dict"


class _Null(Kind):
    accepts = (type(None),)
    says = "None"


class _Bytes(Kind):
    """A file: read as bytes, written as the `Upload` that names it."""

    accepts = (bytes, bytearray, memoryview)

    def write(self, value: Any, where: str) -> Upload:
        if isinstance(value, Upload):
            return value
        if isinstance(value, self.accepts):
            return Upload(bytes(value))
        if hasattr(value, "read"):
            return Upload(value)
        raise TypeError(
            f"{where} must be bytes, a file opened for reading in binary mode, or an Upload, not {value!r:.100}"
        )


class _Time(Kind):
    accepts = (str,)

    def read(self, value: Any) -> Any:
        """Return an aware datetime; text that no ISO 8601 reader understands stays text."""
        try:
            moment = datetime.fromisoformat(value)
        except TypeError:
            return value
        except ValueError:
            from dateutil.parser import isoparse  # the second try, and rare: imported when needed

            try:
                moment = isoparse(value)
            except (ValueError, OverflowError):
                return value
        # The API speaks UTC; a time without an offset would not compare with the others.
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def write(self, value: Any, where: str) -> str:
        if not isinstance(value, datetime):
            raise TypeError(f"{where} must be a datetime, not {type(value).__name__}: {value!r:.100}")
        if value.tzinfo is None:
            raise ValueError(f"{where} needs a time zone, such as datetime.now(timezone.utc): {value!r}")
        return value.isoformat()


class _Date(Kind):
    accepts = (str,)

    def read(self, value: Any) -> Any:
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            return value

    def write(self, value: Any, where: str) -> str:
        if not isinstance(value, date):
            raise TypeError(f"{where} must be a date, not {type(value).__name__}: {value!r:.100}")
        return value.isoformat()


class _Uuid(Kind):
    accepts = (str,)

    def read(self, value: Any) -> Any:
        from uuid import UUID  # rare, and it takes a while

        try:
            return UUID(value)
        except (TypeError, ValueError, AttributeError):
            return value

    def write(self, value: Any, where: str) -> str:
        from uuid import UUID

        if not isinstance(value, UUID):
            raise TypeError(f"{where} must be a UUID, not {type(value).__name__}: {value!r:.100}")
        return str(value)


ANY, TEXT, BOOLEAN, INTEGER, NUMBER = Kind(), _Text(), _Boolean(), _Integer(), _Number()
OBJECT, NULL, BYTES, TIME = _Object(), _Null(), _Bytes(), _Time()
DATE, UUID_ = _Date(), _Uuid()


class Each(Kind):
    """A list, each item of one kind."""

    accepts = (list,)

    def __init__(self, item: Kind) -> None:
        self.item = item

    def read(self, value: Any) -> Any:
        return [self.item.read(item) for item in value] if isinstance(value, list) else value

    def write(self, value: Any, where: str) -> Any:
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise TypeError(f"{where} must be a list, not {type(value).__name__}: {value!r:.100}")
        return [self.item.write(item, f"{where}[{i}]") for i, item in enumerate(value)]


class OneOf(Kind):
    """A member of a generated enum, named by module and class so that it loads when it is first met."""

    accepts = (str,)

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    @cached_property
    def python(self) -> type[OpenEnum]:
        return cast("type[OpenEnum]", _model(self.module, self.name))

    @cached_property
    def _members(self) -> dict[str, OpenEnum]:
        return {str(member): member for member in self.python}

    def matches(self, value: Any) -> bool:
        return value in self._members

    def read(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return self._members.get(value) or self.python(value)

    def write(self, value: Any, where: str) -> str:
        listed = [str(member) for member in self.python]
        if value in listed:
            return str(value)
        from difflib import get_close_matches  # only where something is wrong

        hint = "".join(f"; did you mean {close!r}?" for close in get_close_matches(str(value), listed, 1))
        raise ValueError(f"{where} must be one of {', '.join(map(repr, listed))}, not {value!r:.100}{hint}")


class Nested(Kind):
    """A generated model, named by module and class so that it loads when it is first met."""

    accepts = (Mapping,)

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    @cached_property
    def python(self) -> type[Record]:
        return cast("type[Record]", _model(self.module, self.name))

    def matches(self, value: Any) -> bool:
        required = [spec for spec in self.python.fields.values() if spec.required]
        return self.fits(value) and all(spec.name in value and spec.kind.matches(value[spec.name]) for spec in required)

    def read(self, value: Any) -> Any:
        if type(value) is dict:
            return self.python._over(value)
        return self.python.from_dict(value) if isinstance(value, Mapping) else value

    def write(self, value: Any, where: str) -> dict[str, Any]:
        model = self.read(value)
        if not isinstance(model, self.python):
            raise TypeError(f"{where} must be a {self.name}, not {type(value).__name__}: {value!r:.100}")
        written = dump(model.additional_properties)
        for attribute, spec in self.python.fields.items():
            given = getattr(model, attribute)
            label = f"{where}.{spec.name}" if where else spec.name
            if not isinstance(given, Unset):
                written[spec.name] = spec.kind.write(given, label)
            elif spec.required:
                raise ValueError(f"{label} is required")
        return cast("dict[str, Any]", written)


class AnyOf(Kind):
    """A union: the first kind that matches, or else that fits, reads the value; the first that can writes it."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = kinds

    @property
    def reader(self) -> Callable[[Any], Any] | None:
        one, *others = [kind for kind in self.kinds if kind is not NULL] or [NULL]
        return self.read if others else one.reader  # no kind changes a null that it does not expect

    def fits(self, value: Any) -> bool:
        return any(kind.fits(value) for kind in self.kinds)

    def read(self, value: Any) -> Any:
        fitting = [kind for kind in self.kinds if kind.fits(value)]
        if len(fitting) > 1:
            fitting = [kind for kind in fitting if kind.matches(value)] or fitting
        return fitting[0].read(value) if fitting else value

    def write(self, value: Any, where: str) -> Any:
        problems = []
        for kind in self.kinds:
            try:
                return kind.write(value, where)
            except (TypeError, ValueError) as problem:
                problems.append(str(problem))
        raise ValueError("; or ".join(problems))


class Exactly(Kind):
    """One constant of the document."""

    def __init__(self, value: object) -> None:
        self.value = value

    def fits(self, value: Any) -> bool:
        return bool(value == self.value)

    def write(self, value: Any, where: str) -> Any:
        if value != self.value:
            raise ValueError(f"{where} must be {self.value!r}, not {value!r:.100}")
        return value


class Field(NamedTuple):
    """One row of a model's table: the JSON name, the kind, and whether a caller must give it."""

    name: str
    kind: Kind
    required: bool = False


@define(slots=False)
class Record:
    """Plain data that a request or an answer consists of.

    Attributes that the server did not send are `UNSET`; a value of an unexpected shape is kept as it came; keys that
    the document does not know are in `additional_properties`.
    """

    fields: ClassVar[Mapping[str, Field]] = {}
    _source: dict[str, Any] = field(init=False, repr=False, eq=False, factory=dict)
    additional_properties: dict[str, Any] = field(init=False, repr=False, factory=dict)

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Return the model of a decoded JSON object. Never fails on what the object holds."""
        return cls._over(dict(src_dict))

    @classmethod
    def _over(cls, source: dict[str, Any]) -> Self:
        """Return a model that stands on an object which nobody will change."""
        model = cls.__new__(cls)
        model.__dict__["_source"] = source
        return model

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object: every key as it came, except where an attribute was changed since."""
        result, there = dict(self._source), self.__dict__
        for attribute, spec in type(self).fields.items():
            if attribute in there:
                value = there[attribute]
                if isinstance(value, Unset):
                    result.pop(spec.name, None)
                elif spec.name not in result or spec.kind.read(result[spec.name]) != value:
                    result[spec.name] = value
        if "additional_properties" in there:
            known = {spec.name for spec in type(self).fields.values()}
            result = {name: value for name, value in result.items() if name in known} | self.additional_properties
        return cast("dict[str, Any]", dump(result))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.to_dict())

    if not TYPE_CHECKING:  # or a type checker would take every attribute for granted

        def __getattr__(self, attribute: str) -> Any:
            """Convert all fields when one of them is asked for first; those that were set meanwhile stay."""
            there = self.__dict__
            if attribute in type(self).fields:
                value_of, found = self._source.get, {}
                for name, key, read in _readers(type(self)):
                    value = value_of(key, UNSET)
                    found[name] = value if read is None or value is UNSET else read(value)
                there.update(found | there)
            elif attribute == "additional_properties":
                known = {spec.name for spec in type(self).fields.values()}
                there[attribute] = {name: value for name, value in self._source.items() if name not in known}
            else:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r}")
            return there[attribute]


@cache
def _readers(model: type[Record]) -> list[tuple[str, str, Callable[[Any], Any] | None]]:
    """Return attribute, JSON name and how to read it of each field; None where it is taken as it comes."""
    return [(name, spec.name, spec.kind.reader) for name, spec in model.fields.items()]


def _restore(cls: type[Record], source: dict[str, Any]) -> Record:
    return cls.from_dict(source)


def _model(module: str, name: str) -> object:
    return getattr(import_module(f"{__package__}.models.{module}"), name)


def dump(value: Any) -> Any:
    """Return JSON for any value that a model may hold, in containers of its own."""
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: dump(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [dump(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    uuid = sys.modules.get("uuid")  # where nobody imported it, nobody can have one
    return str(value) if uuid is not None and isinstance(value, uuid.UUID) else value


class Upload:
    """A file to send: bytes or an open binary file, its name and its MIME type.

    Where name and type are not given they are taken from the file: `Upload(open("cat.png", "rb"))` is sent as
    `cat.png`, `image/png`. A file that can seek is sent from its beginning, wherever it stands.
    """

    def __init__(self, payload: IO[bytes] | bytes, file_name: str | None = None, mime_type: str | None = None) -> None:
        name = getattr(payload, "name", None)
        self.payload = payload
        self.file_name = file_name or (PurePath(name).name if isinstance(name, str) else "upload")
        self.mime_type = mime_type or mimetypes.guess_type(self.file_name)[0] or "application/octet-stream"

    def is_repeatable(self) -> bool:
        """Whether it can be sent a second time: bytes, and files that can go back to their beginning."""
        return isinstance(self.payload, bytes) or self.payload.seekable()

    def part(self) -> tuple[str | None, IO[bytes] | bytes, str | None]:
        """Return the multipart part: name, payload and MIME type."""
        return self.file_name, self.payload, self.mime_type


class Request(NamedTuple):
    """One call, ready to be sent: everything but the host and the token."""

    method: str
    path: str
    params: dict[str, Any] = {}
    headers: dict[str, str] = {}
    json: Any = UNSET
    content: str | None = None
    form: dict[str, Any] | None = None

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of httpx's `build_request`, besides method and URL."""
        arguments: dict[str, Any] = {"headers": {name: _header(value) for name, value in self.headers.items()}}
        if self.params:
            arguments["params"] = self.params
        if not isinstance(self.json, Unset):
            arguments["json"] = self.json
        if self.content is not None:
            arguments["content"] = self.content.encode()
        if self.form is not None:  # no Content-Type here: httpx makes a fresh boundary for each request
            arguments["files"] = [(name, _part(value)) for name, value in self.form.items()]
        return arguments

    def is_repeatable(self) -> bool:
        """Whether it can be sent a second time."""
        return all(value.is_repeatable() for value in (self.form or {}).values() if isinstance(value, Upload))


def _header(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _part(value: Any) -> tuple[str | None, IO[bytes] | bytes, str | None]:
    if isinstance(value, Upload):
        return value.part()
    if isinstance(value, str):
        return None, value.encode(), None
    return None, json.dumps(value).encode(), "application/json"


class Endpoint(Protocol[P, T_co]):
    """What a generated endpoint module offers to those who bring their own sending."""

    @property
    def build(self) -> Callable[P, Request]: ...

    @property
    def parse(self) -> Callable[[httpx.Response], T_co]: ...


class Call(NamedTuple, Generic[T_co]):
    """One request, ready to be sent, and how to read its answer."""

    request: Request
    parse: Callable[[httpx.Response], T_co]

    def at(self, path: str) -> Call[T_co]:
        """Return a call of the same kind that GETs another path, such as that of the next page."""
        return Call(Request("GET", path), self.parse)


class Operation(Generic[P, T_co]):
    """An operation of the document: called with its flat arguments it becomes a `Call`."""

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
        """The generated module."""
        endpoint = self._load()
        # What Python says of a wrong argument begins with this name, so it is the one that the caller knows.
        setattr(endpoint.build, "__qualname__", self.operation_id)
        return endpoint

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[T_co]:
        """Check the arguments and write the request; TypeError or ValueError names what is wrong."""
        return Call(self.endpoint.build(*args, **kwargs), self.endpoint.parse)

    @cached_property
    def arguments(self) -> frozenset[str]:
        """The names of the arguments that the document has for it."""
        return frozenset(signature(self.endpoint.build).parameters)


def path(template: str, /, **values: tuple[Kind, Any]) -> str:
    """Fill a path template, `argument=(kind, value)`; a value that would lead to another path is refused."""
    written = {}
    for name, (kind, value) in values.items():
        if value in ("", ".", "..") or value is None or isinstance(kind, _Text) and not isinstance(value, str):
            raise ValueError(f"{name} must be a non-empty string, not {value!r:.100}")
        written[name] = quote(str(kind.write(value, name)), safe="")
    return template.format(**written)


def given(**values: tuple[str, Kind, Any]) -> dict[str, Any]:
    """Return the parameters that were given, written: `argument=(name on the wire, kind, value)`."""
    return {name: kind.write(value, argument) for argument, (name, kind, value) in values.items() if value is not None}


@define(slots=False)
class Response(Generic[T]):
    """An answer as it came: status, headers, bytes, and what they parse to."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]
    parsed: T | None
    problem: Problem | None = None

    def result(self) -> T:
        """Return what a successful answer parsed to; any other raises `errors.UnexpectedStatus`."""
        if 200 <= self.status_code < 300:
            return cast(T, self.parsed)
        raise UnexpectedStatus(self.status_code, self.content)


_NUMBERS = bytes(48 if chr(code).isdigit() else 58 if chr(code) in ":,[- \n\r\t" else 46 for code in range(256))
_LONG_NUMBER = b":" + b"0" * 19


def loads(content: bytes) -> Any:
    """Return what JSON says, to the last digit; ValueError where it is none.

    orjson, where it is installed, is quicker. It rounds integers of more than 64 bits and is stricter than the standard
    library, which therefore reads what has a long number in it, and what orjson refuses.
    """
    if orjson is not None and content[:1] in (b"{", b"[") and _LONG_NUMBER not in content.translate(_NUMBERS):
        try:
            return orjson.loads(content)
        except ValueError:
            pass
    return json.loads(content)


def read(kind: Kind, response: httpx.Response) -> Any:
    """Return what a successful answer says; ValueError where it is not JSON, or not of the expected kind at all."""
    body: object = loads(response.content)
    if not kind.fits(body):
        raise ValueError(f"the body is not what this call answers: {response.text[:200]!r}")
    return kind.read(body)


def undescribed(response: httpx.Response) -> Any:
    """Return what an answer says whose body the document does not describe: JSON, else text, None where it is empty."""
    try:
        return response.json() if response.content else None
    except ValueError:
        return response.text


def answer(response: httpx.Response, parse: Callable[[httpx.Response], T]) -> Response[T]:
    """Read an answer: `parsed` on success, else `problem` where the body is a JSON object."""
    parsed = problem = None
    if response.is_success:
        parsed = parse(response)
    else:
        try:
            body: object = response.json()
        except ValueError:
            body = None
        problem = Nested("problem", "Problem").read(body) if isinstance(body, Mapping) else None
    return Response(response.status_code, response.content, response.headers, parsed, problem)
