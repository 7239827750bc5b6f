"""Saving to disk: constant memory, and a file appears under its name only when it is complete."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import unquote, urlsplit

from . import data_uri, media_types
from .download import Download

if TYPE_CHECKING:
    from .._backends.base import Backend, BackgroundTask
    from .._send import Session
    from .._transfers import Transfers

T = TypeVar("T")

WRITE_BUFFER_SIZE = 1024 * 1024
"""Bytes that the async client buffers before each write: writes run in a thread, and the hop costs more than the write.
"""


async def save(session: Session[Any], url: str, file: AtomicFile, transfers: Transfers) -> Path:
    """Download a URL to a file, report its bytes, and return its path."""
    try:
        await session.backend.to_thread(file.open)
        await download_to(session, url, file, transfers)
        path: Path = await session.backend.to_thread(file.commit)
        return path
    finally:
        file.discard()


async def download_to(session: Session[Any], url: str, file: AtomicFile, transfers: Transfers) -> None:
    """Download a URL to a file that is to be committed, and report its bytes."""
    download = Download(session, url)
    await download.open()
    file.add_suffix(download.content_type)
    async with aclosing(transfers.count_chunks(download.chunks(), download.known_size)) as chunks:
        await _write_chunks(session.backend, file, chunks)


async def _write_chunks(backend: Backend, file: AtomicFile, chunks: AsyncIterator[bytes]) -> None:
    """Write chunks as they arrive; the async client writes one batch in a thread while the next one arrives.

    It leaves the last batch to the commit, which runs in a thread too.
    """
    if not backend.is_async:
        async for chunk in chunks:
            file.write([chunk])
        return
    batch, size = list[bytes](), 0
    write: BackgroundTask[None] | None = None
    try:
        async for chunk in chunks:
            batch.append(chunk)
            size += len(chunk)
            if size >= WRITE_BUFFER_SIZE:
                if write:
                    await write.result()
                write = backend.start_soon(backend.to_thread(file.write, batch))
                batch, size = [], 0
    except BaseException:
        if write:
            with suppress(Exception):  # the thread uses the file, which cannot be closed before
                await write.result()
        raise
    if write:
        await write.result()
    file.hold(batch)


class AtomicFile:
    """A file that is written under a temporary name, in the same folder, and then renamed.

    Args:
        folder: The folder, which is created if it does not exist.
        stem: Its name without the suffix.
        suffix: Its suffix, or an empty string for that of the content's media type; None adds none.
        may_replace: Replace an existing file; otherwise add a number to the name.
        is_durable: Flush the file to the disk before it gets its name, and then the name.
    """

    def __init__(
        self, folder: Path, stem: str, suffix: str | None, *, may_replace: bool = False, is_durable: bool = False
    ) -> None:
        self._folder, self._stem, self._suffix = folder, stem, suffix
        self._may_replace, self._is_durable = may_replace, is_durable
        self._temporary = folder / f".{stem}.{os.urandom(4).hex()}.part"
        self._file: BinaryIO | None = None
        self._held: list[bytes] = []
        self._is_discarded = False

    def open(self) -> None:
        if self._is_discarded:
            raise RuntimeError("the file was discarded before it was written")
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._file = self._temporary.open("xb")
        except OSError as error:
            error.filename = str(self._folder / f"{self._stem}{self._suffix or ''}")  # the caller knows no other
            raise

    def add_suffix(self, content_type: str | None) -> None:
        """Add the suffix for a media type to a name that has none."""
        if self._suffix == "":
            self._suffix = media_types.suffix(content_type)

    def hold(self, chunks: list[bytes]) -> None:
        """Keep the last chunks in memory until the file is committed."""
        self._held = chunks

    def write(self, chunks: list[bytes]) -> None:
        """Append chunks, to a file that is opened if it is not yet."""
        if self._file is None:
            self.open()
        elif self._file.closed and not self._is_discarded:
            self._file = self._temporary.open("ab")
        assert self._file is not None
        self._file.write(b"".join(chunks))

    def commit(self) -> Path:
        """Rename the file to its target, and return that."""
        [target] = commit_together([self])
        if isinstance(target, OSError):
            raise target
        return target

    @property
    def is_open(self) -> bool:
        """Whether it occupies a file descriptor, of which a process has few."""
        return self._file is not None and not self._file.closed

    def write_out(self) -> None:
        """Write what is in memory, and close the file until it is committed."""
        held, self._held = self._held, []
        if held or self._file is None:
            self.write(held)
        assert self._file is not None
        self._file.close()

    def _finish(self) -> Path:
        if self._is_durable:
            with self._temporary.open("r+b") as file:
                os.fsync(file.fileno())
        return self._rename()

    def _rename(self) -> Path:
        number, target = 1, self._folder / f"{self._stem}{self._suffix or ''}"
        if self._may_replace:
            os.replace(self._temporary, target)
            return target
        while not self._claim(target):
            number += 1
            target = self._folder / f"{self._stem}-{number}{self._suffix or ''}"
        return target

    def _claim(self, candidate: Path) -> bool:
        try:
            os.link(self._temporary, candidate)  # unlike a rename, this fails if the file exists
        except FileExistsError:
            return False
        except OSError:  # the file system has no hard links
            if candidate.exists():
                return False
            os.replace(self._temporary, candidate)
        return True

    def discard(self) -> None:
        """Remove the temporary file; from another thread, this ends the writing."""
        self._is_discarded = True
        if self._file is not None:
            self._file.close()
            self._temporary.unlink(missing_ok=True)


def commit_together(files: Sequence[AtomicFile]) -> list[Path | OSError]:
    """Rename files to their targets; return each of these, or the error.

    All are written before the first one is flushed, so that one write to the journal of the file system has them all.
    """
    failures = [_attempt(file.write_out) for file in files]
    results = [
        failure if isinstance(failure, OSError) else _attempt(file._finish)
        for file, failure in zip(files, failures, strict=True)
    ]
    for folder in {file._folder for file in files if file._is_durable}:
        _flush_folder(folder)
    return results


def _attempt(function: Callable[[], T]) -> T | OSError:
    try:
        return function()
    except OSError as error:
        return error


def _flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system can."""
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def file_name(url: str) -> str:
    """Return a file name for the content of a URL: the last part of its path, with portable characters only."""
    if data_uri.is_data_uri(url):
        return f"output{media_types.suffix(data_uri.media_type(url))}"
    return portable_name(unquote(urlsplit(url).path).rpartition("/")[2])


def file_in_folder(folder: Path, url: str) -> AtomicFile:
    """Return the file for the content of a URL in a folder."""
    name = PurePath(file_name(url))
    return AtomicFile(folder, name.stem, name.suffix)


def portable_name(name: str) -> str:
    """Return a name with the characters that every file system accepts."""
    return re.sub(r"[^\w.-]", "_", name).lstrip(".") or "output"
