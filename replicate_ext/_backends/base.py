"""What both backends have in common, and the protocol through which everything else uses them.

Both use httpx's transports instead of its clients: tokens, redirects, timeouts and retries are decided in the layers
above, no cookies are kept, and a client would take a third of the time of a call.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar

import httpx

from .._sansio.redact import strip_query
from ..errors import APIConnectionError, APITimeoutError

if TYPE_CHECKING:
    from .._config import Config

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAX_BODY_SIZE = 256 * 2**20
"""Bytes, decompressed: a response of the API without end would fill the memory. Downloads of files have no limit."""

CLEANUP_TIMEOUT = 10.0
"""Seconds by which canceling a prediction may delay the exit of a program."""

JOIN_INTERVAL = 0.01
"""Seconds between the checks of a closing client for creates and cleanups that have not ended."""

MAX_CONCURRENT_TRANSFERS = 8
"""Uploads or downloads of one call that run concurrently."""


class Unfinished(NamedTuple):
    """A create or a cleanup in progress: closing the client waits for it."""

    thread: threading.Thread
    close_count: int = -1
    """The one at which a create began: no wait for those that began after the close."""


class Backend(Protocol):
    """Everything that the layers above may await.

    The sync backend implements these `async def` methods by blocking; it never suspends (see `sync.run_sync`).
    """

    is_async: ClassVar[bool]
    close_count: int
    unfinished: list[Unfinished]

    @property
    def config(self) -> Config:
        """The configuration of the client."""
        ...

    async def send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """Send a request once. With `stream`, and of an error response, the body is left to `aiter_bytes` or `aclose`.

        Three of the request's extensions are for the backend: `deadline`, a moment on its clock at which the response,
        a streamed body included, has to be complete; `sent`, a `SentRecord` to mark; and `close_count`, the one at
        which the call began.

        Raises:
            httpx.RequestError: No response arrived.
        """
        ...

    def aiter_bytes(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield the body of a streamed response, decompressed, and release its connection.

        Raises:
            APIConnectionError: The connection was interrupted.
        """
        ...

    async def aclose(self, response: httpx.Response) -> None:
        """Release the connection of a streamed response."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def to_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function that blocks, such as one that writes to a file, without blocking the event loop."""
        ...

    async def gather(self, coroutines: Sequence[Coroutine[Any, Any, object]]) -> None:
        """Run coroutines, up to `MAX_CONCURRENT_TRANSFERS` concurrently; the first failure cancels the others."""
        ...

    def start_soon(self, coroutine: Coroutine[Any, Any, T]) -> BackgroundTask[T]:
        """Run a coroutine in the background."""
        ...

    def open_mailbox(self) -> Mailbox[Any]:
        """Return an empty mailbox for the calling thread (for the running event loop)."""
        ...

    async def clean_up(self, cleanup: Cleanup, *, wait: bool = True) -> None:
        """Run a cleanup that outlives the caller, and wait for it, for up to `CLEANUP_TIMEOUT`.

        Neither a cancellation nor the end of the event loop interrupts it. Its errors are ignored. A coroutine that is
        being closed (GeneratorExit) may not suspend anymore: it passes `wait=False`.
        """
        ...

    async def close(self) -> None:
        """Close the connections (of the running event loop); a later request opens new ones."""
        ...

    async def join(self) -> None:
        """Wait for the creates and cleanups in `unfinished`, for up to `CLEANUP_TIMEOUT`."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes backwards."""
        ...


Cleanup = Callable[[Backend], Coroutine[Any, Any, object]]
"""A coroutine function that does not care which backend it runs on; it may be called again if it was interrupted."""


class BackgroundTask(Protocol[T_co]):
    """A coroutine that runs in the background."""

    async def result(self) -> T_co:
        """Wait for its end, and return or raise what it did."""
        ...

    def cancel(self) -> None:
        """Discard the task and its result."""
        ...


class Mailbox(Protocol[T]):
    """Items that other threads send to a caller, in the order in which they arrive."""

    def put(self, item: T) -> None:
        """Add an item, from any thread."""
        ...

    async def get(self) -> T:
        """Remove and return the first item, once there is one."""
        ...


class BaseBackend:
    """What both backends share: the clock, and the configuration.

    The configuration is made on first use, because the default clients read the environment only then.
    """

    is_async: ClassVar[bool]

    def __init__(self, load_config: Callable[[], Config]) -> None:
        self._load_config = load_config
        self._config: Config | None = None
        self.monotonic: Callable[[], float] = time.monotonic
        self.close_count = 0
        """How often the client was closed: a call that it overtakes sends nothing more."""

        self.unfinished: list[Unfinished] = []

    @property
    def config(self) -> Config:
        """The configuration of the client."""
        if self._config is None:
            self._config = self._load_config()
        return self._config

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        raise NotImplementedError

    async def join(self) -> None:
        """Wait for creates whose connections were closed, and for cleanups, for up to `CLEANUP_TIMEOUT`."""
        deadline, here = self.monotonic() + CLEANUP_TIMEOUT, threading.current_thread()
        # A signal handler may close the client in the middle of a sync create, which cannot end before.
        while any(
            close_count < self.close_count and (self.is_async or thread is not here)
            for thread, close_count in self.unfinished
        ):
            if self.monotonic() >= deadline:
                return
            await self.sleep(JOIN_INTERVAL)

    def seconds_left(self, request: httpx.Request) -> float | None:
        """Return the seconds until the deadline of a request; raise ReadTimeout if it has passed."""
        deadline: float | None = request.extensions.get("deadline")
        if deadline is None:
            return None
        seconds = deadline - self.monotonic()
        if seconds <= 0:
            raise httpx.ReadTimeout("the deadline of the call has passed", request=request)
        return seconds


_is_own_request: ContextVar[bool] = ContextVar("_is_own_request", default=False)


class suppress_httpcore_log:
    """Suppress httpcore's debug log for our own requests.

    Response headers such as `Location` can contain signed URLs, which are credentials.
    """

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _is_own_request.set(True)

    def __exit__(self, *_: object) -> None:
        _is_own_request.reset(self._token)


for _name in ("connection", "http11", "http2", "proxy", "socks"):
    logging.getLogger(f"httpcore.{_name}").addFilter(lambda record: not _is_own_request.get())


def has_content_encoding(response: httpx.Response) -> bool:
    """Whether httpx has to decompress the body; if not, it is faster to take it from the transport directly."""
    return "content-encoding" in response.headers


def map_exception(error: Exception, request: str) -> APIConnectionError:
    """Return our error for one of httpx's; `request` names the request, without secrets."""
    cls = APITimeoutError if isinstance(error, httpx.TimeoutException) else APIConnectionError
    return cls(f"{request}: {type(error).__name__}{f': {error}' if str(error) else ''}")


class BodyTooLargeError(httpx.DecodingError):
    """A body exceeds `MAX_BODY_SIZE`."""


def _join(chunks: list[bytes], size: int, response: httpx.Response) -> None:
    """Let httpx know the body, as its own `read` does, which has no limit."""
    if size > MAX_BODY_SIZE:
        raise BodyTooLargeError(f"the response is larger than {MAX_BODY_SIZE // 2**20} MiB", request=response.request)
    response._content = b"".join(chunks)


def read_body(response: httpx.Response) -> None:
    """Read the body of a response, up to `MAX_BODY_SIZE`."""
    chunks, size = [], 0
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY_SIZE:
            break
    _join(chunks, size, response)


async def aread_body(response: httpx.Response) -> None:
    """Read the body of a response, up to `MAX_BODY_SIZE`."""
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY_SIZE:
            break
    _join(chunks, size, response)


def interrupted(response: httpx.Response, error: Exception) -> APIConnectionError:
    """Return our error for a body that ended early."""
    return map_exception(error, f"{response.request.method} {strip_query(str(response.url))} was interrupted")
