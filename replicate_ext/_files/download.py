"""The content of a URL, whole or in part: an interrupted download is resumed where it stopped, or raises.

`Representation` decides whether all responses are parts of the same content.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from .. import errors
from .._backends.tls import ConnectionEnd
from .._sansio.redact import strip_query
from .._send import Session
from . import data_uri
from .representation import Representation

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
    """The content of an http(s) URL or a data URI, requested once or in several parts."""

    def __init__(self, session: Session[Any], url: str) -> None:
        self._session, self._url = session, url
        self._label = f"GET {strip_query(url)}"
        self._opened: httpx.Response | None = None
        self._content = Representation()
        self.content_type: str | None = None
        """Known once the download is open."""

    async def open(self) -> None:
        """Request the whole content.

        Raises:
            APIStatusError: The host responded with an error status, such as 404 after the file expired.
            APIConnectionError: No connection could be established.
        """
        if data_uri.is_data_uri(self._url):
            self.content_type = data_uri.media_type(self._url)
            return
        self._opened = response = await self._request(0, None)
        if response is not None:
            self.content_type = response.headers.get("content-type", "").partition(";")[0].strip() or None

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the content as it arrives, from `start` up to and excluding `stop`; less where the content ends.

        Raises:
            APIConnectionError: The download was interrupted and could not be resumed, or the content changed.
        """
        if data_uri.is_data_uri(self._url):
            yield data_uri.decode(self._url)[start:stop]
            return
        position, fruitless = start, 0
        interruption: errors.APIConnectionError | None = None
        decompressor = None
        while self._opened or not self._content.is_complete(position):
            response, self._opened = self._opened, None
            response = response or await self._request(position, stop, position > start, interruption)
            if response is None:
                break
            if start == 0 and stop is None and response.headers.get("content-encoding") == "gzip":
                del response.headers["content-encoding"]  # ranges count compressed bytes
                decompressor = decompressor or zlib.decompressobj(zlib.MAX_WBITS | 16)
            is_decompressed = "content-encoding" in response.headers  # by httpx, and ranges are of no use
            if is_decompressed:
                self._content.end = None
            before, interruption = position, None
            try:
                async with aclosing(self._body(response, position)) as body:
                    async for chunk in body:
                        kept = chunk if stop is None else chunk[: stop - position]
                        position += len(kept)
                        yield self._decompress(decompressor, kept)
                        if position == stop:
                            return
            except errors.APIConnectionError as error:
                interruption = error
            if interruption is None and self._content.end is None and (is_decompressed or response.status_code == 200):
                break
            fruitless = 0 if position > before else fruitless + 1
            if fruitless == MAX_RESUMES or is_decompressed:
                raise interruption or self._interrupted(f"no bytes arrive after the first {position:,}")
            if interruption:
                await self._session.backend.sleep(RESUME_DELAY)
        if decompressor and not decompressor.eof:
            raise self._interrupted("the compressed content ends early")

    async def _body(self, response: httpx.Response, position: int) -> AsyncGenerator[bytes, None]:
        """Yield the body of a response from a position in the content on."""
        skip = position if response.status_code == 200 else 0  # the host has no range requests
        connection_end = ConnectionEnd(response)
        async with aclosing(self._session.backend.aiter_bytes(response)) as body:
            async for chunk in body:
                kept, skip = chunk[skip:], max(0, skip - len(chunk))
                position += len(kept)
                if self._content.end is not None and position > self._content.end:
                    raise errors.ResponseDecodeError(f"{self._label}: more bytes than the response has announced")
                yield kept
        if connection_end.is_premature:
            raise self._interrupted("the connection ended without a closure alert")

    async def read(self, start: int, stop: int | None) -> bytes:
        """Return the content from `start` up to and excluding `stop`; fewer bytes, or none, where it ends."""
        if stop is not None and start >= stop:
            return b""
        async with aclosing(self.chunks(start, stop)) as chunks:
            return b"".join([chunk async for chunk in chunks])

    @property
    def known_size(self) -> int | None:
        """The number of bytes of the content, as far as the host has declared it."""
        return len(data_uri.decode(self._url)) if data_uri.is_data_uri(self._url) else self._content.size

    async def size(self) -> int:
        """Return the number of bytes of the content."""
        if data_uri.is_data_uri(self._url):
            return len(data_uri.decode(self._url))
        if self._content.size is None:
            response = await self._request(0, 1)
            if response is not None:
                await self._session.backend.aclose(response)
        return len(await self.read(0, None)) if self._content.size is None else self._content.size

    async def _request(
        self,
        position: int,
        stop: int | None,
        is_resumed: bool = False,
        interruption: errors.APIConnectionError | None = None,
    ) -> httpx.Response | None:
        """Request the content from a position on; None if it ends there (416, RFC 9110, section 15.5.17)."""
        try:
            response = await self._session.fetch(self._url, self._content.request_headers(position, stop))
        except errors.APIStatusError as error:
            if error.status_code == 416 and self._content.ends_at(position, error.headers, is_resumed):
                return None
            if isinstance(error, errors.NotFoundError | errors.PermissionDeniedError):
                error.add_advice(EXPIRY_ADVICE)
            raise
        if not self._content.continues_with(response, position, is_resumed):
            await self._session.backend.aclose(response)
            raise self._interrupted("the content changed, or the host cannot send the rest") from interruption
        return response

    def _interrupted(self, reason: str) -> errors.APIConnectionError:
        return errors.APIConnectionError(f"{self._label} was interrupted: {reason}")

    def _decompress(self, decompressor: Any, chunk: bytes) -> bytes:
        try:
            return decompressor.decompress(chunk) if decompressor else chunk
        except zlib.error as error:
            raise errors.ResponseDecodeError(f"{self._label}: {error}") from error
