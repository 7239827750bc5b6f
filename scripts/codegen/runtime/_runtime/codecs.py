"""Codecs of values: strict with what the caller sends, tolerant of what the server sends.

Each field and each parameter names a codec. It loads JSON from the server, which never fails, and dumps the caller's
values, which fails early and names the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path, PurePath
from typing import Any, ClassVar

from .records import MAX_REQUEST_DEPTH, dump
from .requests import Upload


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


class String(Codec):
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


ANY, STRING, BOOLEAN, INTEGER, NUMBER = Codec(), String(), _Boolean(), _Integer(), _Number()
OBJECT, NULL, BYTES = _Object(), _Null(), _Bytes()
DATETIME, DATE, UUID_ = _DateTime(), _Date(), _Uuid()
