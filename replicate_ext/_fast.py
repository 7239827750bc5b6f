"""aiohttp as the transport of those who await, where the extra `fast` is installed: a quarter of the time each.

The adapter between the two, httpx-aiohttp, names every broken connection a `ConnectTimeout`. That would be dear: a
create is repeated when no connection came about, so one that was cut after it had been sent would be paid for twice.
Here each failure gets the name of what it means.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

if TYPE_CHECKING:
    import ssl


class FastTransport(AiohttpTransport):
    """Connections of aiohttp behind the interface of httpx. How many there are is decided in front of it."""

    def __init__(self, verify: bool | ssl.SSLContext, proxy: str | None) -> None:
        super().__init__(verify=verify, proxy=httpx.Proxy(proxy) if proxy else None, client=self._session)

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=self.ssl_context, limit=0, keepalive_timeout=5.0)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with _named():
            response = await super().handle_async_request(request)
        response.stream = _Body(response.stream)
        return response

    def __del__(self) -> None:
        """Let the connections of a client that nobody closed go without a word, as httpx does."""
        session = self.client
        if isinstance(session, aiohttp.ClientSession) and session.connector is not None:
            connector = session.connector
            session.detach()
            with contextlib.suppress(Exception):
                next(connector.close().__await__(), None)  # its first step closes; the others would only wait for that


class _Body(httpx.AsyncByteStream):
    def __init__(self, body: Any) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _named():
            async for chunk in self._body:
                yield chunk

    async def aclose(self) -> None:
        with _named():
            await self._body.aclose()


@contextlib.contextmanager
def _named() -> Iterator[None]:
    """Raise every failure under the name that httpx's own transport would have given it."""
    try:
        yield
    except httpx.TransportError as broken:
        if broken.__cause__ is None:
            raise
        raise _true_name(broken.__cause__)(str(broken)) from broken.__cause__
    except aiohttp.ClientError as broken:
        raise _true_name(broken)(str(broken)) from broken


def _true_name(broken: BaseException) -> type[httpx.TransportError]:
    names: list[tuple[type[Exception], type[httpx.TransportError]]] = [
        (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
        (aiohttp.ClientHttpProxyError, httpx.ProxyError),
        (aiohttp.ClientConnectorError, httpx.ConnectError),
        (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
        (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
        (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
        (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
        (aiohttp.ClientConnectionError, httpx.ReadError),
    ]
    return next((name for error, name in names if isinstance(broken, error)), httpx.RemoteProtocolError)
