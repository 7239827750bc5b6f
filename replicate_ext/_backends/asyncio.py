"""The backend of `AsyncReplicate`, in a module of its own: sync callers do not need asyncio, which imports slowly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import httpx

from .base import CLEANUP_TIMEOUT, MAX_CONCURRENT_TRANSFERS, LazyConfig, has_content_encoding, interrupted
from .pool import ConnectionPool

if TYPE_CHECKING:
    from .._config import Config
    from .base import BackgroundTask

T = TypeVar("T")


class AsyncBackend(LazyConfig):
    """Implements `Backend` on asyncio. Serves several event loops one after another, each with its own connections."""

    is_async: ClassVar[bool] = True

    def __init__(self, load_config: Callable[[], Config]) -> None:
        super().__init__(load_config)
        self._pools: dict[asyncio.AbstractEventLoop, ConnectionPool] = {}
        self.monotonic: Callable[[], float] = time.monotonic
        self._sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep

    @property
    def pool(self) -> ConnectionPool:
        """The connections of the running loop, made on first use."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "AsyncReplicate needs asyncio: it does not run on trio or without an event loop; there, use Replicate, "
                "in a thread if need be: `await trio.to_thread.run_sync(client.run, …)`"
            ) from None
        pool = self._pools.get(loop)
        if pool is None:
            for closed in [loop for loop in self._pools if loop.is_closed()]:
                del self._pools[closed]
            pool = self._pools[loop] = ConnectionPool(self.config)
        return pool

    async def send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """Send a request once."""
        return await self.pool.send(request, stream=stream)

    async def aiter_bytes(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives."""
        try:
            stream = cast("httpx.AsyncByteStream", response.stream)
            async for chunk in response.aiter_bytes() if has_content_encoding(response) else stream:
                yield chunk
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
        thread = asyncio.ensure_future(asyncio.to_thread(function, *args))
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

        tasks = [asyncio.ensure_future(run(coroutine)) for coroutine in coroutines]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for coroutine in coroutines:
                coroutine.close()

    def start_soon(self, coroutine: Coroutine[Any, Any, T]) -> BackgroundTask[T]:
        """Run the coroutine in a task."""
        return _AsyncioTask(coroutine)

    async def shielded(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Run the cleanup in a task of its own, which a second cancellation of the caller does not reach."""
        task = asyncio.ensure_future(coroutine)
        await asyncio.wait({task}, timeout=CLEANUP_TIMEOUT)
        if task.done() and not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not log it

    async def close(self) -> None:
        """Close the connections of the running loop; a later request opens new ones."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.aclose()


class _AsyncioTask(Generic[T]):
    """A `BackgroundTask` in an asyncio task."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._task = asyncio.ensure_future(coroutine)

    async def result(self) -> T:
        return await self._task

    def cancel(self) -> None:
        self._task.cancel()
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())  # retrieved: not logged
