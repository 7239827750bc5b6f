"""The seam: everything that blocks, and everything that makes connections, is here and in `_async_wire`.

`BlockingWire` and `AsyncWire` do the same few things, the one by blocking, the other by awaiting. Both stand on httpx's
transports, not on its clients: tokens, redirects, timeouts and retries are decided above, cookies are not kept, and a
client would spend a third of the time of a call on them. The other wire has a file of its own because asyncio takes
long to import, and whoever blocks does not need it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, cast

import httpx

from .. import errors
from .._sansio import retry

if TYPE_CHECKING:
    from concurrent.futures import Future

    from replicate_api.types import Request

    from .._config import Settings

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

CLEANUP_TIMEOUT = 10.0
"""Seconds that canceling a prediction may delay the exit of a program."""

AT_ONCE = 8
"""How many uploads or downloads of one call run at the same time."""


_ours: ContextVar[bool] = ContextVar("ours", default=False)


class unlogged:
    """Keep httpcore from logging a request of ours: the headers of an answer may hold an address that is a key."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _ours.set(True)

    def __exit__(self, *_: object) -> None:
        _ours.reset(self._token)


for _name in ("connection", "http11", "http2", "proxy", "socks"):
    logging.getLogger(f"httpcore.{_name}").addFilter(lambda record: not _ours.get())


class Wire(Protocol):
    """What behaviour may await."""

    limiter: retry.Limiter
    blocks: ClassVar[bool]
    """Whether its methods block, and never suspend."""

    @property
    def settings(self) -> Settings:
        """What the client was made with."""
        ...

    async def request(self, request: Request, timeout: float | None, *, stream: bool = False) -> httpx.Response:
        """Send once; with `stream` the body is left to `body`, `load` and `close`."""
        ...

    def body(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield a body as it arrives, and release its connection; ConnectionFailed where it breaks off."""
        ...

    async def load(self, response: httpx.Response) -> bytes:
        """Read the whole body of a streamed answer and release its connection."""
        ...

    async def close(self, response: httpx.Response) -> None: ...

    async def sleep(self, seconds: float) -> None: ...

    async def offload(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function that blocks, such as writing to a file."""
        ...

    async def all(self, coroutines: Sequence[Coroutine[Any, Any, object]]) -> None:
        """Run them all, several at once; the first failure ends it."""
        ...

    def ahead(self, coroutine: Coroutine[Any, Any, T]) -> Ahead[T]:
        """Start something whose result is wanted later."""
        ...

    async def finally_(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Run some last words: not interrupted by a cancellation, limited in time, silent about failures."""
        ...

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        ...


class Ahead(Protocol[T_co]):
    """Something that was started and runs meanwhile."""

    async def result(self) -> T_co:
        """Return what it returns, or raise what it raises, when it is there."""
        ...

    def drop(self) -> None:
        """Say that nobody wants the result any more."""
        ...


def is_encoded(response: httpx.Response) -> bool:
    """Whether a body has to be decompressed; any other is taken from the transport, without a detour through httpx."""
    return "content-encoding" in response.headers


def connection_error(broken: Exception, label: str) -> errors.ConnectionFailed:
    """Return our error for one of httpx's."""
    cls = errors.TimedOut if isinstance(broken, httpx.TimeoutException) else errors.ConnectionFailed
    return cls(f"{label}: {type(broken).__name__}{f': {broken}' if str(broken) else ''}")


def broken_off(response: httpx.Response, broken: Exception) -> errors.ConnectionFailed:
    """Return the error of a body that did not come to its end."""
    return connection_error(broken, f"GET {public(str(response.url))} broke off")


def public(path: str) -> str:
    """Return what may be shown of a path or URL: no query, where signatures and search terms are."""
    return path.partition("?")[0]


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and return what it returns."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        coroutine.close()
    raise suspended()


def suspended() -> RuntimeError:
    """Return the error of a coroutine that should have blocked."""
    return RuntimeError("a blocking call tried to suspend: it awaited something other than its wire")


class _InThread(Generic[T]):
    """`Ahead` for those who block: in a thread, which ends by itself where its result is not wanted any more."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        from concurrent.futures import Future

        self._future: Future[T] = Future()
        threading.Thread(target=self._run, args=[coroutine], daemon=True).start()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> None:
        try:
            self._future.set_result(finish(coroutine))
        except BaseException as error:
            self._future.set_exception(error)

    async def result(self) -> T:
        return self._future.result()

    def drop(self) -> None:
        pass


class AnyWire:
    """What both wires have."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._make_settings = settings
        self._settings: Settings | None = None
        self.limiter = retry.Limiter()
        self.now: Callable[[], float] = time.monotonic

    @property
    def settings(self) -> Settings:
        """What the client was made with; the default client's are read from the environment on first use."""
        if self._settings is None:
            self._settings = self._make_settings()
        return self._settings


class BlockingWire(AnyWire):
    """Does in its `async def` methods what they say, without ever suspending."""

    blocks: ClassVar[bool] = True

    def __init__(self, settings: Callable[[], Settings]) -> None:
        super().__init__(settings)
        self._lock = threading.Lock()
        self._transports: dict[tuple[str, bytes], httpx.BaseTransport] = {}
        self._process = os.getpid()
        self._sleep: Callable[[float], None] = time.sleep

    def transport(self, url: httpx.URL) -> httpx.BaseTransport:
        """Return what connects to a URL's host, by the caller's transport, a proxy, or directly.

        Connections are made when they are first needed; a forked process makes its own.
        """
        if self._process != os.getpid():
            self._lock, self._transports, self._process = threading.Lock(), {}, os.getpid()
        place = url.scheme, url.netloc
        found = self._transports.get(place)
        if found is None:
            settings = self.settings
            with self._lock:
                found = self._transports.get(place) or settings.transport
                found = found or httpx.HTTPTransport(verify=settings.verify(url), proxy=settings.proxy(url))
                self._transports[place] = found
        return found

    async def request(self, request: Request, timeout: float | None, *, stream: bool = False) -> httpx.Response:
        """Send once."""
        outgoing = self.settings.outgoing(request, timeout)
        transport = self.transport(outgoing.url)
        with unlogged():
            response = transport.handle_request(outgoing)
            response.request = outgoing
            if not stream:
                try:
                    response.read()
                except BaseException:
                    response.close()
                    raise
        return response

    async def body(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes."""
        try:
            stream = cast("httpx.SyncByteStream", response.stream)
            for chunk in response.iter_bytes() if is_encoded(response) else stream:
                yield chunk
        except httpx.RequestError as broken:
            raise broken_off(response, broken) from broken
        finally:
            response.close()

    async def load(self, response: httpx.Response) -> bytes:
        """Read the whole body."""
        return response.read()

    async def close(self, response: httpx.Response) -> None:
        """Release the connection."""
        response.close()

    async def sleep(self, seconds: float) -> None:
        """Block the thread."""
        self._sleep(seconds)

    async def offload(self, function: Callable[..., T], *args: Any) -> T:
        """Just call it."""
        return function(*args)

    async def all(self, coroutines: Sequence[Coroutine[Any, Any, object]]) -> None:
        """Run up to `AT_ONCE` in threads; the first failure keeps those that have not begun from beginning."""
        if len(coroutines) == 1:
            await coroutines[0]
            return
        from concurrent.futures import ThreadPoolExecutor, as_completed  # few calls need it, and it takes a while

        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            for future in as_completed([pool.submit(finish, coroutine) for coroutine in coroutines]):
                future.result()
        finally:
            pool.shutdown(cancel_futures=True)
            for coroutine in coroutines:
                coroutine.close()  # those that were kept from it; without effect on the others

    def ahead(self, coroutine: Coroutine[Any, Any, T]) -> Ahead[T]:
        """Start it in a thread."""
        return _InThread(coroutine)

    async def finally_(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Just run it: a second Ctrl-C interrupts this too, and is meant to."""
        with contextlib.suppress(Exception):  # whatever it is, the reason for leaving is the one to be told
            await coroutine

    def shut(self) -> None:
        """Close the connections; the next request would open new ones."""
        with self._lock:
            transports, self._transports = self._transports, {}
        for transport in {*transports.values()}:
            transport.close()
