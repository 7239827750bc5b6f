"""Saving to disk: constant memory, and a file appears under its name only when it is complete."""

from __future__ import annotations

import mimetypes
import os
import re
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

from . import data_uri
from .download import Download

if TYPE_CHECKING:
    from .._backends.base import Backend, BackgroundTask
    from .._send import Session

WRITE_BUFFER_SIZE = 1024 * 1024
"""Bytes that the async client buffers before each write: writes run in a thread, and the hop costs more than the write.
"""


async def save(session: Session[Any], url: str, target: Path, is_folder: bool) -> Path:
    """Download a URL to a file and return its path.

    If `target` is a folder, the file is named after the URL, with an extension for its media type if it has none, and
    with a number if another file has that name. A target that is a file is replaced.
    """
    download = Download(session, url)
    file = _AtomicFile(target / file_name(url) if is_folder else target)
    try:
        await session.backend.to_thread(file.open)
        await download.open()
        if is_folder and not file.target.suffix:
            file.target = file.target.with_suffix(mimetypes.guess_extension(download.content_type or "") or "")
        async with aclosing(download.chunks()) as chunks:
            await _write_chunks(session.backend, file, chunks)
        path: Path = await session.backend.to_thread(file.commit, not is_folder)
        return path
    finally:
        file.discard()


async def _write_chunks(backend: Backend, file: _AtomicFile, chunks: AsyncIterator[bytes]) -> None:
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


class _AtomicFile:
    """A file that is written under a temporary name, in the same folder, and then renamed."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._temporary = target.with_name(f".{target.name}.{os.urandom(4).hex()}.part")
        self._file: BinaryIO | None = None

    def open(self) -> None:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._temporary.open("xb")

    def write(self, chunks: list[bytes]) -> None:
        assert self._file is not None
        self._file.write(b"".join(chunks))

    def commit(self, may_replace: bool) -> Path:
        """Rename the file to its target; if the target exists and may not be replaced, add a number to the name."""
        assert self._file is not None
        self._file.close()
        if may_replace:
            os.replace(self._temporary, self.target)
            return self.target
        number, candidate = 1, self.target
        while not self._claim(candidate):
            number += 1
            candidate = self.target.with_stem(f"{self.target.stem}-{number}")
        return candidate

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
        """Remove the temporary file."""
        if self._file is not None:
            self._file.close()
            self._temporary.unlink(missing_ok=True)


def file_name(url: str) -> str:
    """Return a file name for the content of a URL: the last part of its path, with portable characters only."""
    if data_uri.is_data_uri(url):
        return f"output{mimetypes.guess_extension(data_uri.media_type(url) or '') or ''}"
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    return re.sub(r"[^\w.-]", "_", last).lstrip(".") or "output"
