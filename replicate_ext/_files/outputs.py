"""What a model made: files become `FileOutput`, everything else stays as the API sent it."""

from __future__ import annotations

import io
import mimetypes
import os
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Generic, cast

from .._backends.sync import BlockingWire, Wire
from .._config import Settings
from .._dual import Resource, W, both, each
from .download import Download, RangedFile, data_type, file_name, is_data, part, saved

if TYPE_CHECKING:
    from PIL import Image

    from .._backends.asyncio import AsyncWire  # noqa: F401  # the base of AsyncFileOutput names it


BUFFER = 256 * 1024
"""Bytes that a file opened with `open()` fetches at a time, and that `open()` keeps in memory."""


class _File(str, Resource[W], Generic[W]):
    """A file that a model made, by its URL.

    It is a string, the URL: it prints, compares, pickles and goes into JSON as that. Nothing is downloaded until
    you ask, and each time you ask it is downloaded anew. Replicate keeps the files of API predictions for one hour.
    The API token is not sent to the host of the file.
    """

    def __new__(cls, url: str, wire: W) -> _File[W]:
        """Take the URL as the string."""
        return super().__new__(cls, url)

    def __init__(self, url: str, wire: W) -> None:
        Resource.__init__(self, wire)
        self._at = 0
        self._seen_type: str | None = None

    @property
    def url(self) -> str:
        """The URL, https or data."""
        return str(self)

    @property
    def content_type(self) -> str | None:
        """The MIME type: as the host said when it was downloaded, before that as the URL says, if it does."""
        told = data_type(str(self)) if is_data(str(self)) else mimetypes.guess_type(file_name(str(self)))[0]
        return self._seen_type or told

    def __repr__(self) -> str:
        shown = str(self) if len(self) <= 120 else f"{str(self)[:60]}…({len(self)} characters)"
        return f"{type(self).__name__}({shown!r})"

    @both
    async def read(self, size: int = -1) -> bytes:
        """Return the whole content, or with a size the next bytes of it.

        Without a size it begins anew each time. With one it goes on where it stopped, returns nothing at the end,
        and then begins anew; every call is a request, so `open()` is better for many small ones.

        Raises:
            APIStatusError: The host answered with an error; 404 or 403 after the hour that files are kept.
            ConnectionFailed: The connection broke, and the download could not be taken up again.
        """
        if size < 0:
            return (await self._whole()).getvalue()
        found = await part(self._wire, str(self), self._at, self._at + size)
        self._at = self._at + len(found) if found else 0
        return found

    @both
    async def save(self, path: str | os.PathLike[str]) -> Path:
        """Download to a file and return its path.

        The content goes to disk as it comes, and the file appears under its name only when it is complete. A
        download that is cut is taken up again.

        Args:
            path: The file, which is replaced if it is there; or a folder (one that exists, or ends with a slash), in
                which the file gets the name that it has in the URL, with an ending by its type if it has none, and
                with a number if another file has that name.

        Raises:
            APIStatusError: The host answered with an error; 404 or 403 after the hour that files are kept.
            ConnectionFailed: The connection broke, and the download could not be taken up again.
            OSError: The disk is full, or the folder cannot be made.
        """
        target = Path(path)
        in_folder = os.fspath(path).endswith(("/", os.sep)) or await self._wire.offload(target.is_dir)
        return await saved(self._wire, str(self), target, in_folder)

    @both
    async def to_pil(self) -> Image.Image:
        """Return the content as a PIL image; needs Pillow."""
        try:
            from PIL import Image
        except ImportError as missing:
            raise ImportError("to_pil needs Pillow: pip install pillow") from missing
        return Image.open(await self._whole())

    async def _whole(self) -> io.BytesIO:
        whole = io.BytesIO()  # grows in place and gives out what it holds: the content is in memory once, not twice
        async with aclosing(self._content()) as chunks:
            async for chunk in chunks:
                whole.write(chunk)
        whole.seek(0)
        return whole

    @each
    def _chunks(self) -> AsyncGenerator[bytes, None]:
        return self._content()

    async def _content(self) -> AsyncGenerator[bytes, None]:
        download = Download(self._wire, str(self))
        await download.open()
        self._seen_type = download.content_type
        async with aclosing(download.chunks()) as chunks:
            async for chunk in chunks:
                yield chunk

    def _repr_html_(self) -> str | None:
        """Show it in a notebook, by its URL, as long as that lasts."""
        import html

        kind, address = (self.content_type or "").partition("/")[0], html.escape(str(self))
        shown = {"image": f'<img src="{address}">'}
        shown |= {kind: f'<{kind} controls src="{address}"></{kind}>' for kind in ("audio", "video")}
        return shown.get(kind)


class FileOutput(_File[BlockingWire]):
    __doc__ = _File.__doc__

    def __iter__(self) -> Iterator[bytes]:  # type: ignore[override]  # a file's parts, rather than a string's letters
        """Yield the content in chunks as it arrives."""
        return self._chunks()

    def open(self) -> IO[bytes]:
        """Return a file for reading that can seek; only what is read is fetched, by ranges."""
        return io.BufferedReader(cast("Any", RangedFile(self._wire, str(self))), BUFFER)

    def _repr_png_(self) -> bytes | None:
        """Show it in a notebook, and keep it there."""
        return self.read() if self.content_type == "image/png" else None

    def _repr_jpeg_(self) -> bytes | None:
        """Show it in a notebook, and keep it there."""
        return self.read() if self.content_type == "image/jpeg" else None

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (FileOutput, str(self))


class AsyncFileOutput(_File["AsyncWire"]):
    __doc__ = _File.__doc__

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the content in chunks as it arrives."""
        return self._chunks()

    async def open(self) -> IO[bytes]:
        """Download to a temporary file, in memory as long as it is small, and return that, open for reading."""
        file = tempfile.SpooledTemporaryFile(max_size=BUFFER)  # noqa: SIM115  # the caller's to close
        try:
            async for chunk in self:
                await self._wire.offload(file.write, chunk)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return cast("IO[bytes]", file)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (AsyncFileOutput, str(self))


def _restore(cls: Any, url: str) -> Any:
    """Unpickle: the file comes back with connections of its own, and without the client's token."""
    if cls is FileOutput:
        return cls(url, BlockingWire(Settings))
    from .._backends.asyncio import AsyncWire

    return cls(url, AsyncWire(Settings))


class Saving(Resource[W]):
    """What both clients do with outputs."""

    @both
    async def save(self, output: Any, folder: str | os.PathLike[str]) -> list[Path]:
        """Download all files of an output into a folder, several at once, and return their paths in order.

        Args:
            output: What `run` returned, or any part of it, or several of them in a list or dict.
            folder: Where to; it is made if it is not there. Files get names as in `FileOutput.save`.

        Raises:
            APIStatusError, ConnectionFailed, OSError: As for `FileOutput.save`; the other files may be there.
        """
        paths: dict[int, Path] = {}

        async def save_one(number: int, url: str) -> None:
            paths[number] = await saved(self._wire, url, Path(folder), True)

        await self._wire.all([save_one(number, url) for number, url in enumerate(_found(output))])
        return [path for _, path in sorted(paths.items())]


def _found(output: Any) -> Iterator[str]:
    if isinstance(output, FileOutput | AsyncFileOutput):
        yield str(output)
    elif isinstance(output, list | tuple):
        for item in output:
            yield from _found(item)
    elif isinstance(output, Mapping):
        for item in output.values():
            yield from _found(item)


def files(output: Any, wire: Wire, schema: Mapping[str, Any] | None = None) -> Any:
    """Return an output with its files wrapped.

    Args:
        output: JSON values.
        wire: What the files are to be downloaded through.
        schema: The version's `openapi_schema`, if it is known: then the strings are files that it says are (`format:
            uri`). Else those are that, as a whole, are one http(s) URL or one data URI.
    """
    components = (schema or {}).get("components")
    schemas = components.get("schemas") if isinstance(components, Mapping) else None
    known = schemas if isinstance(schemas, Mapping) else {}
    return _wrapped(output, wire, known.get("Output"), known)


def _wrapped(value: Any, wire: Wire, schema: Any, known: Mapping[str, Any]) -> Any:
    schema = _resolved(schema, known)
    if isinstance(value, str):
        is_file = schema.get("format") == "uri" if schema.get("type") == "string" else True
        if not is_file or not _WHOLE_URL.fullmatch(value):
            return value
        return (FileOutput if wire.blocks else AsyncFileOutput)(value, cast("Any", wire))
    if isinstance(value, list):
        return [_wrapped(item, wire, schema.get("items"), known) for item in value]
    if isinstance(value, dict):
        properties = schema.get("properties")
        each_of = properties if isinstance(properties, Mapping) else {}
        rest = schema.get("additionalProperties")
        return {key: _wrapped(item, wire, each_of.get(key, rest), known) for key, item in value.items()}
    return value


def _resolved(schema: Any, known: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references to components; whatever is odd says nothing."""
    for _ in range(10):
        if not isinstance(schema, Mapping):
            return {}
        parts = schema.get("allOf")
        if isinstance(parts, list) and len(parts) == 1:
            schema = parts[0]
        elif isinstance(schema.get("$ref"), str):
            schema = known.get(schema["$ref"].rpartition("/")[2])
        else:
            return schema
    return {}


_WHOLE_URL = re.compile(r"https?://[^\s/]+\S*|data:[\w.+-]+/[\w.+-]+[^\s,]*,\S*", re.IGNORECASE)
