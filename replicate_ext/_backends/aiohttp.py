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
from collections.abc import AsyncIterable, AsyncIterator
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
            max_headers=LONGEST_LINE,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the answer with its body still to come."""
        patience = request.extensions["timeout"]
        url, headers = request.url, request.headers
        if url.userinfo:  # httpx's own transport does not look at it
            url = url.copy_with(userinfo=b"")
        if self._proxy_headers and url.scheme == "http":  # no tunnel: the proxy reads the request itself
            headers = httpx.Headers({**headers, **self._proxy_headers})
        if request.method == "POST":  # let the loop hear of connections that the server closed meanwhile
            for _ in range(2):
                await asyncio.sleep(0)
        upload = None
        try:
            async with asyncio.timeout(None) as writing:
                upload = _Upload(request, writing)
                with _named:
                    answer = await self._session.request(
                        request.method,
                        URL(str(url), encoded=True),
                        headers=[pair for pair in headers.items() if pair[0] != "transfer-encoding"],
                        data=upload.whole if upload.is_small else upload,
                        allow_redirects=False,
                        proxy=self._proxy,
                        proxy_headers=self._proxy_headers,
                        timeout=_timeouts(**patience),
                    )
        except TimeoutError:
            raise httpx.WriteTimeout("") from None
        except httpx.TransportError:
            if upload and upload.broken:
                raise upload.broken from None
            raise
        except ValueError as impossible:  # a host, port or header that cannot be
            raise httpx.LocalProtocolError(type(impossible).__name__) from None
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer, self._session))

    async def aclose(self) -> None:
        """Close the connections, those in use too."""
        await self._session.close()

    def __del__(self) -> None:
        """Let the connections of a client that nobody closed go without a word, as httpx does."""
        session = getattr(self, "_session", None)
        connector = session and session.connector
        if session and connector:
            session.detach()
            with contextlib.suppress(Exception):
                next(connector.close().__await__(), None)  # its first step closes; the others would only wait for that


class _Upload(AsyncIterable[bytes]):
    """The body of a request, in parts; the request fails where the network does not take one of them in time."""

    def __init__(self, request: httpx.Request, writing: asyncio.Timeout) -> None:
        self._request, self._writing = request, writing
        self.broken: Exception | None = None
        """What went wrong on our side, to which aiohttp gives a name of its own."""

    @property
    def is_small(self) -> bool:
        """Whether it is there, and goes in one part."""
        return isinstance(self._request.stream, httpx.ByteStream) and len(self._request.content) <= PART

    @property
    def whole(self) -> bytes | None:
        """All of a small one."""
        return self._request.content or None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        patience, left = self._request.extensions["timeout"], self._request.headers.get("content-length")
        write, read, left = patience["write"], patience["read"], None if left is None else int(left)
        try:
            async for chunk in cast("httpx.AsyncByteStream", self._request.stream):
                left = None if left is None else left - len(chunk)
                for start in range(0, len(chunk), PART):
                    self._wait_for(write)
                    yield chunk[start : start + PART]
            if left:
                raise httpx.LocalProtocolError("the body is not as long as it was when the request was written")
        except Exception as error:
            self.broken = error
            raise
        # What is left on the way has to go too; how long the answer may take aiohttp counts from then on.
        self._wait_for(None if write is None or read is None else write + read)

    def _wait_for(self, seconds: float | None) -> None:
        with contextlib.suppress(RuntimeError):  # the answer came first, and has a limit of its own
            self._writing.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)


class _Body(httpx.AsyncByteStream):
    """What is still to come of an answer."""

    def __init__(self, answer: aiohttp.ClientResponse, session: aiohttp.ClientSession) -> None:
        self._answer, self._session = answer, session
        self._ends_with_connection = (
            "Content-Length" not in answer.headers and "Transfer-Encoding" not in answer.headers
        )
        protocol = answer.connection.protocol if answer.connection else None
        self._lost = None if protocol is None else protocol.closed
        if self._lost is not None:
            self._lost.add_done_callback(self._end)

    def _end(self, lost: asyncio.Future[None]) -> None:
        """Tell whoever reads of an end in between: aiohttp takes it for the end of the body, or does not tell it."""
        content, broken = self._answer.content, lost.cancelled() or lost.exception() or self._session.closed
        if content.exception() is None and (broken if self._ends_with_connection else not content.is_eof()):
            content.set_exception(aiohttp.ClientConnectionError() if broken else aiohttp.ServerDisconnectedError())

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _named:
            async for chunk in self._answer.content.iter_any():
                yield chunk
            broken = self._answer.content.exception()
            if broken is not None:
                raise broken

    async def aclose(self) -> None:
        if self._lost is not None:
            self._lost.remove_done_callback(self._end)
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
