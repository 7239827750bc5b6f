"""What a caller puts into an input: files become data URIs or uploads, everything else JSON.

First the whole input is looked at, and everything that is wrong with it is told; only then anything is sent. A file
that appears twice is sent once. Small files go inline, larger ones through `files.create`, from disk as they are read.
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
from typing import IO, Any, NamedTuple, ParamSpec, TypeVar, cast

from replicate_api import operations as op
from replicate_api.types import Operation, Upload

from .._backends.sync import Wire
from .._dual import Resource, both
from .._send import send
from ..errors import ResponseError

P = ParamSpec("P")
T = TypeVar("T")

INLINE = 256 * 1024
"""Bytes up to which a file goes inline, as Replicate's document advises; it is then not stored anywhere."""

LARGEST = 100 * 1000 * 1000
"""Bytes that Replicate takes for one file."""


class LocalFile:
    """A file found in an input: what it holds, how it is called, and, once it is sent, the URI to use for it."""

    def __init__(self, payload: Path | IO[bytes] | bytes, where: str, name: str | None = None) -> None:
        self.payload = payload
        self.size = _size(payload)
        self.name = name or "upload"
        self.mime = mimetypes.guess_type(self.name)[0] or _sniffed(payload) or "application/octet-stream"
        self.uri = ""
        if self.size > LARGEST:
            raise ValueError(f"{where} has {self.size:,} bytes; Replicate takes files of up to {LARGEST:,}")

    async def send(self, wire: Wire) -> None:
        """Find the URI: inline where the file is small, else by uploading it."""
        if self.size <= INLINE:
            small = await wire.offload(_whole, self.payload)
            self.uri = f"data:{self.mime};base64,{b64encode(small).decode()}"
            return
        opened = self.payload.open("rb") if isinstance(self.payload, Path) else None
        with opened or nullcontext():
            content = opened or cast("IO[bytes] | bytes", self.payload)
            uploaded = await send(wire, op.FILES_CREATE(content=Upload(content, self.name, self.mime)))
        url = getattr(uploaded.urls, "get", None)
        if not isinstance(url, str):
            raise ResponseError(f"the upload of {self.name} was answered without a URL")
        self.uri = url


class Prepared(NamedTuple):
    """An input that was looked at: JSON values, with a `LocalFile` in the place of each file."""

    tree: dict[str, Any]
    files: list[LocalFile]
    copies: ExitStack

    async def send(self, wire: Wire) -> dict[str, Any]:
        """Send the files, and return the input as JSON values; a ReplicateError says that an upload failed."""
        if not self.files:
            return self.tree
        with self.copies:
            await wire.all([file.send(wire) for file in self.files])
        return {name: _filled(value) for name, value in self.tree.items()}


def creating(operation: Operation[P, T]) -> both[P, T]:
    """Make a method of an operation that takes an `input`: its files are sent first, as `run` does it."""

    async def method(self: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
        fields: dict[str, Any] = dict(kwargs)
        build: Any = operation
        if "input" in fields:
            prepared = prepare(fields["input"])
            build(*args, **{**fields, "input": {}})  # whatever else is wrong is told first
            fields["input"] = await prepared.send(self._wire)
        return await send(self._wire, build(*args, **fields))

    return both(method, operation)


def prepare(input: Mapping[str, Any] | None) -> Prepared:
    """Look at an input, before anything is sent.

    Raises:
        TypeError, ValueError, FileNotFoundError: Something in it cannot be sent; the message names the place.
    """
    if not isinstance(input, Mapping | None):
        raise TypeError(f"input must be a dict of the model's inputs by name, not {type(input).__name__}")
    with ExitStack() as copies:
        search = _Search(copies)
        tree = {str(name): search.value(value, f"input.{name}") for name, value in (input or {}).items()}
        return Prepared(tree, list(search.found.values()), copies.pop_all())


class _Search:
    """The way through one input: the files found so far, and the copies made of those that can be read only once."""

    def __init__(self, copies: ExitStack) -> None:
        self.found: dict[object, LocalFile] = {}
        self.copies = copies

    def value(self, value: Any, where: str) -> Any:
        """Return a value with its files found; `where` names it in errors."""
        if value is None or isinstance(value, str | bool | int):
            return str(value) if isinstance(value, str) else value
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ValueError(f"{where} is {value}, which JSON cannot say")
            return value
        if isinstance(value, Mapping):
            return {str(key): self.value(item, f"{where}.{key}") for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item, f"{where}[{index}]") for index, item in enumerate(value)]
        numbers = _numbers(value)
        if numbers is not None:
            return self.value(numbers, where)
        key = value.resolve() if isinstance(value, Path) else id(value)
        if key not in self.found:
            self.found[key] = self._file(value, where)
        return self.found[key]

    def _file(self, value: Any, where: str) -> LocalFile:
        if isinstance(value, Path):
            if value.is_dir():
                raise ValueError(f"{where} is a folder, not a file: {value}")
            if not value.exists():
                raise FileNotFoundError(f"{where} is not there: {value}")
            return LocalFile(value, where, value.name)
        if isinstance(value, bytes | bytearray | memoryview):
            return LocalFile(bytes(value), where)
        if isinstance(value, Upload):
            return LocalFile(self._seekable(value.payload, where), where, value.file_name)
        if isinstance(value, io.TextIOBase):
            raise TypeError(f"{where} is a file opened as text; open it with mode 'rb'")
        if hasattr(value, "read"):
            path = getattr(value, "name", None)
            name = PurePath(path).name if isinstance(path, str) else None
            return LocalFile(self._seekable(value, where), where, name)
        image = sys.modules.get("PIL.Image")  # where nobody imported it, nobody can have an image
        if image is not None and isinstance(value, image.Image):
            content, kind = io.BytesIO(), value.format if value.format in ("JPEG", "WEBP") else "PNG"
            value.save(content, kind)
            return LocalFile(content.getvalue(), where, f"image.{kind.lower()}")
        raise TypeError(
            f"{where} is a {type(value).__name__}, which is neither JSON nor a file; files are Path, bytes, files "
            "opened with mode 'rb', PIL images, and FileOutput"
        )

    def _seekable(self, payload: IO[bytes] | bytes, where: str) -> IO[bytes] | bytes:
        """Return a payload that can be sent more than once; a pipe is copied to a temporary file first."""
        if isinstance(payload, bytes) or (hasattr(payload, "seekable") and payload.seekable()):
            return payload
        spool = tempfile.SpooledTemporaryFile(max_size=INLINE)  # noqa: SIM115  # closed with all the others
        copy = cast("IO[bytes]", self.copies.enter_context(spool))
        while chunk := payload.read(64 * 1024):
            if isinstance(chunk, str):
                raise TypeError(f"{where} is a file opened as text; open it with mode 'rb'")
            copy.write(chunk)
            if copy.tell() > LARGEST:
                break  # the size is told where all sizes are
        return copy


def _numbers(value: Any) -> Any:
    """Return the numbers of a numpy array or scalar as lists and numbers, None for anything else."""
    numpy = sys.modules.get("numpy")
    return value.tolist() if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic) else None


def _size(payload: Path | IO[bytes] | bytes) -> int:
    if isinstance(payload, bytes):
        return len(payload)
    return payload.stat().st_size if isinstance(payload, Path) else payload.seek(0, os.SEEK_END)


def _whole(payload: Path | IO[bytes] | bytes) -> bytes:
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


def _sniffed(payload: Path | IO[bytes] | bytes) -> str | None:
    """Return the type that the first bytes give away: models tell by it what they were sent."""
    if isinstance(payload, Path):
        return None
    if isinstance(payload, bytes):
        head = payload[:16]
    else:
        payload.seek(0)
        head = payload.read(16)
    return next((mime for magic, at, mime in _SIGNATURES if head[at:].startswith(magic)), None)


def _filled(tree: Any) -> Any:
    if isinstance(tree, LocalFile):
        return tree.uri
    if isinstance(tree, dict):
        return {key: _filled(item) for key, item in tree.items()}
    return [_filled(item) for item in tree] if isinstance(tree, list) else tree
