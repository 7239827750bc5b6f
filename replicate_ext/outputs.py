"""What a model made: files become `FileOutput`, everything else stays as the API sent it."""

from __future__ import annotations

import mimetypes
import os
import re
import secrets
from base64 import b64decode
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Generic
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from ._bridge import Resource, W, both, each
from ._wire import AsyncWire, BlockingWire, Settings, Wire, download


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

    @property
    def url(self) -> str:
        """The URL, https or data."""
        return str(self)

    def __repr__(self) -> str:
        shown = str(self) if len(self) <= 120 else f"{str(self)[:60]}…({len(self)} characters)"
        return f"{type(self).__name__}({shown!r})"

    @both
    async def read(self) -> bytes:
        """Return the whole content.

        Raises:
            APIStatusError: The host answered with an error; 404 or 403 after the hour that files are kept.
            ConnectionFailed: The connection broke, before the content or in the middle of it.
        """
        return b"".join([chunk async for chunk in _content(self._wire, str(self))])

    @both
    async def save(self, path: str | os.PathLike[str]) -> Path:
        """Download to a file and return its path.

        Args:
            path: The file, or an existing folder, in which the file gets the name that it has in the URL. The
                content goes to disk as it comes, and the file appears under its name only when it is complete.
        """
        target = Path(path)
        if await self._wire.offload(target.is_dir):
            target = target / file_name(str(self))
        part: BinaryIO = await self._wire.offload(_open_part, target)
        try:
            with part:
                async for chunk in _content(self._wire, str(self)):
                    await self._wire.offload(part.write, chunk)
            await self._wire.offload(os.replace, part.name, target)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
        return target

    @each
    def _chunks(self) -> AsyncGenerator[bytes, None]:
        return _content(self._wire, str(self))


class FileOutput(_File[BlockingWire]):
    __doc__ = _File.__doc__

    def __iter__(self) -> Iterator[bytes]:  # type: ignore[override]  # a file's parts, rather than a string's letters
        """Yield the content in chunks as it arrives."""
        return self._chunks()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (FileOutput, str(self))


class AsyncFileOutput(_File[AsyncWire]):
    __doc__ = _File.__doc__

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the content in chunks as it arrives."""
        return self._chunks()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (AsyncFileOutput, str(self))


def _restore(cls: Any, url: str) -> Any:
    """Unpickle: the file comes back with connections of its own, and without the client's token."""
    return cls(url, (BlockingWire if cls is FileOutput else AsyncWire)(Settings()))


def files(output: Any, wire: Wire) -> Any:
    """Return an output with its files wrapped: strings that are, as a whole, one http(s) URL or one data URI."""
    if isinstance(output, str):
        if not _WHOLE_URL.fullmatch(output):
            return output
        return FileOutput(output, wire) if isinstance(wire, BlockingWire) else AsyncFileOutput(output, wire)  # type: ignore[arg-type]  # there are two wires
    if isinstance(output, list):
        return [files(item, wire) for item in output]
    if isinstance(output, dict):
        return {key: files(value, wire) for key, value in output.items()}
    return output


_WHOLE_URL = re.compile(r"https?://[^\s/]+\S*|data:[\w.+-]+/[\w.+-]+[^\s,]*,\S*", re.IGNORECASE)


def file_name(url: str) -> str:
    """Return a name for the content of a URL: its last part, without what a file system might take amiss."""
    if url.startswith("data:"):
        mime = re.split("[;,]", url[5:], maxsplit=1)[0]
        return f"output{mimetypes.guess_extension(mime) or ''}"
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    return re.sub(r"[^\w.-]", "_", last).lstrip(".") or "output"


async def _content(wire: Wire, url: str) -> AsyncGenerator[bytes, None]:
    if not url.startswith("data:"):
        async for chunk in download(wire, url):
            yield chunk
        return
    head, _, body = url.partition(",")
    yield b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)


def _open_part(target: Path) -> BinaryIO:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.part").open("xb")
