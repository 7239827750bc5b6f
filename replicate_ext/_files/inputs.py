"""The values of an input become JSON, and its files data URIs or the URLs of uploads.

All values are checked before anything is sent: what needs no reading immediately, the files when they are loaded. A
file that appears twice is uploaded once, and uploads are read from disk as they are sent.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from .._transfers import UPLOADING, Transfers
from .file_input import check_source, to_file_input
from .images import is_image_array
from .local_file import MAX_INLINE_TOTAL, LocalFile

if TYPE_CHECKING:
    from .._send import Session

MAX_DEPTH = 100
"""Containers within one another; Python's own JSON encoder fails at a few hundred."""

MAX_ARRAY_SIZE = 10_000
"""Elements of an array that is sent as numbers: about 200 kB of JSON, which take the event loop some 30 ms."""


class PreparedInput(NamedTuple):
    """A checked input: JSON values, with a `LocalFile` in place of each file."""

    values: dict[str, Any]
    files: list[LocalFile]
    show_uploads: bool = False
    """Whether to show a bar while files are uploaded."""

    async def send(self, session: Session[Any]) -> dict[str, Any]:
        """Send the files, except those that have a URI already, and return the input as JSON values.

        Raises:
            TypeError, ValueError, OSError: A file cannot be read. If that shows before its upload, nothing was sent.
            ReplicateError: An upload failed.
        """
        if not self.files:
            return self.values
        gather, files = session.backend.gather, [file for file in self.files if not file.uri]
        with ExitStack() as temporary_files:
            await gather([file.load(session, temporary_files) for file in files])
            uploads = _choose_uploads(files)
            if uploads:
                with Transfers(self.show_uploads, len(uploads), UPLOADING) as transfers:
                    transfers.report(0, *[file.size for file in uploads])
                    await gather([file.upload(session, transfers) for file in uploads])
        return {name: _substitute_uris(value) for name, value in self.values.items()}


def prepare_input(input: Mapping[str, Any] | None) -> PreparedInput:
    """Check an input before anything is sent.

    Raises:
        TypeError, ValueError, OSError: A value cannot be sent; the message gives its path in the input.
    """
    if not isinstance(input, Mapping | None):
        raise TypeError(f"input must be a dict of the model's inputs by name, not {type(input).__name__}")
    converter = _Converter()
    return PreparedInput(converter.convert(input or {}, "input"), list(converter.files.values()))


class _Converter:
    """Converts the values of one input to JSON, and collects its files."""

    def __init__(self) -> None:
        self.files: dict[object, LocalFile] = {}
        self._containers: list[int] = []
        """The ids of the containers around the current value."""

    def convert(self, value: Any, path: str) -> Any:
        """Return a value as JSON, with a `LocalFile` in place of each file; errors name its `path` in the input."""
        if isinstance(value, Enum):
            return self.convert(value.value, path)
        if isinstance(value, str):
            return check_text(str.__str__(value), path)
        if value is None or isinstance(value, bool | int | float):
            return _check_number(value, path)
        if isinstance(value, Mapping | list | tuple):
            return self._convert_container(value, path)
        numpy = sys.modules.get("numpy")  # if it was not imported, the value cannot be an array
        if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic) and not is_image_array(value):
            return self.convert(_to_list(value, path), path)
        return self._add_file(value, path)

    def _convert_container(self, value: Mapping[Any, Any] | list[Any] | tuple[Any, ...], path: str) -> Any:
        if id(value) in self._containers:
            raise ValueError(f"{path} contains itself, which JSON cannot represent")
        if len(self._containers) == MAX_DEPTH:
            raise ValueError(f"{path:.60}… is nested more than {MAX_DEPTH} levels deep")
        self._containers.append(id(value))
        converted: Any
        if isinstance(value, Mapping):
            converted = {}
            for key, item in value.items():
                name = _to_key(key, path)
                converted[name] = self.convert(item, f"{path}.{name}")
        else:
            converted = []
            for index, item in enumerate(value):
                converted.append(self.convert(item, f"{path}[{index}]"))
        self._containers.pop()
        return converted

    def _add_file(self, value: Any, path: str) -> LocalFile:
        file_input = to_file_input(value)
        options = file_input.name, file_input.media_type, file_input.inline
        key = check_source(file_input.source, path), options
        if key in self.files:
            self.files[key].occurrences += 1
        else:
            self.files[key] = LocalFile(file_input, path)
        return self.files[key]


def check_text(text: str, path: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{path} has a lone surrogate at index {error.start}, which UTF-8 cannot represent; remove it with "
                "text.encode(errors='replace').decode()"
            ) from None
    return text


def _check_number(number: float | None, path: str) -> float | None:
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(f"{path} is {number}, which JSON cannot represent")
    if isinstance(number, int) and number.bit_length() > sys.float_info.max_exp:  # RFC 8259, section 6
        raise ValueError(f"{path} is an integer of {number.bit_length():,} bits, too large for JSON; write it as text")
    return number


def _to_key(key: Any, path: str) -> str:
    """Return the key of a dict as JSON has it: `true` for True, the value for a member of an enum."""
    key = key.value if isinstance(key, Enum) else key
    if isinstance(key, str):
        return check_text(str.__str__(key), f"{path}: the key {key!a}")
    if key is None or isinstance(key, bool | int | float):
        return json.dumps(_check_number(key, f"{path}: a key"))
    raise TypeError(f"{path} has the key {key!r:.60}; the keys of JSON are strings")


def _to_list(array: Any, path: str) -> Any:
    """Return a numpy array or scalar as lists and numbers."""
    if array.size > MAX_ARRAY_SIZE:
        raise ValueError(
            f"{path} is an array of {array.size:,} {array.dtype} numbers, more than the {MAX_ARRAY_SIZE:,} that are "
            "sent as JSON; convert pixels to an array of uint8 (height, width, channels), and save others to a file"
        )
    return array.tolist()


def _choose_uploads(files: list[LocalFile]) -> list[LocalFile]:
    """Make files data URIs, and return the others: large ones, and the largest of those that are too much together.

    Raises:
        ValueError: Files with `inline=True` are too large to go inline.
    """
    uploads = [file for file in files if not file.inline_size]
    inline = sorted((file for file in files if file.inline_size), key=lambda file: file.inline_size)
    while sum(file.inline_size for file in inline) > MAX_INLINE_TOTAL:
        largest = next((file for file in reversed(inline) if file.inline is None), None)
        if largest is None:
            raise ValueError(
                f"{inline[-1].path} is too large for inline=True: the data URIs of a request may have "
                f"{MAX_INLINE_TOTAL:,} bytes in total; leave `inline` out, and it is uploaded if necessary"
            )
        inline.remove(largest)
        uploads.append(largest)
    for file in inline:
        file.encode()
    return uploads


def _substitute_uris(value: Any) -> Any:
    if isinstance(value, LocalFile):
        return value.uri
    if isinstance(value, dict):
        return {key: _substitute_uris(item) for key, item in value.items()}
    return [_substitute_uris(item) for item in value] if isinstance(value, list) else value
