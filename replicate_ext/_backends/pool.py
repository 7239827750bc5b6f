"""The connection pool of the async backend.

In httpx's own pool every request checks every connection: with a hundred of them that takes longer than the request
itself. Here each connection is a transport of its own, idle ones are reused last in, first out, and a semaphore limits
how many exist. Only transports made for concurrent use, aiohttp's and the caller's, are shared by all requests.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import httpx

from .base import aread_body, suppress_httpcore_log
from .network import UNASKED, is_unasked, watch_connections

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from .._config import Config
    from .._sansio.in_flight import SentRecord

Origin = tuple[str, bytes]
"""Scheme and host with port."""

MAX_CONNECTIONS = 1000
"""Connections of one async client in one event loop, or half of the process's open-file limit if that is lower.
Further requests wait for a free one, first come, first served."""

KEEPALIVE_EXPIRY = 5.0
"""Seconds for which an idle connection is kept."""


def max_connections() -> int:
    """Return how many connections one client may have in one event loop."""
    open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource else MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, open_files // 2) if open_files > 1 else MAX_CONNECTIONS


class ConnectionPool:
    """The connections of one client in one event loop."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._slots = asyncio.Semaphore(max_connections())
        self._shared: dict[Origin, httpx.AsyncBaseTransport] = {}
        self._idle: dict[Origin, deque[tuple[float, httpx.AsyncBaseTransport]]] = {}
        self._transports: set[httpx.AsyncBaseTransport] = set()
        self.is_closed = False

    async def send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        """Send a request once; the body is read, unless it is to be streamed or that of an error response."""
        sent: SentRecord | None = request.extensions.get("sent")
        await self._acquire_slot(request.extensions["timeout"]["pool"])
        origin = request.url.scheme, request.url.netloc
        transport = None
        try:
            if self.is_closed:  # while this request waited
                raise httpx.ConnectError("the client was closed")
            transport = self._shared.get(origin) or await self._acquire(origin, request.url)
            if sent and transport is self._config.transport:
                sent.mark_sent()  # when exactly it is written is known only of our own transports
            elif sent:
                request.extensions["trace"] = functools.partial(_trace, sent)
            with suppress_httpcore_log():
                response = await transport.handle_async_request(request)
                response.request = request
                if is_unasked(response):
                    await response.aclose()
                    raise httpx.RemoteProtocolError(UNASKED)
                if response.is_success and not stream:
                    try:
                        await aread_body(response)
                    except BaseException:
                        await response.aclose()
                        raise
        except BaseException:
            await self._release(origin, transport, is_reusable=False)
            raise
        if response.is_closed:
            await self._release(origin, transport)
        else:
            response.stream = _PooledBody(response.stream, functools.partial(self._release, origin, transport))
        return response

    async def _acquire_slot(self, timeout: float | None) -> None:
        """Wait until one more connection is allowed, at most `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("no connection became free") from None

    async def _acquire(self, origin: Origin, url: httpx.URL) -> httpx.AsyncBaseTransport:
        """Return the connection that was used last, or a new one; close one that was idle for too long."""
        idle = self._idle.setdefault(origin, deque())
        if len(idle) > 1 and idle[0][0] < time.monotonic() - KEEPALIVE_EXPIRY:
            _, expired = idle.popleft()
            self._transports.discard(expired)
            await expired.aclose()
        if idle:
            return idle.pop()[1]
        shared = self._config.transport or aiohttp_transport(self._config, url)
        if shared:
            self._shared[origin] = shared
        transport: httpx.AsyncBaseTransport = shared or _single_connection(self._config, url)
        self._transports.add(transport)
        return transport

    async def _release(
        self, origin: Origin, transport: httpx.AsyncBaseTransport | None, *, is_reusable: bool = True
    ) -> None:
        """Give the slot back; discard a connection whose request failed, since httpcore may consider it in use."""
        self._slots.release()
        if transport is None or origin in self._shared:
            return
        if is_reusable and not self.is_closed:
            self._idle[origin].append((time.monotonic(), transport))
            return
        self._transports.discard(transport)
        await transport.aclose()

    async def aclose(self) -> None:
        """Close all connections, including those in use."""
        self.is_closed = True
        while self._transports:
            await self._transports.pop().aclose()


async def _trace(sent: SentRecord, event: str, info: object) -> None:
    """Let a request count as sent when it is written to a connection."""
    if event.endswith("send_request_headers.started"):
        sent.mark_sent()


def _single_connection(config: Config, url: httpx.URL) -> httpx.AsyncBaseTransport:
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_EXPIRY)
    return watch_connections(httpx.AsyncHTTPTransport(**config.transport_options(url), limits=limits))


def aiohttp_transport(config: Config, url: httpx.URL) -> httpx.AsyncBaseTransport | None:
    """Return aiohttp's transport, or None for httpx's: chosen by the caller, without the extra `fast`, for SOCKS."""
    proxy = config.proxy(url)
    if config.http_backend == "httpx" or (proxy and not proxy.startswith("http")):
        return None
    try:
        from .aiohttp import AiohttpTransport
    except ImportError:
        return None
    verified_url = httpx.URL(proxy) if proxy and url.scheme == "http" else url  # the host that shows a certificate
    return AiohttpTransport(config.verify(verified_url), proxy, KEEPALIVE_EXPIRY)


class _PooledBody(httpx.AsyncByteStream):
    """The body of a streamed response, which keeps its connection until it is closed."""

    def __init__(self, body: Any, release: Callable[..., Coroutine[Any, Any, None]]) -> None:
        self._body, self._release = body, release
        self._is_closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._body)

    async def aclose(self) -> None:
        if self._is_closed:
            return
        self._is_closed, is_reusable = True, False
        try:
            await self._body.aclose()
            is_reusable = True
        finally:
            await self._release(is_reusable=is_reusable)
