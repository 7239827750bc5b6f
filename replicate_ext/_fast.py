"""aiohttp as the transport of those who await, where the extra `fast` is installed: half the time each.

There is an adapter in the registries, httpx-aiohttp; this is one of our own for three reasons. That one names every
broken connection a `ConnectTimeout`, and a create is repeated when no connection came about: one that was cut after it
had been sent would be paid for twice. It lets aiohttp rewrite addresses, and signed ones then no longer fit. And it
takes no header line of more than 8 kB.
"""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import aiohttp
import httpx
from yarl import URL

if TYPE_CHECKING:
    import ssl

LONGEST_LINE = 100_000
"""Bytes of one header line of an answer; h11, which reads them otherwise, takes as many for all of them."""

PART = 64 * 1024
"""Bytes of a body that are handed over at once, and that fit into what aiohttp and the system keep on the way."""


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
        patience = request.extensions["timeout"]
        url, headers = request.url, request.headers
        if url.userinfo:  # httpx's own transport does not look at it
            url = url.copy_with(userinfo=b"")
        if self._proxy_headers and url.scheme == "http":  # no tunnel: the proxy reads the request itself
            headers = httpx.Headers({**headers, **self._proxy_headers})
        try:
            async with asyncio.timeout(None) as writing:
                with _named:
                    answer = await self._session.request(
                        request.method,
                        URL(str(url), encoded=True),
                        headers=[pair for pair in headers.items() if pair[0] != "transfer-encoding"],
                        data=_body(request, writing, patience["write"]),
                        allow_redirects=False,
                        proxy=self._proxy,
                        proxy_headers=self._proxy_headers,
                        timeout=_timeouts(**patience),
                    )
        except TimeoutError:
            raise httpx.WriteTimeout("") from None
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


def _body(request: httpx.Request, writing: asyncio.Timeout, limit: float | None) -> bytes | AsyncIterator[bytes] | None:
    """Return the body of a request; one of more than a part fails where the network does not take a part in time."""
    is_there = isinstance(request.stream, httpx.ByteStream)
    if is_there and len(request.content) <= PART:
        return request.content or None
    return _parts(request, writing, limit)


async def _parts(request: httpx.Request, writing: asyncio.Timeout, limit: float | None) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    async for chunk in cast("httpx.AsyncByteStream", request.stream):
        for start in range(0, len(chunk), PART):
            with contextlib.suppress(RuntimeError):  # the answer came first, and its limit holds
                writing.reschedule(None if limit is None else loop.time() + limit)
            yield chunk[start : start + PART]
    with contextlib.suppress(RuntimeError):
        writing.reschedule(None)


class _Body(httpx.AsyncByteStream):
    """What is still to come of an answer."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self._lost: asyncio.Future[None] | None = None
        if answer.connection and "Content-Length" not in answer.headers and "Transfer-Encoding" not in answer.headers:
            # Its end is that of the connection, and aiohttp takes a connection that broke for one that ended.
            protocol = answer.connection.protocol
            self._lost = None if protocol is None else protocol.closed
            if self._lost is not None:
                self._lost.add_done_callback(lambda lost: lost.cancelled() or lost.exception())  # looked at

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _named:
            async for chunk in self._answer.content.iter_any():
                yield chunk
            if self._lost is not None and self._lost.done():
                self._lost.result()

    async def aclose(self) -> None:
        with _named:
            self._answer.release()
            await self._answer.wait_for_close()


@lru_cache(64)
def _timeouts(
    connect: float | None, read: float | None, write: float | None, pool: float | None
) -> aiohttp.ClientTimeout:
    """Return httpx's timeouts as aiohttp's: that for writing is in `_parts`, and the pool is in front of it."""
    return aiohttp.ClientTimeout(connect=connect, sock_connect=connect, sock_read=read)


class _Named:
    """Raises every failure in its block under the name that httpx's own transport would have given it."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, broken: BaseException | None, __: object) -> None:
        if isinstance(broken, aiohttp.ClientError):
            name = next((name for error, name in _NAMES if isinstance(broken, error)), httpx.RemoteProtocolError)
            raise name(_told(broken)) from None


def _told(broken: aiohttp.ClientError) -> str:
    """Return what may be shown of a failure; the texts of the others hold whole addresses, with keys and passwords."""
    if isinstance(broken, aiohttp.ClientHttpProxyError):
        return f"{broken.status} {broken.message}"
    if isinstance(broken, aiohttp.ClientConnectorError | aiohttp.ClientPayloadError):
        return str(broken)
    return "" if isinstance(broken, aiohttp.ServerTimeoutError) else type(broken).__name__


_named = _Named()

_NAMES: list[tuple[type[Exception] | tuple[type[Exception], ...], type[httpx.TransportError]]] = [
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    ((aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError), httpx.UnsupportedProtocol),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientConnectionError, httpx.ReadError),
]
"""The first that fits names a failure. None but the first four and the sixth may be one where nothing was sent."""
