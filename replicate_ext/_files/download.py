"""The content of a URL, whole or in part: an interrupted download is resumed where it stopped, or raises.

It is resumed only if the content is surely the same: the host confirms it (`If-Range`, RFC 9110, section 13.1.5), or
the size has not changed.
"""

from __future__ import annotations

import io
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from .. import errors
from .._backends.sync import SyncBackend, run_sync
from .._send import Session
from . import data_uri

if TYPE_CHECKING:
    import httpx

MAX_RESUMES = 5
"""Interruptions in a row, without any progress in between, after which a download fails."""

RESUME_DELAY = 0.5
"""Seconds before an interrupted download is resumed."""

EXPIRY_ADVICE = (
    "Replicate deletes the files of an API prediction one hour after its end; save them in time, or run the model again"
)
"""docs/api-facts.md, section 8."""


class Download:
    """One pass over the content of an http(s) URL or a data URI."""

    def __init__(self, session: Session[Any], url: str) -> None:
        self._session, self._url = session, url
        self._response: httpx.Response | None = None
        self._position = 0
        self._validator: str | None = None
        self._size: int | None = None
        self.content_type: str | None = None
        """Known once the download is open."""

    async def open(self) -> None:
        """Request the content.

        Raises:
            APIStatusError: The host responded with an error status, such as 404 after the file expired.
            APIConnectionError: No connection could be established.
        """
        if data_uri.is_data_uri(self._url):
            self.content_type = data_uri.media_type(self._url)
            return
        self._response = response = await _fetch(self._session, self._url, {})
        self.content_type = _content_type(response)
        etag = response.headers.get("etag")
        is_strong = etag and not etag.startswith("W/")  # a weak one is no use for ranges (RFC 9110, section 13.1.5)
        self._validator = etag if is_strong else response.headers.get("last-modified")
        length = response.headers.get("content-length", "")
        self._size = int(length) if length.isdigit() and "content-encoding" not in response.headers else None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the content as it arrives.

        Raises:
            APIConnectionError: The download was interrupted and could not be resumed.
        """
        if self._response is None:
            yield data_uri.decode(self._url)
            return
        resumes_left, response = MAX_RESUMES, self._response
        while True:
            start = self._position
            try:
                async with aclosing(self._session.backend.aiter_bytes(response)) as chunks:
                    async for chunk in chunks:
                        self._position += len(chunk)
                        yield chunk
            except errors.APIConnectionError as interruption:
                resumes_left = MAX_RESUMES if self._position > start else resumes_left - 1
                if not resumes_left:
                    raise
                await self._session.backend.sleep(RESUME_DELAY)
                response = await self._resume(interruption)
            else:
                return

    async def _resume(self, interruption: errors.APIConnectionError) -> httpx.Response:
        """Request the rest of the content; raise the interruption if it may be the rest of another content."""
        if not self._position:
            return await _fetch(self._session, self._url, {})
        condition = {"If-Range": self._validator} if self._validator else {}
        response = await _fetch(self._session, self._url, {"Range": f"bytes={self._position}-", **condition})
        start, total = _content_range(response)
        is_same = self._validator or (total and total == self._size)
        if response.status_code == 206 and start == self._position and is_same:
            return response
        await self._session.backend.aclose(response)
        raise interruption


async def fetch_range(session: Session[Any], url: str, start: int, stop: int) -> bytes:
    """Return the bytes of a URL from `start` up to and excluding `stop`; fewer, or none, where the content ends."""
    if start >= stop:
        return b""
    if data_uri.is_data_uri(url):
        return data_uri.decode(url)[start:stop]
    response = await _request_range(session, url, start, stop)
    if response is None:
        return b""
    skip = start if response.status_code == 200 else 0  # a host without range support sends everything
    content = bytearray()
    async with aclosing(session.backend.aiter_bytes(response)) as chunks:
        async for chunk in chunks:
            skipped = min(skip, len(chunk))
            skip -= skipped
            content += chunk[skipped:]
            if len(content) >= stop - start:
                break
    return bytes(content[: stop - start])


async def fetch_size(session: Session[Any], url: str) -> int:
    """Return the number of bytes of a URL's content."""
    if data_uri.is_data_uri(url):
        return len(data_uri.decode(url))
    response = await _request_range(session, url, 0, 1)
    if response is None:
        return 0
    _, total = _content_range(response)
    if total is None:
        total = 0
        async with aclosing(session.backend.aiter_bytes(response)) as chunks:
            async for chunk in chunks:
                total += len(chunk)
    else:
        await session.backend.aclose(response)
    return total


class RangedFile(io.RawIOBase):
    """A seekable file on a host, of which only what is read is fetched; wrap it in an `io.BufferedReader`."""

    def __init__(self, session: Session[SyncBackend], url: str) -> None:
        self._session, self._url = session, url
        self._position = 0
        self._size: int | None = None
        self.name = url

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence)
        self._position = max(0, offset + (self._end() if base is None else base))
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        content = run_sync(fetch_range(self._session, self._url, self._position, self._position + len(buffer)))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def _end(self) -> int:
        if self._size is None:
            self._size = run_sync(fetch_size(self._session, self._url))
        return self._size


async def _fetch(session: Session[Any], url: str, headers: dict[str, str]) -> httpx.Response:
    try:
        return await session.fetch(url, {"Accept-Encoding": "identity", **headers})
    except (errors.NotFoundError, errors.PermissionDeniedError) as error:
        error.add_advice(EXPIRY_ADVICE)
        raise


async def _request_range(session: Session[Any], url: str, start: int, stop: int) -> httpx.Response | None:
    """Request a range of a URL; None if the content ends before it (416, RFC 9110, section 15.5.17)."""
    try:
        return await _fetch(session, url, {"Range": f"bytes={start}-{stop - 1}"})
    except errors.APIStatusError as error:
        if error.status_code == 416:
            return None
        raise


def _content_range(response: httpx.Response) -> tuple[int | None, int | None]:
    """Return start and total size of a partial response (RFC 9110, section 14.4)."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("content-range", ""))
    if match is None:
        return None, None
    return int(match[1]), int(match[2]) if match[2] != "*" else None


def _content_type(response: httpx.Response) -> str | None:
    return response.headers.get("content-type", "").partition(";")[0].strip() or None
