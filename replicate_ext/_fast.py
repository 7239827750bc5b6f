"""aiohttp as the transport of those who await, where the extra `fast` is installed: a quarter of the time each.

There is an adapter in the registries, httpx-aiohttp; this is one of our own for three reasons. That one names every
broken connection a `ConnectTimeout`, and a create is repeated when no connection came about: one that was cut after it
had been sent would be paid for twice. It lets aiohttp rewrite addresses, and signed ones then no longer fit. And it
takes no header line of more than 8 kB.
"""

from __future__ import annotations

import contextlib
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import aiohttp
import httpx
from yarl import URL

if TYPE_CHECKING:
    import ssl

LONGEST_LINE = 100_000
"""Bytes of one header line of an answer; h11, which reads them otherwise, takes as many for all of them."""


class FastTransport(httpx.AsyncBaseTransport):
    """Connections of aiohttp behind the interface of httpx. How many there are is decided in front of it.

    Args:
        verify: True, False, or the `ssl.SSLContext` that checks certificates.
        proxy: The URL of an HTTP proxy, if there is one.
        kept: Seconds for which an idle connection is kept.
    """

    def __init__(self, verify: bool | ssl.SSLContext, proxy: str | None, kept: float) -> None:
        through = httpx.Proxy(proxy) if proxy else None
        self._proxy = str(through.url) if through else None
        self._proxy_headers: dict[str, str] = {}
        if through and through.raw_auth:
            secret = b64encode(b":".join(through.raw_auth)).decode()
            self._proxy_headers["Proxy-Authorization"] = f"Basic {secret}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=verify, limit=0, keepalive_timeout=kept),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the answer with its body still to come."""
        is_there = isinstance(request.stream, httpx.ByteStream)
        headers: Mapping[str, str] = request.headers
        if self._proxy_headers and request.url.scheme == "http":  # no tunnel: the proxy reads the request itself
            headers = {**headers, **self._proxy_headers}
        with _named:
            answer = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=headers,
                data=(request.content or None) if is_there else request.stream,
                allow_redirects=False,
                proxy=self._proxy,
                proxy_headers=self._proxy_headers,
                timeout=_timeouts(**request.extensions["timeout"]),
            )
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer))

    async def aclose(self) -> None:
        """Close the connections, those in use too."""
        await self._session.close()

    def __del__(self) -> None:
        """Let the connections of a client that nobody closed go without a word, as httpx does."""
        connector = self._session.connector
        if connector is not None:
            self._session.detach()
            with contextlib.suppress(Exception):
                next(connector.close().__await__(), None)  # its first step closes; the others would only wait for that


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _named:
            async for chunk in self._answer.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        with _named:
            self._answer.release()
            await self._answer.wait_for_close()


@lru_cache(64)
def _timeouts(
    connect: float | None, read: float | None, write: float | None, pool: float | None
) -> aiohttp.ClientTimeout:
    """Return httpx's four timeouts as aiohttp's; it has none for writing."""
    return aiohttp.ClientTimeout(sock_connect=connect, sock_read=read, connect=pool)


class _Named:
    """Raises every failure in its block under the name that httpx's own transport would have given it."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, broken: BaseException | None, __: object) -> None:
        if isinstance(broken, aiohttp.ClientError):
            name = next((name for error, name in _NAMES if isinstance(broken, error)), httpx.RemoteProtocolError)
            raise name(str(broken)) from broken


_named = _Named()

_NAMES: list[tuple[type[Exception], type[httpx.TransportError]]] = [
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientConnectionError, httpx.ReadError),
]
"""The first that fits names a failure. None but the first four may be one where nothing can have been sent."""
