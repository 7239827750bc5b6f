"""One file of an input: read, encoded or copied in `load`, and then sent as a data URI or an upload."""

from __future__ import annotations

import os
import tempfile
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from replicate_api import operations as op
from replicate_api.types import Upload

from .. import errors
from . import media_types
from .file_input import DEFAULT_NAME, FileInput, is_stream, source_name
from .images import is_image, write_image

if TYPE_CHECKING:
    from .._send import Session
    from .._transfers import Transfers

MAX_INLINE_SIZE = 256 * 1024
"""Bytes up to which a file goes inline, as a data URI, and is not stored anywhere (docs/api-facts.md, section 10.3)."""

MAX_INLINE_TOTAL = 4 * 1024 * 1024
"""Bytes of all data URIs in one request. The API refuses bodies of tens of MB (docs/api-facts.md, section 5), and
gateways smaller ones."""

MAX_UPLOAD_SIZE = 100 * 1000 * 1000
"""Bytes that Replicate accepts for one file: https://replicate.com/docs/topics/predictions/input-files"""

CHUNK_SIZE = 64 * 1024

STREAM_CHECK_INTERVAL = 0.1
"""Seconds between two checks whether the caller's deadline has passed while a pipe is read."""


class LocalFile:
    """A file found in an input, under its `path` there: "input.images[0]"."""

    def __init__(self, file_input: FileInput, path: str) -> None:
        self.path = path
        self.inline = file_input.inline
        self.occurrences = 1
        """How often the input contains the file."""
        self.uri = ""
        self.size = 0
        self.source: Any = file_input.source
        """What the caller gave."""

        self.given_name, self.given_type = file_input.name, file_input.media_type
        """The options of the caller, if any."""

        self.name, self.media_type = DEFAULT_NAME, "application/octet-stream"
        """Those with which it is sent, once it was loaded."""

        self._payload: Path | IO[bytes] | bytes = b""

    async def load(self, session: Session[Any], temporary_files: ExitStack) -> None:
        """Read a small file, measure a large one, encode an image, copy what can be read only once.

        Raises:
            TypeError, ValueError, OSError: The file cannot be read or is too large; the message begins with its path.
        """
        source, copy = self.source, None
        is_handle = hasattr(source, "read") and not isinstance(source, os.PathLike)
        if is_image(source) or (is_handle and is_stream(source)):
            spool = tempfile.SpooledTemporaryFile(max_size=MAX_INLINE_SIZE)  # noqa: SIM115  # closed by the caller
            copy = cast("IO[bytes]", temporary_files.enter_context(spool))
        if copy is not None and is_handle:
            await self._copy_stream(session, source, copy)
        await session.backend.to_thread(self._load, copy)
        if self.size > MAX_UPLOAD_SIZE:
            more = " or more" if copy is not None and is_handle else ""
            raise ValueError(
                f"{self.path} has {self.size:,} bytes{more}; Replicate accepts files of up to {MAX_UPLOAD_SIZE:,}"
            )

    def _load(self, copy: IO[bytes] | None) -> None:
        source = self.source
        with _name_errors(self.path):
            if copy is not None:
                self._measure(copy, write_image(source, copy) if is_image(source) else source_name(source))
            elif isinstance(source, bytes | bytearray | memoryview):
                self._payload = bytes(source)
                self.size = len(self._payload)
                self._describe(self._payload[: media_types.HEAD_SIZE], "")
            elif isinstance(source, os.PathLike):
                with Path(source).open("rb") as file:
                    self._measure(file, source_name(source))
                if self._payload is file:
                    self._payload = Path(source)
            else:
                self._measure(source, source_name(source))

    def _measure(self, file: IO[bytes], name: str) -> None:
        """Read the content of a small file; of others only the size and the first bytes."""
        self._payload, self.size = file, file.seek(0, os.SEEK_END)
        file.seek(0)
        limit = MAX_INLINE_TOTAL if self.inline else MAX_INLINE_SIZE
        content = b""
        while len(content) <= limit and (chunk := file.read(limit + 1 - len(content))):
            content += chunk
        if len(content) <= limit and self.size <= MAX_UPLOAD_SIZE:
            self._payload, self.size = content, len(content)
        self._describe(content[: media_types.HEAD_SIZE], name)

    def _describe(self, head: bytes, name: str) -> None:
        """Set name and media type; a name that says nothing about recognized bytes gets a suffix that does."""
        by_name = media_types.guess(self.given_name or name)
        media_type = self.given_type or by_name or media_types.sniff(head)
        self.media_type = media_type or "application/octet-stream"
        self.name = self.given_name or (name or DEFAULT_NAME) + ("" if by_name else media_types.suffix(media_type))

    async def _copy_stream(self, session: Session[Any], source: Any, copy: IO[bytes]) -> None:
        """Copy a stream in a thread that is abandoned at the deadline: nothing can interrupt a read of a pipe."""
        failure: list[BaseException] = []
        has_ended = threading.Event()

        def run() -> None:
            try:
                with _name_errors(self.path):
                    while copy.tell() <= MAX_UPLOAD_SIZE and (chunk := source.read(CHUNK_SIZE)):
                        copy.write(chunk)
            except BaseException as error:
                failure.append(error)
            has_ended.set()

        threading.Thread(target=run, daemon=True).start()
        while not await session.backend.to_thread(has_ended.wait, STREAM_CHECK_INTERVAL):
            if session.seconds_left() == 0:
                raise errors.WaitTimeoutError(f"{self.path} is a pipe that did not end before `timeout` expired")
        if failure:
            raise failure[0]

    @property
    def inline_size(self) -> int:
        """Bytes that the file takes in the request as a data URI, or 0 if it is to be uploaded."""
        is_small = isinstance(self._payload, bytes) and (self.inline or self.size <= MAX_INLINE_SIZE)
        if self.inline is False or not (is_small or self.inline):
            return 0
        return self.occurrences * (len(f"data:{self.media_type};base64,") + (self.size + 2) // 3 * 4)

    def encode(self) -> None:
        """Make the file a data URI."""
        self.uri = f"data:{self.media_type};base64,{b64encode(cast('bytes', self._payload)).decode()}"

    def read(self) -> bytes:
        """Return the content of the loaded file; ValueError if its size changed."""
        with self._open() as content:
            if isinstance(content, bytes):
                return content
            content.seek(0)
            return b"".join(iter(partial(content.read, CHUNK_SIZE), b""))

    async def upload(self, session: Session[Any], transfers: Transfers) -> None:
        """Upload the file, and report its bytes; ValueError if its size changes meanwhile."""
        with self._open() as content:
            upload = Upload(transfers.count_reads(content), self.name, self.media_type)
            file = await session.call(op.FILES_CREATE(content=upload))
        url = getattr(file.urls, "get", None)
        if not isinstance(url, str):
            raise errors.ResponseDecodeError(f"the response to the upload of {self.name} contains no URL")
        self.uri = url

    @contextmanager
    def _open(self) -> Iterator[bytes | IO[bytes]]:
        """Provide the content of the loaded file; one on disk is open meanwhile."""
        payload = self._payload
        with _name_errors(self.path):
            opened = payload.open("rb") if isinstance(payload, Path) else None
        with opened or nullcontext():
            content: Any = opened or payload
            if not isinstance(content, bytes):
                content = _UnchangedFile(content, self.size, self.path)
            yield content


class _UnchangedFile:
    """An open file that is uploaded with the size that was measured; it has no `fileno`, whose size may be another.

    httpx derives the Content-Length from `seek`; the size behind `fileno` is the compressed one for `gzip.open`.
    """

    def __init__(self, file: IO[bytes], size: int, path: str) -> None:
        self._file, self._size, self._path = file, size, path
        self._position = 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = self._size if whence == os.SEEK_END else offset
        if whence == os.SEEK_SET:
            self._file.seek(offset)
        return self._position

    def read(self, size: int) -> bytes:
        """Return the next bytes; ValueError if the file is longer or shorter than it was."""
        with _name_errors(self._path):
            chunk = self._file.read(size)
            self._position += len(chunk)
            if self._position > self._size or (self._position < self._size and not chunk):
                raise ValueError(f"its size changed from {self._size:,} bytes while it was uploaded")
        return chunk


@contextmanager
def _name_errors(path: str) -> Iterator[None]:
    """Let the errors of the block begin with the path of a file in the input."""
    try:
        yield
    except OSError as error:
        message = f"{path} cannot be sent: {error.strerror or error}"
        raise (OSError(message) if error.errno is None else OSError(error.errno, message)) from error
    except Exception as error:  # of a file of the caller's: a decompressor raises EOFError, say
        raise ValueError(f"{path} cannot be sent: {str(error) or type(error).__name__}") from error
