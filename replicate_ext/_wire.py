"""The seam: everything that blocks or suspends, and everything that makes connections, is here.

`BlockingWire` and `AsyncWire` do the same few things, the one by blocking, the other by awaiting. Neither follows a
redirect by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextvars import ContextVar
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

import httpx

from replicate_api.types import Request

from . import retry
from ._settings import Settings

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

CLEANUP_TIMEOUT = 10.0
"""Seconds that canceling a prediction may delay the exit of a program."""

CONNECTIONS = 100
"""Connections of one async client, as many as httpx has. Further requests wait in order in front of it: its own queue
takes time that grows with the square of its length."""

AT_ONCE = 8
"""How many uploads or downloads of one call run at the same time."""


_ours: ContextVar[bool] = ContextVar("ours", default=False)


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """Keep httpx from logging a request of ours: it would write the whole URL, signature and all."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


for _name in ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks"))):
    logging.getLogger(_name).addFilter(lambda record: not _ours.get())


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
        """Send once; with `stream` the body is left to `chunks` and `close`."""
        ...

    def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]: ...

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


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and return what it returns."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        coroutine.close()
    raise RuntimeError("a blocking call tried to suspend: it awaited something other than its wire")


class _InThread(Generic[T]):
    """`Ahead` for those who block: in a thread, which ends by itself where its result is not wanted any more."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
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


class _InTask(Generic[T]):
    """`Ahead` for those who await: in a task."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._task = asyncio.ensure_future(coroutine)

    async def result(self) -> T:
        return await self._task

    def drop(self) -> None:
        self._task.cancel()
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())  # looked at: not reported


class _AnyWire:
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


class BlockingWire(_AnyWire):
    """Does in its `async def` methods what they say, without ever suspending."""

    blocks: ClassVar[bool] = True

    def __init__(self, settings: Callable[[], Settings]) -> None:
        super().__init__(settings)
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._process = os.getpid()
        self._sleep: Callable[[float], None] = time.sleep

    @property
    def http(self) -> httpx.Client:
        """The connections, made when first needed; a forked process makes its own."""
        if self._process != os.getpid():
            self._lock, self._http, self._process = threading.Lock(), None, os.getpid()
        with self._lock:
            if self._http is None:
                self._http = httpx.Client(**self.settings.connecting())
            return self._http

    async def request(self, request: Request, timeout: float | None, *, stream: bool = False) -> httpx.Response:
        """Send once."""
        http = self.http
        with _unlogged():
            return http.send(http.build_request(**self.settings.outgoing(request, timeout)), stream=stream)

    async def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes."""
        for chunk in response.iter_bytes():
            yield chunk

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
            http, self._http = self._http, None
        if http is not None:
            http.close()


class _Releasing(httpx.AsyncByteStream):
    """A body that is still to come, and takes its place in the queue until it is closed."""

    def __init__(self, body: Any, gate: asyncio.Semaphore) -> None:
        self._body, self._gate = body, gate
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._body:
            yield chunk

    async def aclose(self) -> None:
        try:
            await self._body.aclose()
        finally:
            if not self._is_closed:
                self._is_closed = True
                self._gate.release()


class AsyncWire(_AnyWire):
    """Suspends where `BlockingWire` blocks. Serves several event loops one after another: each has its connections."""

    blocks: ClassVar[bool] = False

    def __init__(self, settings: Callable[[], Settings]) -> None:
        super().__init__(settings)
        self._https: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()
        self._gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
        self._sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep

    @property
    def http(self) -> httpx.AsyncClient:
        """The connections of the running loop, made when first needed."""
        loop = asyncio.get_running_loop()
        if loop not in self._https:
            self._https[loop] = httpx.AsyncClient(**self.settings.connecting())
            self._gates[loop] = asyncio.Semaphore(CONNECTIONS)
        return self._https[loop]

    async def request(self, request: Request, timeout: float | None, *, stream: bool = False) -> httpx.Response:
        """Send once."""
        http, gate = self.http, self._gates[asyncio.get_running_loop()]
        await gate.acquire()
        try:
            with _unlogged():
                response = await http.send(
                    http.build_request(**self.settings.outgoing(request, timeout)), stream=stream
                )
        except BaseException:
            gate.release()
            raise
        if response.is_closed:
            gate.release()
        else:
            response.stream = _Releasing(response.stream, gate)
        return response

    async def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes."""
        async for chunk in response.aiter_bytes():
            yield chunk

    async def load(self, response: httpx.Response) -> bytes:
        """Read the whole body."""
        return await response.aread()

    async def close(self, response: httpx.Response) -> None:
        """Release the connection."""
        await response.aclose()

    async def sleep(self, seconds: float) -> None:
        """Suspend the task."""
        await self._sleep(seconds)

    async def offload(self, function: Callable[..., T], *args: Any) -> T:
        """Call it in a thread. That cannot be canceled, so a cancellation comes when it is over."""
        thread = asyncio.ensure_future(asyncio.to_thread(function, *args))
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            await asyncio.wait({thread})
            raise

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
        http = self._https.pop(asyncio.get_running_loop(), None)
        if http is not None:
            await http.aclose()
