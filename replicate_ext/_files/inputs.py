"""The files in an input: small ones become data URIs, larger ones are uploaded.

The whole input is validated before anything is sent. A file that appears twice is sent once, and uploads are read from
disk as they are sent.
"""

from __future__ import annotations

import io
import math
import mimetypes
import os
import sys
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from replicate_api import operations as op
from replicate_api.types import Upload

from ..errors import ResponseDecodeError

if TYPE_CHECKING:
    from .._send import Session

MAX_INLINE_SIZE = 256 * 1024
"""Bytes up to which a file goes inline, as a data URI, and is not stored anywhere (docs/api-facts.md, section 10.3)."""

MAX_UPLOAD_SIZE = 100 * 1000 * 1000
"""Bytes that Replicate accepts for one file: https://replicate.com/docs/topics/predictions/input-files"""


class LocalFile:
    """A file found in an input: its content, its name, and, once it is sent, its URI."""

    def __init__(self, payload: Path | IO[bytes] | bytes, path: str, name: str | None = None) -> None:
        self.payload = payload
        self.size = _size(payload)
        self.name = name or "upload"
        self.media_type = mimetypes.guess_type(self.name)[0] or _sniff_media_type(payload) or "application/octet-stream"
        self.uri = ""
        if self.size > MAX_UPLOAD_SIZE:
            raise ValueError(f"{path} has {self.size:,} bytes; Replicate accepts files of up to {MAX_UPLOAD_SIZE:,}")

    async def send(self, session: Session[Any]) -> None:
        """Set the URI: a data URI for a small file, else the URL of its upload."""
        if self.size <= MAX_INLINE_SIZE:
            content = await session.backend.to_thread(_read_all, self.payload)
            self.uri = f"data:{self.media_type};base64,{b64encode(content).decode()}"
            return
        opened = self.payload.open("rb") if isinstance(self.payload, Path) else None
        with opened or nullcontext():
            content = opened or cast("IO[bytes] | bytes", self.payload)
            file = await session.call(op.FILES_CREATE(content=Upload(content, self.name, self.media_type)))
        url = getattr(file.urls, "get", None)
        if not isinstance(url, str):
            raise ResponseDecodeError(f"the response to the upload of {self.name} contains no URL")
        self.uri = url


class PreparedInput(NamedTuple):
    """A validated input: JSON values, with a `LocalFile` in place of each file."""

    values: dict[str, Any]
    files: list[LocalFile]
    copies: ExitStack

    async def send(self, session: Session[Any]) -> dict[str, Any]:
        """Send the files, and return the input as JSON values; a ReplicateError means that an upload failed."""
        if not self.files:
            return self.values
        with self.copies:
            await session.backend.gather([file.send(session) for file in self.files])
        return {name: _substitute_uris(value) for name, value in self.values.items()}


def prepare_input(input: Mapping[str, Any] | None) -> PreparedInput:
    """Validate an input before anything is sent.

    Raises:
        TypeError, ValueError, FileNotFoundError: A value cannot be sent; the message gives its path in the input.
    """
    if not isinstance(input, Mapping | None):
        raise TypeError(f"input must be a dict of the model's inputs by name, not {type(input).__name__}")
    with ExitStack() as copies:
        collector = _FileCollector(copies)
        values = {str(name): collector.convert(value, f"input.{name}") for name, value in (input or {}).items()}
        return PreparedInput(values, list(collector.files.values()), copies.pop_all())


class _FileCollector:
    """Converts the values of one input; collects its files, and copies of those that can be read only once."""

    def __init__(self, copies: ExitStack) -> None:
        self.files: dict[object, LocalFile] = {}
        self._copies = copies

    def convert(self, value: Any, path: str) -> Any:
        """Return a value as JSON, with a `LocalFile` in place of each file; errors name its `path` in the input."""
        if value is None or isinstance(value, str | bool | int):
            return str(value) if isinstance(value, str) else value
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ValueError(f"{path} is {value}, which JSON cannot represent")
            return value
        if isinstance(value, Mapping):
            return {str(key): self.convert(item, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.convert(item, f"{path}[{index}]") for index, item in enumerate(value)]
        numbers = _to_numbers(value)
        if numbers is not None:
            return self.convert(numbers, path)
        key = value.resolve() if isinstance(value, Path) else id(value)
        if key not in self.files:
            self.files[key] = self._open(value, path)
        return self.files[key]

    def _open(self, value: Any, path: str) -> LocalFile:
        if isinstance(value, Path):
            if value.is_dir():
                raise ValueError(f"{path} is a folder, not a file: {value}")
            if not value.exists():
                raise FileNotFoundError(f"{path} does not exist: {value}")
            return LocalFile(value, path, value.name)
        if isinstance(value, bytes | bytearray | memoryview):
            return LocalFile(bytes(value), path)
        if isinstance(value, Upload):
            return LocalFile(self._make_seekable(value.payload, path), path, value.file_name)
        if isinstance(value, io.TextIOBase):
            raise TypeError(f"{path} is a file opened in text mode; open it with mode 'rb'")
        if hasattr(value, "read"):
            file_path = getattr(value, "name", None)
            name = PurePath(file_path).name if isinstance(file_path, str) else None
            return LocalFile(self._make_seekable(value, path), path, name)
        pil = sys.modules.get("PIL.Image")  # if it was not imported, the value cannot be an image
        if pil is not None and isinstance(value, pil.Image):
            content, format = io.BytesIO(), value.format if value.format in ("JPEG", "WEBP") else "PNG"
            value.save(content, format)
            return LocalFile(content.getvalue(), path, f"image.{format.lower()}")
        raise TypeError(
            f"{path} is a {type(value).__name__}, which is neither JSON nor a file; files are Path, bytes, files "
            "opened with mode 'rb', PIL images, and FileOutput"
        )

    def _make_seekable(self, payload: IO[bytes] | bytes, path: str) -> IO[bytes] | bytes:
        """Return a payload that can be sent more than once: a pipe is copied to a temporary file."""
        if isinstance(payload, bytes) or (hasattr(payload, "seekable") and payload.seekable()):
            return payload
        spool = tempfile.SpooledTemporaryFile(max_size=MAX_INLINE_SIZE)  # noqa: SIM115  # closed with the input
        copy = cast("IO[bytes]", self._copies.enter_context(spool))
        while chunk := payload.read(64 * 1024):
            if isinstance(chunk, str):
                raise TypeError(f"{path} is a file opened in text mode; open it with mode 'rb'")
            copy.write(chunk)
            if copy.tell() > MAX_UPLOAD_SIZE:
                break  # LocalFile raises for its size
        return copy


def _to_numbers(value: Any) -> Any:
    """Return a numpy array or scalar as lists and numbers, None for anything else."""
    numpy = sys.modules.get("numpy")
    return value.tolist() if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic) else None


def _size(payload: Path | IO[bytes] | bytes) -> int:
    if isinstance(payload, bytes):
        return len(payload)
    return payload.stat().st_size if isinstance(payload, Path) else payload.seek(0, os.SEEK_END)


def _read_all(payload: Path | IO[bytes] | bytes) -> bytes:
    if isinstance(payload, bytes):
        return payload
    if isinstance(payload, Path):
        return payload.read_bytes()
    payload.seek(0)
    return payload.read()


_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"WAVE", 8, "audio/wav"),
    (b"ID3", 0, "audio/mpeg"),
    (b"ftyp", 4, "video/mp4"),
    (b"%PDF-", 0, "application/pdf"),
    (b"PK\x03\x04", 0, "application/zip"),
)
"""Bytes, offset, media type: https://mimesniff.spec.whatwg.org/"""


def _sniff_media_type(payload: Path | IO[bytes] | bytes) -> str | None:
    """Return the media type by the first bytes: models choose a decoder by it."""
    if isinstance(payload, Path):
        return None
    if isinstance(payload, bytes):
        head = payload[:16]
    else:
        payload.seek(0)
        head = payload.read(16)
    matches = (media_type for magic, offset, media_type in _SIGNATURES if head[offset:].startswith(magic))
    return next(matches, None)


def _substitute_uris(value: Any) -> Any:
    if isinstance(value, LocalFile):
        return value.uri
    if isinstance(value, dict):
        return {key: _substitute_uris(item) for key, item in value.items()}
    return [_substitute_uris(item) for item in value] if isinstance(value, list) else value
