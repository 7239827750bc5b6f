"""A file in the output of a model: `FileOutput` and `AsyncFileOutput`."""

from __future__ import annotations

import io
import os
import re
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Generic, cast
from urllib.parse import urlsplit

from .._backends.sync import SyncBackend, run_sync
from .._config import Config
from .._display.ipython import is_notebook
from .._dual import Resource, dual_iterator, dual_method
from .._send import BackendT, Session
from .._transfers import TransferCallback, Transfers
from . import data_uri, media_types
from .disk import AtomicFile, file_in_folder, file_name, save
from .download import Download
from .ranged_file import RangedFile

if TYPE_CHECKING:
    from PIL import Image

    from .._backends.asyncio import AsyncBackend  # noqa: F401  # the base of AsyncFileOutput names it


BUFFER_SIZE = 256 * 1024
"""Bytes that a file opened with `open()` fetches at a time; the async `open()` keeps that much in memory."""


class _FileOutput(str, Resource[BackendT], Generic[BackendT]):
    """A file that a model made: what both kinds of client have in common."""

    def __new__(cls, url: str, session: Session[BackendT]) -> _FileOutput[BackendT]:
        """Use the URL as the string."""
        return super().__new__(cls, url)

    def __init__(self, url: str, session: Session[BackendT]) -> None:
        Resource.__init__(self, session)
        self._position = 0
        self._parts: Download | None = None
        """The download of which `read(size)` returns one part after the other."""
        self._response_type: str | None = None
        self._created_at: float | None = time.time()
        self._content: bytes | None = None
        """What was read in a notebook, where the file is shown without another download."""

    @property
    def url(self) -> str:
        """The URL of the file, or the data URI that contains it."""
        return str(self)

    @property
    def content_type(self) -> str | None:
        """The media type: of the response once it was downloaded, before that a guess by the URL, or None."""
        return self._response_type or self._guess_type()

    def _guess_type(self) -> str | None:
        url = str(self)
        return data_uri.media_type(url) if data_uri.is_data_uri(url) else media_types.guess(file_name(url))

    def __repr__(self) -> str:
        shown = str(self) if len(self) <= 120 else f"{str(self)[:60]}…({len(self)} characters)"
        return f"{type(self).__name__}({shown!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> dict[str, Any]:
        """Let pydantic validate a URL into a file, without the client's token, and serialize it as the URL.

        https://docs.pydantic.dev/latest/concepts/types/#customizing-validation-with-__get_pydantic_core_schema__
        """

        def validate(value: object, validate_string: Callable[[object], str]) -> object:
            if isinstance(value, cls):
                return value
            url = validate_string(value)
            if not is_file_url(url):
                raise ValueError("must be an http(s) URL or a data URI")
            return _restore(cls, url)

        function = {"type": "no-info", "function": validate}
        return {"type": "function-wrap", "function": function, "schema": {"type": "str"}}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Describe it as a URL, in FastAPI's OpenAPI document for example."""
        return handler(schema) | {"format": "uri"}

    @dual_method
    async def read(self, size: int = -1) -> bytes:
        r"""Return the whole content, or the next `size` bytes.

        Without a size, every call starts at the beginning. With one, each call continues where the last one stopped,
        returns `b""` at the end, and then starts over. Each call is a request: use `open()` for many small reads.

        Args:
            size: The maximum number of bytes; all of them if it is negative.

        Returns:
            The bytes.

        Raises:
            APIStatusError: The host responded with an error status: 404 or 403 after the file expired.
            APIConnectionError: The download was interrupted and could not be resumed.
            ResponseDecodeError: The content is not what its response, or its data URI, has announced.

        Examples:
            >>> [image] = client.run("acme/painter", {"prompt": "a lighthouse", "width": 64})
            >>> image.read(8)
            b'\x89PNG\r\n\x1a\n'
        """
        if size < 0:
            return (await self._read_all()).getvalue()
        parts = self._parts = self._parts or Download(self._session, str(self))
        content = await parts.read(self._position, self._position + size)
        self._position += len(content)
        if size and not content:
            self._parts, self._position = None, 0
        return content

    @dual_method
    async def save(self, path: str | os.PathLike[str], *, progress: bool | TransferCallback | None = None) -> Path:
        """Download to a file and return its path.

        The content is written as it arrives, and the file appears under its name only when it is complete. An
        interrupted download is resumed.

        Args:
            path: A file, which is replaced if it exists; or a folder (one that exists, or a path that ends with a
                slash), in which the file is named after the URL, with an extension for its media type if it has none,
                and with a number if another file has that name.
            progress: A function that is called with the bytes that have arrived and the total, which is None if the
                host does not declare it; or True for a progress bar.

        Returns:
            The path of the file, with the name that it got.

        Raises:
            APIStatusError: The host responded with an error status: 404 or 403 after the file expired.
            APIConnectionError: The download was interrupted and could not be resumed.
            ResponseDecodeError: The content is not what its response, or its data URI, has announced.
            OSError: The disk is full, or the folder cannot be created.

        Examples:
            >>> [image] = client.run("acme/painter", {"prompt": "a lighthouse", "width": 64})
            >>> print(image.save("lighthouse.png"), image.save("pictures/"))
            lighthouse.png pictures...
        """
        target = Path(path)
        is_folder = os.fspath(path).endswith(("/", os.sep)) or await self._session.backend.to_thread(target.is_dir)
        if is_folder:
            file = file_in_folder(target, str(self))
        else:
            file = AtomicFile(target.parent, target.name, None, may_replace=True)
        with Transfers(progress) as transfers:
            return await save(self._session, str(self), file, transfers)

    @dual_method
    async def to_pil(self) -> Image.Image:
        """Return the content as a PIL image; requires Pillow.

        Returns:
            The image, decoded from the whole content in memory.

        Raises:
            ImportError: Pillow is not installed.
            PIL.UnidentifiedImageError: The content is no image that Pillow knows.
            APIStatusError, APIConnectionError, ResponseDecodeError: As for `read`.

        Examples:
            >>> [image] = client.run("acme/painter", {"prompt": "a lighthouse", "width": 64})
            >>> image.to_pil().size
            (64, 512)
        """
        try:
            from PIL import Image
        except ImportError as error:
            raise ImportError("to_pil requires Pillow: pip install pillow") from error
        return Image.open(await self._read_all())

    async def _read_all(self) -> io.BytesIO:
        buffer = io.BytesIO()  # grows in place and shares its memory: the content is in memory once, not twice
        async with aclosing(self._iter_content()) as chunks:
            async for chunk in chunks:
                buffer.write(chunk)
        buffer.seek(0)
        if is_notebook():
            from . import embed

            content = embed.embeddable(buffer.getvalue(), self._response_type, self._guess_type())
            self._content = content and content.data
        return buffer

    @dual_iterator
    def _iter_chunks(self) -> AsyncGenerator[bytes, None]:
        return self._iter_content()

    async def _iter_content(self) -> AsyncGenerator[bytes, None]:
        download = Download(self._session, str(self))
        await download.open()
        self._response_type = download.content_type
        async with aclosing(download.chunks()) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _show(self, *, may_download: bool) -> str:
        """Return the HTML for a notebook. It never raises, and contains no URL of a picture, which would expire."""
        from . import embed

        url, content, reason = str(self), None, ""
        try:
            guess = self._guess_type()
            if self._content is not None:
                content = embed.embeddable(self._content, self._response_type, guess)
            elif may_download or data_uri.is_data_uri(url):
                content = await embed.load(self._session, url, guess)
            elif embed.can_be_embedded(guess):
                reason = "`await file.read()` downloads it, and then it is shown here"
        except Exception as error:
            reason = f"not shown: {type(error).__name__}: {error}".partition("\n")[0]
        if content is None:
            return embed.show_link(url, self._session.config.base_url, self._created_at, reason)
        self._response_type, self._content = content
        return embed.show(content, url)


class FileOutput(_FileOutput[SyncBackend]):
    """A file that a model made, by its URL.

    It is a string, the URL: it prints, compares, iterates, pickles and goes into JSON as that, also with pydantic and
    FastAPI. `read`, `save`, `open` and `iter_bytes` return its content. Nothing is downloaded until you call one of
    them, and every call downloads it again. Replicate keeps the files of API predictions for one hour
    (https://replicate.com/docs/topics/predictions/output-files). The API token is not sent to the file's host.

    Examples:
        >>> [image] = client.run("acme/painter", {"prompt": "a lighthouse", "width": 64})
        >>> print(image, image.content_type)
        http...png image/png
    """

    _is_async = False

    def iter_bytes(self) -> Iterator[bytes]:
        """Yield the content in chunks as it arrives; an interrupted download is resumed.

        Yields:
            Bytes, in chunks of any size.

        Raises:
            APIStatusError, APIConnectionError, ResponseDecodeError: As for `read`.

        Examples:
            >>> [image] = client.run("acme/painter", {"prompt": "a lighthouse", "width": 64})
            >>> size = sum(len(chunk) for chunk in image.iter_bytes())
        """
        return self._iter_chunks()

    def open(self) -> IO[bytes]:
        r"""Return a seekable file, open for reading; only the ranges that are read are fetched.

        Returns:
            A binary file that fetches 256 KiB at a time, or what a larger read asks for.

        Raises:
            APIStatusError, APIConnectionError, ResponseDecodeError: Its methods raise them, as `read` does.

        Examples:
            >>> [image] = client.run("acme/painter", {"prompt": "a lighthouse", "width": 64})
            >>> with image.open() as file:
            ...     print(file.read(4))
            b'\x89PNG'
        """
        return io.BufferedReader(cast("Any", RangedFile(self._session, str(self))), BUFFER_SIZE)

    def _repr_html_(self) -> str:
        return run_sync(self._show(may_download=True))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (FileOutput, str(self))


class AsyncFileOutput(_FileOutput["AsyncBackend"]):
    """A file that a model made, by its URL: a `FileOutput` of the async client.

    `read`, `save` and `to_pil` are awaited. So is `open`, which downloads the whole content. Chunks come from
    `aiter_bytes`. A notebook shows its content once `read` has downloaded it.

    Examples:
        >>> async def main() -> None:
        ...     async with replicate.AsyncReplicate() as client:
        ...         [image] = await client.run("acme/painter", {"prompt": "a lighthouse"})
        ...         print(await image.save("lighthouse.png"))
        >>> asyncio.run(main())
        lighthouse.png
    """

    _is_async = True

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """Yield the content in chunks as it arrives; an interrupted download is resumed.

        Yields:
            Bytes, in chunks of any size.

        Raises:
            APIStatusError, APIConnectionError, ResponseDecodeError: As for `read`.
        """
        return self._iter_chunks()

    async def open(self) -> IO[bytes]:
        """Download to a temporary file, in memory while it is small, and return it open for reading.

        Returns:
            A binary file, in memory up to 256 KiB, which you close.

        Raises:
            APIStatusError, APIConnectionError, ResponseDecodeError: As for `read`.
            OSError: The disk is full.
        """
        file = tempfile.SpooledTemporaryFile(max_size=BUFFER_SIZE)  # noqa: SIM115  # the caller closes it
        try:
            async for chunk in self.aiter_bytes():
                await self._session.backend.to_thread(file.write, chunk)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return cast("IO[bytes]", file)

    def _repr_html_(self) -> str:
        return run_sync(self._show(may_download=False))  # it does not suspend

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (AsyncFileOutput, str(self))


def _restore(cls: Any, url: str) -> Any:
    """Return the file of a pickle or of pydantic: it gets connections of its own, without the client's token."""
    if cls is FileOutput:
        file = cls(url, Session(SyncBackend(Config)))
    else:
        from .._backends.asyncio import AsyncBackend

        file = cls(url, Session(AsyncBackend(Config)))
    file._created_at = None  # unknown
    return file


def is_file_url(text: str) -> bool:
    """Whether a string is, in its entirety, an http(s) URL or a data URI."""
    return _URL.fullmatch(text) is not None and (data_uri.is_data_uri(text) or _has_valid_host(text))


def _has_valid_host(url: str) -> bool:
    try:
        urlsplit(str(url))  # it caches its arguments, and a `FileOutput` holds connections
    except ValueError:  # "http://[::1": it is a text, such as a language model writes
        return False
    return True


_URL = re.compile(r"https?://[^\s/]+\S*|data:[\w.+-]+/[\w.+-]+[^\s,]*,\S*", re.IGNORECASE)
