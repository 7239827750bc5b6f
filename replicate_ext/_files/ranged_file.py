"""A file on a host as a file object, of which only what is read is fetched."""

from __future__ import annotations

import io

from .._backends.sync import SyncBackend, run_sync
from .._send import Session
from .download import Download


class RangedFile(io.RawIOBase):
    """A seekable file on a host; wrap it in an `io.BufferedReader`."""

    def __init__(self, session: Session[SyncBackend], url: str) -> None:
        self._download = Download(session, url)
        self._position = 0
        self.name = url

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence)
        self._position = max(0, offset + (run_sync(self._download.size()) if base is None else base))
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        content = self._read(self._position + len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def readall(self) -> bytes:
        """Fetch the rest in one request, instead of one for each buffer."""
        return self._read(None)

    def _read(self, stop: int | None) -> bytes:
        content = run_sync(self._download.read(self._position, stop))
        self._position += len(content)
        return content
