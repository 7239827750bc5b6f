"""The backend of `AsyncReplicate`, in a module of its own: sync callers do not need asyncio, which imports slowly."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import httpx

from .base import CLEANUP_TIMEOUT, MAX_CONCURRENT_TRANSFERS, BaseBackend, Unfinished, has_content_encoding, interrupted
from .pool import ConnectionPool
from .sync import SyncBackend, run_sync

if TYPE_CHECKING:
    from .._config import Config
    from .._sansio.in_flight import SentRecord
    from .base import BackgroundTask, Cleanup, Mailbox

T = TypeVar("T")


class AsyncBackend(BaseBackend):
    """Implements `Backend` on asyncio. Serves several event loops one after another, each with its own connections."""

    is_async: ClassVar[bool] = True

    def __init__(self, load_config: Callable[[], Config]) -> None:
        super().__init__(load_config)
        self._pools: dict[asyncio.AbstractEventLoop, ConnectionPool] = {}
        self._sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep
        self._signal_loop: asyncio.AbstractEventLoop | None = None

    @property
    def pool(self) -> ConnectionPool:
        """The connections of the running loop, made on first use."""
        loop = get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            for closed in [loop for loop in self._pools if loop.is_closed()]:
                del self._pools[closed]
            pool = self._pools[loop] = ConnectionPool(self.config)
        return pool

    async def send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """Send a request once."""
        sent: SentRecord | None = request.extensions.get("sent")
        if sent:
            sent.reset()  # it may have to wait for a connection; the pool marks it
        seconds = self.seconds_left(request)
        if seconds is None:
            return await self.pool.send(request, stream=stream)
        async with _read_timeout(seconds):
            return await self.pool.send(request, stream=stream)

    async def aiter_bytes(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives."""
        try:
            stream = cast("httpx.AsyncByteStream", response.stream)
            chunks = aiter(response.aiter_bytes() if has_content_encoding(response) else stream)
            if self.seconds_left(response.request) is None:
                async for chunk in chunks:
                    yield chunk
                return
            while True:
                async with _read_timeout(self.seconds_left(response.request)):
                    limited = await anext(chunks, None)
                if limited is None:
                    return
                yield limited
        except httpx.RequestError as error:
            raise interrupted(response, error) from error
        finally:
            await response.aclose()

    async def aclose(self, response: httpx.Response) -> None:
        """Release the connection."""
        await response.aclose()

    async def sleep(self, seconds: float) -> None:
        """Suspend the task."""
        await self._sleep(seconds)

    async def to_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call the function in a thread. A thread cannot be canceled, so a cancellation is raised after its end."""
        # Like `asyncio.to_thread`, but not in a task, which the end of the loop would cancel while the thread goes on.
        call = partial(contextvars.copy_context().run, function, *args)
        thread = get_running_loop().run_in_executor(None, call)
        cancellation = None
        while not thread.done():
            try:
                await asyncio.wait({thread})
            except asyncio.CancelledError as error:
                cancellation = error
        if cancellation is not None:
            thread.exception()  # retrieved, so that asyncio does not log it
            raise cancellation
        return thread.result()

    async def gather(self, coroutines: Sequence[Coroutine[Any, Any, object]]) -> None:
        """Run the coroutines in tasks; the first failure cancels the others."""
        slots = asyncio.Semaphore(MAX_CONCURRENT_TRANSFERS)

        async def run(coroutine: Coroutine[Any, Any, object]) -> None:
            async with slots:
                await coroutine

        try:
            tasks = [get_running_loop().create_task(run(coroutine)) for coroutine in coroutines]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            for coroutine in coroutines:
                coroutine.close()

    def start_soon(self, coroutine: Coroutine[Any, Any, T]) -> BackgroundTask[T]:
        """Run the coroutine in a task."""
        return _AsyncioTask(coroutine)

    def open_mailbox(self) -> Mailbox[Any]:
        """Return a mailbox whose `get` suspends a task of the running loop."""
        return _AsyncioMailbox()

    def open_signal(self) -> Signal:
        """Return a signal between tasks of the running loop, which `call_soon_threadsafe` uses from then on."""
        self._signal_loop = get_running_loop()
        return Signal()

    def call_soon_threadsafe(self, function: Callable[..., object], *args: Any) -> None:
        """Call the function in the loop of the latest signal, from any thread; ignored once that loop is closed."""
        if self._signal_loop is None:
            raise RuntimeError("call open_signal first, in the event loop that is to call the function")
        call_soon_threadsafe(self._signal_loop, function, *args)

    async def clean_up(self, cleanup: Cleanup, *, wait: bool = True) -> None:
        """Run the cleanup in a thread, over the sync backend: it does not depend on this event loop.

        A loop may end at any moment, and then cancels all its tasks (`asyncio.run`); a cancel scope of anyio cancels
        the caller again at every step. If the transport is the caller's, the cleanup has to run in a task.
        """
        if self.config.transport is not None:
            if wait:  # else the loop may be closed, and with it the transport
                await self._clean_up_in_task(cleanup)
            return
        finished = asyncio.Event() if wait else None
        loop = asyncio.get_running_loop() if wait else None

        def run() -> None:
            backend = SyncBackend(lambda: self.config)
            with contextlib.suppress(Exception):  # the caller raises the error that led to the cleanup
                run_sync(cleanup(backend))
            run_sync(backend.close())
            self.unfinished.remove(Unfinished(thread))
            if finished and loop:
                call_soon_threadsafe(loop, finished.set)

        thread = threading.Thread(target=run, name="replicate-ext cleanup")  # the interpreter waits for it at its exit
        self.unfinished.append(Unfinished(thread))
        try:
            thread.start()
        except RuntimeError:  # the interpreter is exiting
            run()
        if finished:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(finished.wait(), CLEANUP_TIMEOUT)

    async def _clean_up_in_task(self, cleanup: Cleanup) -> None:
        """Run the cleanup in a task; restart it if an ending loop cancels it, and let no cancellation interrupt it."""

        async def persist() -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await cleanup(self)
                return
            await cleanup(self)

        task = asyncio.ensure_future(persist())
        deadline = asyncio.get_running_loop().time() + CLEANUP_TIMEOUT
        cancellation = None
        while not task.done() and (seconds := deadline - asyncio.get_running_loop().time()) > 0:
            try:
                await asyncio.wait({task}, timeout=seconds)
            except asyncio.CancelledError as error:
                cancellation = error
        if task.done() and not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not log it
        if cancellation is not None:
            raise cancellation

    async def close(self) -> None:
        """Close the connections of the running loop; a later request opens new ones."""
        pool = self._pools.pop(get_running_loop(), None)
        if pool is not None:
            await pool.aclose()


def get_running_loop() -> asyncio.AbstractEventLoop:
    """Return the running loop; raise for a caller without asyncio."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "AsyncReplicate needs asyncio: it does not run on trio or without an event loop; there, use Replicate, "
            "in a thread if need be: `await trio.to_thread.run_sync(client.run, …)`"
        ) from None


def call_soon_threadsafe(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *args: Any) -> None:
    """Call the function in an event loop, from any thread; ignored if the loop is closed."""
    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(function, *args)


@contextlib.asynccontextmanager
async def _read_timeout(seconds: float | None) -> AsyncGenerator[None, None]:
    """Raise httpx.ReadTimeout in the block after so many seconds; timeouts of the caller's pass."""
    timeout = asyncio.timeout(seconds)
    try:
        async with timeout:
            yield
    except TimeoutError:
        if not timeout.expired():
            raise
        raise httpx.ReadTimeout("the deadline of the call has passed") from None


class _AsyncioTask(Generic[T]):
    """A `BackgroundTask` in an asyncio task."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._task = asyncio.ensure_future(coroutine)

    async def result(self) -> T:
        return await self._task

    def cancel(self) -> None:
        self._task.cancel()
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())  # retrieved: not logged


class _AsyncioMailbox(Generic[T]):
    """A `Mailbox` for the tasks of one event loop."""

    def __init__(self) -> None:
        self._loop = get_running_loop()
        self._items: asyncio.Queue[T] = asyncio.Queue()

    def put(self, item: T) -> None:
        call_soon_threadsafe(self._loop, self._items.put_nowait, item)

    async def get(self) -> T:
        return await self._items.get()


class Signal:
    """Wakes a task of the same event loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Let the current wait return, or else the next one."""
        self._event.set()

    async def wait(self, seconds: float | None) -> None:
        """Wait until the signal was set since the latest wait, but no longer than so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()
