"""Sends the files of inputs: a file that many rows share is uploaded once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._backends.asyncio import AsyncBackend
    from .._files.inputs import PreparedInput
    from .._files.local_file import LocalFile
    from .._send import Session

MAX_AGE = 12 * 3600.0
"""Seconds for which the URL of an upload is used; the platform keeps it for 24 hours
(docs/api-facts.md, section 10.2)."""

MAX_KNOWN = 10_000


class Uploads:
    """Sends the files of inputs, and remembers the URLs of those that are files on the disk."""

    def __init__(self, session: Session[AsyncBackend]) -> None:
        self._session = session
        self._urls: dict[object, tuple[str, float]] = {}

    async def send(self, prepared: PreparedInput) -> dict[str, Any]:
        """Send the files of an input, and return it as JSON values. Raises as `PreparedInput.send` does."""
        now = self._session.backend.monotonic()
        identities = {id(file): _identity(file) for file in prepared.files}
        for file in prepared.files:
            url, sent_at = self._urls.get(identities[id(file)], ("", 0.0))
            if url and now - sent_at < MAX_AGE:
                file.uri = url
        values = await prepared.send(self._session)
        for file in prepared.files:
            if file.uri.startswith("http") and (identity := identities[id(file)]) is not None:
                while len(self._urls) >= MAX_KNOWN:
                    del self._urls[next(iter(self._urls))]
                self._urls.setdefault(identity, (file.uri, now))
        return values


def _identity(file: LocalFile) -> object:
    """Return what stays the same as long as a file on the disk does; None for other sources."""
    if not isinstance(file.source, os.PathLike):
        return None
    path = Path(file.source)
    try:
        status = path.stat()
    except OSError:  # reported when it is read
        return None
    return os.path.realpath(path), status.st_size, status.st_mtime_ns, file.given_name, file.given_type, file.inline
