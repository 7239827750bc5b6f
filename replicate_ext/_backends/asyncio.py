"""The wire of those who await. See `_wire`."""

from __future__ import annotations

import asyncio
import functools
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import httpx

from .sync import AT_ONCE, CLEANUP_TIMEOUT, Ahead, AnyWire, broken_off, is_encoded, unlogged

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from replicate_api.types import Request

    from .._config import Settings

T = TypeVar("T")
Place = tuple[str, bytes]
"""Scheme and host, with the port."""

CONNECTIONS = 1000
"""Connections of one async client in one loop, or half of the files that the process may open, if that is less. Further
requests wait in order in front of them."""

KEPT = 5.0
"""Seconds for which an idle connection is kept."""


def most_connections() -> int:
    """Return how many connections there may be at once."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource else CONNECTIONS
    return min(CONNECTIONS, files // 2) if files > 1 else CONNECTIONS


class Connections:
    """The connections of one client in one event loop.

    httpx has a pool of its own, in which every request looks at every connection: with a hundred of them that takes
    longer than the request itself. So each connection is a transport of its own here, an idle one is taken from the top
    of a stack, and a semaphore lets as many requests through as there may be connections. Only transports that are made
    for many at once, aiohttp's and the caller's, are shared.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._gate = asyncio.Semaphore(most_connections())
        self._shared: dict[Place, httpx.AsyncBaseTransport] = {}
        self._idle: dict[Place, deque[tuple[float, httpx.AsyncBaseTransport]]] = {}
        self._all: set[httpx.AsyncBaseTransport] = set()
        self.is_closed = False

    async def send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        """Send once; a body that is not streamed is read."""
        await self._admitted(request.extensions["timeout"]["pool"])
        place = request.url.scheme, request.url.netloc
        transport = None
        try:
            if self.is_closed:  # while this one waited
                raise httpx.ConnectError("the client was closed")
            transport = self._shared.get(place) or await self._taken(place, request.url)
            with unlogged():
                response = await transport.handle_async_request(request)
                response.request = request
                if not stream:
                    try:
                        await response.aread()
                    except BaseException:
                        await response.aclose()
                        raise
        except BaseException:
            await self._give_back(place, transport, is_sound=False)
            raise
        if response.is_closed:
            await self._give_back(place, transport)
        else:
            response.stream = _Body(response.stream, functools.partial(self._give_back, place, transport))
        return response

    async def _admitted(self, patience: float | None) -> None:
        """Wait for a place, at most so many seconds."""
        try:
            async with asyncio.timeout(patience):
                await self._gate.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("no connection became free") from None

    async def _taken(self, place: Place, url: httpx.URL) -> httpx.AsyncBaseTransport:
        """Return the connection that was used last, or a new one; close one that nobody has used for long."""
        idle = self._idle.setdefault(place, deque())
        if len(idle) > 1 and idle[0][0] < time.monotonic() - KEPT:
            _, old = idle.popleft()
            self._all.discard(old)
            await old.aclose()
        if idle:
            return idle.pop()[1]
        shared = self._settings.transport or fast_transport(self._settings, url)
        if shared:
            self._shared[place] = shared
        transport: httpx.AsyncBaseTransport = shared or _one_connection(self._settings, url)
        self._all.add(transport)
        return transport

    async def _give_back(
        self, place: Place, transport: httpx.AsyncBaseTransport | None, *, is_sound: bool = True
    ) -> None:
        """Let the next one through; a connection that something happened to may think that it is still in use."""
        self._gate.release()
        if transport is None or place in self._shared:
            return
        if is_sound and not self.is_closed:
            self._idle[place].append((time.monotonic(), transport))
            return
        self._all.discard(transport)
        await transport.aclose()

    async def aclose(self) -> None:
        """Close them all, those in use too."""
        self.is_closed = True
        while self._all:
            await self._all.pop().aclose()


def _one_connection(settings: Settings, url: httpx.URL) -> httpx.AsyncBaseTransport:
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEPT)
    return httpx.AsyncHTTPTransport(verify=settings.verify(url), proxy=settings.proxy(url), limits=limits)


def fast_transport(settings: Settings, url: httpx.URL) -> httpx.AsyncBaseTransport | None:
    """Return aiohttp's transport, where the extra `fast` is installed and can go that way: it knows no SOCKS."""
    proxy = settings.proxy(url)
    if proxy and not proxy.startswith("http"):
        return None
    try:
        from .aiohttp import FastTransport
    except ImportError:
        return None
    checked = httpx.URL(proxy) if proxy and url.scheme == "http" else url  # whose certificate it is
    return FastTransport(settings.verify(checked), proxy, KEPT)


class _Body(httpx.AsyncByteStream):
    """A body that is still to come, and keeps its connection until it is closed."""

    def __init__(self, body: Any, give_back: Callable[..., Coroutine[Any, Any, None]]) -> None:
        self._body, self._give_back = body, give_back
        self._is_closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._body)

    async def aclose(self) -> None:
        if self._is_closed:
            return
        self._is_closed, is_sound = True, False
        try:
            await self._body.aclose()
            is_sound = True
        finally:
            await self._give_back(is_sound=is_sound)


class _InTask(Generic[T]):
    """`Ahead` for those who await: in a task."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._task = asyncio.ensure_future(coroutine)

    async def result(self) -> T:
        return await self._task

    def drop(self) -> None:
        self._task.cancel()
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())  # looked at: not reported


class AsyncWire(AnyWire):
    """Suspends where `BlockingWire` blocks. Serves several event loops one after another: each has its connections."""

    blocks: ClassVar[bool] = False

    def __init__(self, settings: Callable[[], Settings]) -> None:
        super().__init__(settings)
        self._connections: dict[asyncio.AbstractEventLoop, Connections] = {}
        self._sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep

    @property
    def connections(self) -> Connections:
        """The connections of the running loop, made when first needed."""
        loop = asyncio.get_running_loop()
        found = self._connections.get(loop)
        if found is None:
            for old in [old for old in self._connections if old.is_closed()]:
                del self._connections[old]
            found = self._connections[loop] = Connections(self.settings)
        return found

    async def request(self, request: Request, timeout: float | None, *, stream: bool = False) -> httpx.Response:
        """Send once."""
        return await self.connections.send(self.settings.outgoing(request, timeout), stream=stream)

    async def body(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes."""
        try:
            stream = cast("httpx.AsyncByteStream", response.stream)
            async for chunk in response.aiter_bytes() if is_encoded(response) else stream:
                yield chunk
        except httpx.RequestError as broken:
            raise broken_off(response, broken) from broken
        finally:
            await response.aclose()

    async def load(self, response: httpx.Response) -> bytes:
        """Read the whole body."""
        try:
            return await response.aread()
        finally:
            await response.aclose()

    async def close(self, response: httpx.Response) -> None:
        """Release the connection."""
        await response.aclose()

    async def sleep(self, seconds: float) -> None:
        """Suspend the task."""
        await self._sleep(seconds)

    async def offload(self, function: Callable[..., T], *args: Any) -> T:
        """Call it in a thread. That cannot be canceled, so a cancellation comes when it is over."""
        thread = asyncio.ensure_future(asyncio.to_thread(function, *args))
        canceled = None
        while not thread.done():
            try:
                await asyncio.wait({thread})
            except asyncio.CancelledError as again:
                canceled = again
        if canceled is not None:
            thread.exception()  # looked at: not reported
            raise canceled
        return thread.result()

    async def all(self, coroutines: Sequence[Coroutine[Any, Any, object]]) -> None:
        """Run up to `AT_ONCE` at once; the first failure cancels the rest."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def through(coroutine: Coroutine[Any, Any, object]) -> None:
            async with gate:
                await coroutine

        tasks = [asyncio.ensure_future(through(coroutine)) for coroutine in coroutines]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for coroutine in coroutines:
                coroutine.close()

    def ahead(self, coroutine: Coroutine[Any, Any, T]) -> Ahead[T]:
        """Start it in a task."""
        return _InTask(coroutine)

    async def finally_(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Run it in a task of its own: canceling ours once more does not cancel that."""
        task = asyncio.ensure_future(coroutine)
        await asyncio.wait({task}, timeout=CLEANUP_TIMEOUT)
        if task.done() and not task.cancelled():
            task.exception()  # best effort; looked at so that nobody reports it as never looked at

    async def shut(self) -> None:
        """Close the connections of the running loop; the next request would open new ones."""
        connections = self._connections.pop(asyncio.get_running_loop(), None)
        if connections is not None:
            await connections.aclose()
