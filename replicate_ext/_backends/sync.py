"""The backend of `Replicate`: its `async def` methods block and never suspend."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, TypeVar, cast

import httpx

from .base import (
    MAX_CONCURRENT_TRANSFERS,
    BaseBackend,
    Unfinished,
    has_content_encoding,
    interrupted,
    read_body,
    suppress_httpcore_log,
)
from .network import UNASKED, close_connections, enforce_deadline, foreign_cause, is_unasked, watch_connections

if TYPE_CHECKING:
    from concurrent.futures import Future

    from .._config import Config
    from .base import BackgroundTask, Cleanup, Mailbox

P = ParamSpec("P")
T = TypeVar("T")

MAX_UNINTERRUPTIBLE_WAIT = 0.5
"""Seconds: on Windows, Ctrl-C interrupts no wait for another thread, and is raised only after its timeout."""


def make_sync(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Return the blocking version of a coroutine function that never suspends."""

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True  # by IPython and pytest
        coroutine = function(*args, **kwargs)
        try:
            coroutine.send(None)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            coroutine.close()
        raise unexpected_suspension()

    return call


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and return its result."""
    return make_sync(lambda: coroutine)()


def iterate_sync(generator: AsyncGenerator[T, None]) -> Iterator[T]:
    """Iterate an async generator that never suspends; closing or dropping the iterator closes the generator."""
    __tracebackhide__ = True
    try:
        while True:
            try:
                generator.__anext__().send(None)  # `run_sync`, inlined: this runs for every event of every stream
            except StopIteration as stop:
                item = stop.value
            except StopAsyncIteration:
                return
            else:
                raise unexpected_suspension()
            yield item
    finally:
        run_sync(generator.aclose())


def unexpected_suspension() -> RuntimeError:
    """Return the error for a coroutine that suspended over the sync backend."""
    return RuntimeError("a sync call tried to suspend: it awaited something other than its backend")


class SyncBackend(BaseBackend):
    """Implements `Backend` by blocking the calling thread. Can be shared between threads."""

    is_async: ClassVar[bool] = False

    def __init__(self, load_config: Callable[[], Config]) -> None:
        super().__init__(load_config)
        self._lock = threading.Lock()
        self._transports: dict[tuple[str, bytes], httpx.BaseTransport] = {}
        self._process_id = os.getpid()
        self._sleep: Callable[[float], None] = time.sleep

    def transport(self, url: httpx.URL) -> httpx.BaseTransport:
        """Return the transport for a URL's host: the caller's, or one that uses the environment's proxy, if any.

        Transports are made on first use; a forked process makes its own.
        """
        if self._process_id != os.getpid():
            self._lock, self._transports, self._process_id = threading.Lock(), {}, os.getpid()
        origin = url.scheme, url.netloc
        transport = self._transports.get(origin)
        if transport is None:
            config = self.config
            with self._lock:
                transport = self._transports.get(origin) or config.transport
                transport = transport or watch_connections(httpx.HTTPTransport(**config.transport_options(url)))
                self._transports[origin] = transport
        return transport

    async def send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """Send a request once.

        Raises:
            httpx.RequestError: No response arrived.
            OSError: A signal handler raised it, for example a TimeoutError.
        """
        transport = self.transport(request.url)
        if request.extensions.get("close_count", self.close_count) != self.close_count:  # it may be a new transport
            raise httpx.ConnectError("the client was closed", request=request)
        self._trace(request, transport)
        with suppress_httpcore_log(), enforce_deadline(self.seconds_left(request)):
            try:
                response = transport.handle_request(request)
                response.request = request
                if is_unasked(response):
                    response.close()
                    raise httpx.RemoteProtocolError(UNASKED)
                if response.is_success and not stream:
                    try:
                        read_body(response)
                    except BaseException:
                        response.close()
                        raise
            except httpx.TransportError as error:
                raise foreign_cause(error) or error from error.__cause__
        return response

    def _trace(self, request: httpx.Request, transport: httpx.BaseTransport) -> None:
        """Let a request count as sent when it is written to a connection; a transport of the caller's cannot tell."""
        record = request.extensions.get("sent")
        if record is None or transport is self.config.transport:
            return
        record.reset()

        def trace(event: str, info: object) -> None:
            if event.endswith("send_request_headers.started"):
                record.mark_sent()

        request.extensions["trace"] = trace

    async def aiter_bytes(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives."""
        try:
            stream = cast("httpx.SyncByteStream", response.stream)
            chunks = response.iter_bytes() if has_content_encoding(response) else stream
            for chunk in chunks if self.seconds_left(response.request) is None else self._limit(chunks, response):
                yield chunk
        except httpx.RequestError as error:
            foreign = foreign_cause(error)
            if foreign is not None:
                raise foreign from None
            raise interrupted(response, error) from error
        finally:
            response.close()

    def _limit(self, chunks: Iterable[bytes], response: httpx.Response) -> Iterator[bytes]:
        """Yield the chunks until the deadline of the request."""
        iterator = iter(chunks)
        while True:
            with enforce_deadline(self.seconds_left(response.request)):
                chunk = next(iterator, None)
            if chunk is None:
                return
            yield chunk

    async def aclose(self, response: httpx.Response) -> None:
        """Release the connection."""
        response.close()

    async def sleep(self, seconds: float) -> None:
        """Block the thread."""
        self._sleep(seconds)

    async def to_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call the function in this thread, which may block."""
        return function(*args)

    async def gather(self, coroutines: Sequence[Coroutine[Any, Any, object]]) -> None:
        """Run the coroutines in threads; after the first failure, those that have not started never start.

        The threads are daemons, not those of a ThreadPoolExecutor: Ctrl-C doesn't wait for their transfers, and they
        can be started after the main thread has ended.
        """
        if len(coroutines) == 1:
            await coroutines[0]
            return
        waiting = deque(coroutines)
        failures: list[BaseException] = []

        def work() -> None:
            while waiting:
                with contextlib.suppress(IndexError):  # another thread took the last one
                    coroutine = waiting.popleft()
                    try:
                        run_sync(coroutine)
                    except BaseException as error:
                        failures.append(error)
                        discard_waiting()

        def discard_waiting() -> None:
            while waiting:
                with contextlib.suppress(IndexError):
                    waiting.popleft().close()

        try:
            for thread in _start_threads(work, min(len(coroutines), MAX_CONCURRENT_TRANSFERS)):
                while thread.is_alive():
                    thread.join(MAX_UNINTERRUPTIBLE_WAIT)
            work()  # unless a thread did it
        finally:
            discard_waiting()
        if failures:
            raise failures[0]

    def start_soon(self, coroutine: Coroutine[Any, Any, T]) -> BackgroundTask[T]:
        """Run the coroutine in a thread."""
        return _ThreadTask(coroutine)

    def open_mailbox(self) -> Mailbox[Any]:
        """Return a mailbox whose `get` blocks the calling thread."""
        return _QueueMailbox()

    async def clean_up(self, cleanup: Cleanup, *, wait: bool = True) -> None:
        """Run the cleanup in this thread; a second Ctrl-C interrupts it, as the user wants then."""
        unfinished = Unfinished(threading.current_thread())
        self.unfinished.append(unfinished)
        try:
            with contextlib.suppress(Exception):  # the caller raises the error that led to the cleanup
                await cleanup(self)
        finally:
            self.unfinished.remove(unfinished)

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        with self._lock:
            transports, self._transports = self._transports, {}
        for transport in {*transports.values()}:
            close_connections(transport)


def _start_threads(function: Callable[[], None], count: int) -> list[threading.Thread]:
    """Call a function in several threads; fewer or none if the interpreter is shutting down."""
    threads = [threading.Thread(target=function, daemon=True) for _ in range(count)]
    with contextlib.suppress(RuntimeError):  # can't create new thread at interpreter shutdown (Python 3.12)
        for thread in threads:
            thread.start()
    return [thread for thread in threads if thread.ident is not None]


class _ThreadTask(Generic[T]):
    """A `BackgroundTask` in a daemon thread; a canceled one runs to its end, and its result is discarded."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        from concurrent.futures import Future

        self._future: Future[T] = Future()
        threading.Thread(target=self._run, args=[coroutine], daemon=True).start()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> None:
        try:
            self._future.set_result(run_sync(coroutine))
        except BaseException as error:
            self._future.set_exception(error)

    async def result(self) -> T:
        return self._future.result()

    def cancel(self) -> None:
        pass


class _QueueMailbox(Generic[T]):
    """A `Mailbox` for any threads."""

    def __init__(self) -> None:
        from queue import Empty, SimpleQueue  # only batches need it

        self._items: SimpleQueue[T] = SimpleQueue()
        self._empty = Empty

    def put(self, item: T) -> None:
        self._items.put(item)

    async def get(self) -> T:
        while True:
            with contextlib.suppress(self._empty):
                return self._items.get(timeout=MAX_UNINTERRUPTIBLE_WAIT)
