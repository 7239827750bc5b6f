"""Saving to disk: constant memory, and a file appears under its name only when it is complete."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

from . import data_uri, media_types
from .download import Download

if TYPE_CHECKING:
    from .._backends.base import Backend, BackgroundTask
    from .._send import Session
    from .._transfers import Transfers

WRITE_BUFFER_SIZE = 1024 * 1024
"""Bytes that the async client buffers before each write: writes run in a thread, and the hop costs more than the write.
"""


async def save(session: Session[Any], url: str, file: AtomicFile, transfers: Transfers) -> Path:
    """Download a URL to a file, report its bytes, and return its path."""
    download = Download(session, url)
    try:
        await session.backend.to_thread(file.open)
        await download.open()
        file.add_suffix(download.content_type)
        async with aclosing(transfers.count_chunks(download.chunks(), download.known_size)) as chunks:
            await _write_chunks(session.backend, file, chunks)
        path: Path = await session.backend.to_thread(file.commit)
        return path
    finally:
        file.discard()


async def _write_chunks(backend: Backend, file: AtomicFile, chunks: AsyncIterator[bytes]) -> None:
    """Write chunks as they arrive; the async client writes one batch in a thread while the next one arrives."""
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
    await backend.to_thread(file.write, batch)


class AtomicFile:
    """A file that is written under a temporary name, in the same folder, and then renamed.

    Args:
        folder: The folder, which is created if it does not exist.
        stem: Its name without the suffix.
        suffix: Its suffix, or an empty string for that of the content's media type; None adds none.
        may_replace: Replace an existing file; otherwise add a number to the name.
    """

    def __init__(self, folder: Path, stem: str, suffix: str | None, *, may_replace: bool = False) -> None:
        self._folder, self._stem, self._suffix, self._may_replace = folder, stem, suffix, may_replace
        self._temporary = folder / f".{stem}.{os.urandom(4).hex()}.part"
        self._file: BinaryIO | None = None
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

    def write(self, chunks: list[bytes]) -> None:
        assert self._file is not None
        self._file.write(b"".join(chunks))

    def commit(self) -> Path:
        """Rename the file to its target, and return that."""
        assert self._file is not None
        self._file.close()
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
