"""A backend for an event loop in another thread, with the configuration of any client.

A transport of the caller's is called where the caller's client calls it: a sync one in threads, an async one in the
event loop that its connections belong to.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar, cast

import httpx

from .asyncio import AsyncBackend, get_running_loop
from .base import Backend
from .pool import max_connections

T = TypeVar("T")

CHECK_INTERVAL = 1.0
"""Seconds after which a request checks whether the event loop of its transport was closed."""

LOOP_CLOSED = "the event loop that the transport of the client belongs to was closed"


def detached_backend(backend: Backend) -> AsyncBackend:
    """Return a backend with the configuration of another one, but connections of its own.

    Call it where the client is used: with an async transport of the caller's, in the event loop of that transport.
    """
    config = backend.config
    transport = config.transport
    if transport is not None and type(transport) is not httpx.MockTransport:  # it works in any loop, without threads
        detached = _LoopTransport(transport) if backend.is_async else _ThreadTransport(transport)
        config = config.with_options(transport=detached)
    return AsyncBackend(lambda: config)


class _Body(httpx.AsyncByteStream):
    """The body of a response of the caller's transport, read chunk by chunk where that transport is called."""

    def __init__(self, read: Callable[[], Awaitable[bytes | None]], close: Callable[[], Awaitable[None]]) -> None:
        self._read, self._close = read, close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self._read()) is not None:
            yield chunk

    async def aclose(self) -> None:
        await self._close()


class _ThreadTransport(httpx.AsyncBaseTransport):
    """Calls a sync transport in threads, which end when this object is collected. It does not close the transport."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport
        self._threads = ThreadPoolExecutor(max_connections(), "replicate-ext transport")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sending = self._submit(self._transport.handle_request, request)
        try:
            response = await asyncio.wrap_future(sending)
        except asyncio.CancelledError:
            sending.add_done_callback(_close_late_response)  # a thread cannot be canceled
            raise
        stream = cast("httpx.SyncByteStream", response.stream)
        chunks = iter(stream)
        response.stream = _Body(
            lambda: asyncio.wrap_future(self._submit(next, chunks, None)),
            lambda: asyncio.wrap_future(self._submit(stream.close)),
        )
        return response

    def _submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        return self._threads.submit(contextvars.copy_context().run, function, *args)


def _close_late_response(sending: Future[httpx.Response]) -> None:
    if not sending.cancelled() and sending.exception() is None:
        sending.result().close()


class _LoopTransport(httpx.AsyncBaseTransport):
    """Calls an async transport in the running event loop, for other loops. It does not close the transport."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport, self._loop = transport, get_running_loop()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._loop.is_closed():
            raise httpx.ConnectError(LOOP_CLOSED)
        response = await self._call(self._transport.handle_async_request(request))
        stream = cast("httpx.AsyncByteStream", response.stream)
        chunks = aiter(stream)

        async def read() -> bytes | None:
            return await anext(chunks, None)

        async def close() -> None:
            with contextlib.suppress(httpx.ReadError):  # the body may be complete
                await self._call(stream.aclose())

        response.stream = _Body(lambda: self._call(read()), close)
        return response

    async def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the transport; ReadError if its loop is closed, since the request may have been sent."""
        try:
            running = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:
            coroutine.close()
            raise httpx.ReadError(LOOP_CLOSED) from None
        result = asyncio.wrap_future(running)
        try:
            while not result.done() and not self._loop.is_closed():
                await asyncio.wait({result}, timeout=CHECK_INTERVAL)
        except asyncio.CancelledError:
            running.cancel()
            raise
        if not result.done() or result.cancelled():  # an event loop that ends cancels its tasks
            raise httpx.ReadError(LOOP_CLOSED)
        return result.result()
