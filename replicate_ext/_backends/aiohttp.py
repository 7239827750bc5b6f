"""aiohttp as an httpx transport, used by the async client if the extra `fast` is installed: half the time per request.

The adapter on the package index, httpx-aiohttp, is unsuitable for three reasons. It maps every connection error to
`ConnectTimeout`, and a create is retried when no connection was established: one that failed after it was sent would be
billed twice. It lets aiohttp normalize URLs, which breaks signed ones. And it limits header lines to 8 kB.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from base64 import b64encode
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import httpx
from yarl import URL

if TYPE_CHECKING:
    import ssl

    from aiohttp.connector import Connection

MAX_HEADER_SIZE = 100_000
"""Bytes of one header line of a response; h11, which httpx uses, has the same limit for all of them."""

MAX_CHUNK_SIZE = 64 * 1024
"""Bytes of a request body that are written in one step; aiohttp and the system buffer that much."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends requests through aiohttp. The number of connections is limited by the pool in front of it.

    Args:
        verify: True, False, or the `ssl.SSLContext` that verifies certificates.
        proxy: The URL of an HTTP proxy, if any.
        keepalive_expiry: Seconds for which an idle connection is kept.
    """

    def __init__(self, verify: bool | ssl.SSLContext, proxy: str | None, keepalive_expiry: float) -> None:
        parsed = httpx.Proxy(proxy) if proxy else None
        self._proxy = str(parsed.url) if parsed else None
        self._proxy_headers: dict[str, str] = {}
        if parsed and parsed.raw_auth:
            credentials = b64encode(b":".join(parsed.raw_auth)).decode()
            self._proxy_headers["Proxy-Authorization"] = f"Basic {credentials}"
        self._session = aiohttp.ClientSession(
            connector=_Connector(ssl=verify, limit=0, keepalive_timeout=keepalive_expiry),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            max_line_size=MAX_HEADER_SIZE,
            max_field_size=MAX_HEADER_SIZE,
            max_headers=MAX_HEADER_SIZE,
        )
        # aiohttp repeats idempotent requests by itself, unseen by the retries and timeouts of the session.
        self._session._retry_connection = False
        # Unlike `__del__`, it runs before aiohttp's own finalizers, which warn, in whatever order these are collected.
        weakref.finalize(self, _discard, self._session)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the response with a body that is still to be read."""
        url, headers = request.url, request.headers
        if url.userinfo:  # httpx's own transport ignores it
            url = url.copy_with(userinfo=b"")
        if self._proxy_headers and url.scheme == "http":  # without a tunnel, the proxy reads the request itself
            headers = httpx.Headers({**headers, **self._proxy_headers})
        for _ in range(2):  # let the event loop process connections that the server has closed meanwhile
            await asyncio.sleep(0)
        if self._session.closed:  # meanwhile, too
            raise httpx.ConnectError("the client was closed")
        upload = None
        _trace.set(request.extensions.get("trace"))
        try:
            async with asyncio.timeout(None) as write_timeout:
                upload = _Upload(request, write_timeout)
                with _map_exceptions:
                    response = await self._session.request(
                        request.method,
                        URL(str(url), encoded=True),
                        headers=[pair for pair in headers.items() if pair[0] != "transfer-encoding"],
                        data=upload.content if upload.is_small else upload,
                        allow_redirects=False,
                        proxy=self._proxy,
                        proxy_headers=self._proxy_headers,
                        timeout=_to_aiohttp_timeout(**request.extensions["timeout"]),
                    )
        except TimeoutError:
            raise httpx.WriteTimeout("") from None
        except httpx.TransportError:
            if upload and upload.error:
                raise upload.error from None
            raise
        except ValueError as error:  # an invalid host, port or header
            raise httpx.LocalProtocolError(type(error).__name__) from None
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=_Body(response, self._session),
            extensions={"network_stream": _transport.get()},
        )

    async def aclose(self) -> None:
        """Close the connections, including those in use."""
        await self._session.close()


Trace = Callable[[str, dict[str, Any]], Awaitable[None]]

_trace: ContextVar[Trace | None] = ContextVar("_trace", default=None)
"""The extension `trace` of the request that this task sends (https://www.python-httpx.org/advanced/extensions/)."""


_transport: ContextVar[asyncio.BaseTransport | None] = ContextVar("_transport", default=None)
"""The connection of the request that this task sends; aiohttp's response forgets it when its body has arrived."""


class _Connector(aiohttp.TCPConnector):
    """Opens and keeps connections."""

    async def connect(self, *args: Any, **kwargs: Any) -> Connection:
        """Return a connection that a request is about to be written to.

        A kept one with a response that no request has asked for is closed: the next request would take it for its own.
        """
        while True:
            connection = await super().connect(*args, **kwargs)
            if connection.protocol is not None and not connection.protocol.should_close:
                break
            connection.close()
        _transport.set(connection.transport)
        if trace := _trace.get():
            await trace("http11.send_request_headers.started", {})
        return connection


def _discard(session: aiohttp.ClientSession) -> None:
    """Close the connections of a client that was never closed without a warning, as httpx does."""
    connector = session.connector
    if connector:
        session.detach()
        with contextlib.suppress(Exception):
            next(connector.close().__await__(), None)  # the first step closes; the others only wait for it


class _Upload(AsyncIterable[bytes]):
    """The body of a request in chunks; the request fails if the network does not accept one within the timeout."""

    def __init__(self, request: httpx.Request, write_timeout: asyncio.Timeout) -> None:
        self._request, self._write_timeout = request, write_timeout
        self.error: Exception | None = None
        """The error raised while the body was read, which aiohttp would replace by one of its own."""

    @property
    def is_small(self) -> bool:
        """Whether the body is in memory and goes in one chunk."""
        return isinstance(self._request.stream, httpx.ByteStream) and len(self._request.content) <= MAX_CHUNK_SIZE

    @property
    def content(self) -> bytes | None:
        """The whole body of a small request."""
        return self._request.content or None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        timeouts, length = self._request.extensions["timeout"], self._request.headers.get("content-length")
        write, read, remaining = timeouts["write"], timeouts["read"], None if length is None else int(length)
        try:
            async for chunk in cast("httpx.AsyncByteStream", self._request.stream):
                remaining = None if remaining is None else remaining - len(chunk)
                for start in range(0, len(chunk), MAX_CHUNK_SIZE):
                    self._reschedule(write)
                    yield chunk[start : start + MAX_CHUNK_SIZE]
            if remaining:
                raise httpx.LocalProtocolError("the length of the body changed after the request was built")
        except Exception as error:
            self.error = error
            raise
        # The buffered rest has to be written too; aiohttp's read timeout starts only then.
        self._reschedule(None if write is None or read is None else write + read)

    def _reschedule(self, seconds: float | None) -> None:
        with contextlib.suppress(RuntimeError):  # the response arrived first; it has a timeout of its own
            self._write_timeout.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)


class _Body(httpx.AsyncByteStream):
    """The body of a response, still to be read."""

    def __init__(self, response: aiohttp.ClientResponse, session: aiohttp.ClientSession) -> None:
        self._response, self._session = response, session
        self._ends_with_connection = (
            "Content-Length" not in response.headers and "Transfer-Encoding" not in response.headers
        )
        protocol = response.connection.protocol if response.connection else None
        self._connection_lost = None if protocol is None else protocol.closed
        if self._connection_lost is not None:
            self._connection_lost.add_done_callback(self._raise_in_reader)
            self._connection_lost.add_done_callback(_retrieve_exception)

    def _raise_in_reader(self, lost: asyncio.Future[None]) -> None:
        """Raise in the reader that the connection was lost: aiohttp takes it for the end of the body, or hides it."""
        content, has_failed = self._response.content, lost.cancelled() or lost.exception() or self._session.closed
        if content.exception() is None and (has_failed if self._ends_with_connection else not content.is_eof()):
            error = aiohttp.ClientConnectionError() if has_failed else aiohttp.ServerDisconnectedError()
            content.set_exception(error)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _map_exceptions:
            async for chunk in self._response.content.iter_any():
                yield chunk
            error = self._response.content.exception()
            if error is not None:
                raise error

    async def aclose(self) -> None:
        if self._connection_lost is not None:
            self._connection_lost.remove_done_callback(self._raise_in_reader)
        with _map_exceptions:
            self._response.release()
            await self._response.wait_for_close()


def _retrieve_exception(lost: asyncio.Future[None]) -> None:
    """Retrieve the exception of a connection that was lost while it was idle, so that asyncio does not log it."""
    if not lost.cancelled():
        lost.exception()


@lru_cache(64)
def _to_aiohttp_timeout(
    connect: float | None, read: float | None, write: float | None, pool: float | None
) -> aiohttp.ClientTimeout:
    """Return httpx's timeouts as aiohttp's; `_Upload` applies that for writing, `ConnectionPool` that for the pool."""
    return aiohttp.ClientTimeout(connect=connect, sock_connect=connect, sock_read=read)


class _MapExceptions:
    """Raises aiohttp's errors in its block as the ones that httpx's own transport raises."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, aiohttp.ClientError):
            mapped = (_EXCEPTION_MAP[cls] for cls in type(error).__mro__ if cls in _EXCEPTION_MAP)
            raise next(mapped, httpx.RemoteProtocolError)(_safe_message(error)) from None


def _safe_message(error: aiohttp.ClientError) -> str:
    """Return a message without secrets; most of aiohttp's messages contain whole URLs and proxy passwords."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"{error.status} {error.message}"
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientPayloadError):
        return str(error)
    return "" if isinstance(error, aiohttp.ServerTimeoutError) else type(error).__name__


_map_exceptions = _MapExceptions()

_NOT_SENT: dict[type, type[httpx.TransportError]] = {
    aiohttp.ClientProxyConnectionError: httpx.ProxyError,
    aiohttp.ClientHttpProxyError: httpx.ProxyError,
    aiohttp.ClientConnectorError: httpx.ConnectError,
    aiohttp.ConnectionTimeoutError: httpx.ConnectTimeout,
    aiohttp.InvalidURL: httpx.UnsupportedProtocol,
    aiohttp.NonHttpUrlClientError: httpx.UnsupportedProtocol,
}
"""Errors before anything was sent. A create is retried after these, so a wrong entry here can bill a job twice."""

_MAYBE_SENT: dict[type, type[httpx.TransportError]] = {
    aiohttp.ServerTimeoutError: httpx.ReadTimeout,
    aiohttp.ServerDisconnectedError: httpx.RemoteProtocolError,
    aiohttp.ClientConnectionError: httpx.ReadError,
}

_EXCEPTION_MAP = {**_NOT_SENT, **_MAYBE_SENT}
"""The nearest base class of an error decides, so the order of the entries does not matter."""
