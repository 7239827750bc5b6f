"""The progress of downloads and uploads in bytes: a callback, or the bar of `progress=True`."""

from __future__ import annotations

import inspect
import io
import os
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Self, cast

from replicate_api.types import Upload

if TYPE_CHECKING:
    from replicate_api.types import Request

TransferCallback = Callable[[int, int | None], object]
"""A function that is called with the bytes that were transferred, and those of all files once these are known."""


class Transfers:
    """The bytes of some files that are transferred together, perhaps by several threads; a block ends the bar.

    Raises:
        TypeError: `progress` is neither a bool nor a function that can be called from any thread.
    """

    def __init__(self, progress: bool | TransferCallback | None, count: int = 1, title: str = "") -> None:
        if not isinstance(progress, bool | None) and (not callable(progress) or inspect.iscoroutinefunction(progress)):
            raise TypeError(f"progress must be a function that takes two numbers of bytes, not {progress!r:.100}")
        self._bar = _ByteBar(title) if progress is True else None
        self._callback: TransferCallback | None = None if isinstance(progress, bool) else progress
        self._callback = self._bar or self._callback
        self._lock = Lock()
        self._done, self._unopened, self._total = 0, count, 0
        self._is_total_known = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, cls: object, error: BaseException | None, traceback: object) -> None:
        if self._bar is not None:
            self._bar.close()
        if isinstance(error, _CallbackError):
            context = error.original.__context__
            try:
                raise error.original
            finally:
                error.original.__context__ = context

    async def count_chunks(self, chunks: AsyncGenerator[bytes, None], size: int | None) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of a download, and report them."""
        self.report(0, size)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk
                self.report(len(chunk))

    def count_reads(self, payload: IO[bytes] | bytes) -> IO[bytes] | bytes:
        """Return a payload that reports how much of it was sent, if anything is to be reported."""
        if self._callback is None:
            return payload
        file = io.BytesIO(payload) if isinstance(payload, bytes) else payload
        return cast("IO[bytes]", _CountedFile(file, self))

    def report(self, count: int, *sizes: int | None) -> None:
        """Report bytes, negative for a retry, and the sizes of files whose transfer begins."""
        with self._lock:  # so that the callback need not be thread-safe
            self._done += count
            for size in sizes:
                self._unopened -= 1
                self._total += size or 0
                self._is_total_known = self._is_total_known and size is not None
            if self._callback is not None:
                self._callback(self._done, self._total if self._is_total_known and not self._unopened else None)


@contextmanager
def count_uploads(request: Request) -> Iterator[Request]:
    """Return a request that reports its `progress` while it is sent in the block."""
    form = request.form or {}
    uploads = {name: value for name, value in form.items() if isinstance(value, Upload)}
    with Transfers(request.progress, len(uploads), UPLOADING) as transfers:
        transfers.report(0, *[_size_of(upload.payload) for upload in uploads.values()])
        for name, upload in uploads.items():
            uploads[name] = Upload(transfers.count_reads(upload.payload), upload.file_name, upload.mime_type)
        yield request._replace(form=form | uploads, progress=None)


UPLOADING = "uploading"
"""The title of the bar of uploads."""


def _size_of(payload: IO[bytes] | bytes) -> int | None:
    """Return the size of a payload, or None for a file that is not seekable."""
    if isinstance(payload, bytes):
        return len(payload)
    if not payload.seekable():
        return None
    position = payload.tell()
    size = payload.seek(0, os.SEEK_END)
    payload.seek(position)
    return size


class _CallbackError(Exception):
    """Carries what a callback raised past the session, which takes some errors for those of the connection."""

    def __init__(self, original: Exception) -> None:
        super().__init__(original)
        self.original = original


class _CountedFile:
    """An open file that reports what was sent of it: all that comes before the chunk to be read next.

    httpx reads a chunk when the connection has accepted the previous one. It begins, and repeats, an upload by seeking
    to the start of the file: https://github.com/encode/httpx/blob/0.28.1/httpx/_multipart.py
    """

    def __init__(self, file: IO[bytes], transfers: Transfers) -> None:
        self._file, self._transfers = file, transfers
        self._read = self._reported = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        sent = self._file.tell() if self._file.seekable() else self._read
        if sent != self._reported:
            count, self._reported = sent - self._reported, sent
            try:
                self._transfers.report(count)
            except Exception as error:
                raise _CallbackError(error) from None
        chunk = self._file.read(size)
        self._read += len(chunk)
        return chunk


class _ByteBar:
    """Shows bytes on stderr: with tqdm, or in lines if it is not installed."""

    def __init__(self, title: str) -> None:
        self._title, self._shown = title, 0
        self._bar: Any = None
        try:
            from tqdm import tqdm
        except ImportError:
            self._tqdm: Any = None
        else:
            self._tqdm = tqdm

    def __call__(self, done: int, total: int | None) -> None:
        if self._bar is None and self._tqdm is not None:
            self._bar = self._tqdm(desc=self._title or None, total=total, unit="B", unit_scale=True)
        if self._bar is not None:
            self._bar.total = total
            self._bar.update(done - self._bar.n)
        elif total and 10 * done // total > self._shown:
            self._shown = 10 * done // total
            line = f"{self._title} {done:,} of {total:,} bytes ({done / total:.0%})".lstrip()
            print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
