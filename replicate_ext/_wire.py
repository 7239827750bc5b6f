"""The seam: everything that blocks or suspends, and everything that knows httpx, is here.

`BlockingWire` and `AsyncWire` do the same few things, the one by blocking, the other by awaiting. Above them there is
one `exchange`: send, decide with `retry`, sleep, send again, and turn what remains into one of our errors.

The token rule lives here too: `Authorization` (and the headers that the caller set) go to the API's own origin and
nowhere else. No request follows a redirect by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

import httpx

from replicate_api.types import Request

from . import errors, retry
from .operations import Call

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

HOLD = 60
"""Seconds that the server holds a create with a plain `Prefer: wait`."""

HOLD_MARGIN = 15.0
"""Seconds that the read timeout of such a create lies above the hold: a reply may come late, and is paid for."""

MIN_TIMEOUT = 1.0
"""Seconds that a request gets at least, however close a deadline is."""

CLEANUP_TIMEOUT = 10.0
"""Seconds that canceling a prediction may delay the exit of a program."""

AT_ONCE = 8
"""How many uploads or downloads of one call run at the same time."""

CLOCK_SKEW = timedelta(seconds=10)
"""How far the server's clock may be behind ours when we look for what we may have created."""


DEFAULT_BASE_URL = "https://api.replicate.com/v1"

DEFAULT_TIMEOUT = httpx.Timeout(connect=10.0, read=60.0, write=60.0, pool=None)
"""Seconds for one request. No limit on waiting for a free connection: many runs at once queue, they do not fail."""


@dataclass(frozen=True)
class Settings:
    """What a client was made with; secrets never show in its repr."""

    token: str | None = field(default=None, repr=False)
    base_url: str = DEFAULT_BASE_URL
    timeout: httpx.Timeout = field(default_factory=lambda: DEFAULT_TIMEOUT)
    max_retries: int = 5
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_agent: str = f"replicate-ext/{version('replicate-ext')}"
    transport: Any = field(default=None, repr=False)
    verify: Any = field(default=True, repr=False)

    def outgoing(self, request: Request, timeout: float | None) -> dict[str, Any]:
        """Return the arguments of httpx's `build_request`.

        A path is one below the API's base URL; anything else is a full URL, of an output file say, and gets the token
        only if it is the API's own origin.
        """
        arguments = request.arguments()
        url = self.base_url + request.path if request.path.startswith("/") else request.path
        headers = {"User-Agent": self.user_agent, **arguments.pop("headers")}
        if self.token and origin(url) == origin(self.base_url):
            headers = {**headers, **self.headers, "Authorization": f"Bearer {self.token}"}
        patience = self.timeout if timeout is None else _at_most(self.timeout, timeout)
        held = hold_of(request)
        if held and patience.read is not None and patience.read < held + HOLD_MARGIN:
            connect, write, pool = patience.connect, patience.write, patience.pool
            patience = httpx.Timeout(connect=connect, read=held + HOLD_MARGIN, write=write, pool=pool)
        return {"method": request.method, "url": url, "headers": headers, "timeout": patience, **arguments}


def _at_most(timeout: httpx.Timeout, seconds: float) -> httpx.Timeout:
    return httpx.Timeout(
        **{phase: seconds if limit is None else min(seconds, limit) for phase, limit in timeout.as_dict().items()}
    )


class Wire(Protocol):
    """What behaviour may await."""

    settings: Settings
    limiter: retry.Limiter

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


class BlockingWire:
    """Does in its `async def` methods what they say, without ever suspending."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.limiter = retry.Limiter()
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self.now: Callable[[], float] = time.monotonic
        self._sleep: Callable[[float], None] = time.sleep

    @property
    def http(self) -> httpx.Client:
        """The connections, made when first needed."""
        with self._lock:
            if self._http is None:
                self._http = httpx.Client(transport=self.settings.transport, verify=self.settings.verify)
            return self._http

    async def request(self, request: Request, timeout: float | None, *, stream: bool = False) -> httpx.Response:
        """Send once."""
        http = self.http
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
        with contextlib.suppress(errors.ReplicateError):
            await coroutine

    def shut(self) -> None:
        """Close the connections; the next request would open new ones."""
        with self._lock:
            http, self._http = self._http, None
        if http is not None:
            http.close()


class AsyncWire:
    """Suspends where `BlockingWire` blocks. Serves several event loops one after another: each has its connections."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.limiter = retry.Limiter()
        self._https: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()
        self.now: Callable[[], float] = time.monotonic
        self._sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep

    @property
    def http(self) -> httpx.AsyncClient:
        """The connections of the running loop, made when first needed."""
        loop = asyncio.get_running_loop()
        if loop not in self._https:
            self._https[loop] = httpx.AsyncClient(transport=self.settings.transport, verify=self.settings.verify)
        return self._https[loop]

    async def request(self, request: Request, timeout: float | None, *, stream: bool = False) -> httpx.Response:
        """Send once."""
        http = self.http
        return await http.send(http.build_request(**self.settings.outgoing(request, timeout)), stream=stream)

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


@dataclass(frozen=True)
class Reply(Generic[T]):
    """A successful answer, read."""

    value: T
    status: int
    seconds: float
    """How long this attempt took, from sending to the end of the body."""


async def send(wire: Wire, call: Call[T]) -> T:
    """Send a call, again where that is safe, and return what its answer parses to."""
    return (await exchange(wire, call.request, call.parse)).value


async def exchange(
    wire: Wire,
    request: Request,
    parse: Callable[[httpx.Response], T],
    *,
    stream: bool = False,
    max_retries: int | None = None,
    deadline: float | None = None,
) -> Reply[T]:
    """Send a request, again where that is safe, and read the answer.

    `deadline`, on the wire's clock, bounds each attempt, and no attempt is waited for beyond it.

    Raises:
        ConnectionFailed, APIStatusError, ResponseError: What was left when no repetition was allowed any more.
    """
    retries = wire.settings.max_retries if max_retries is None else max_retries
    label = f"{request.method} {_public(request.path)}"
    since = datetime.now(UTC) - CLOCK_SKEW
    limiter = wire.limiter if request.path.startswith("/") else retry.Limiter()  # other hosts have limits of their own
    kind = request.method, request.path
    attempt, waited = 1, 0.0
    while True:
        while (pause := limiter.pause(kind, wire.now())) > 0:
            if waited + pause > retry.LONGEST_WAIT or _too_late(wire, pause, deadline):
                limited = f"another call of this client was told to wait, for {pause:.0f} more seconds"
                raise errors.RateLimited(429, detail=limited, call=label, retry_after=pause)
            await wire.sleep(pause)
            waited += pause
        began = wire.now()
        timeout = None if deadline is None else max(MIN_TIMEOUT, deadline - began)
        error: errors.ReplicateError
        cause: BaseException | None = None
        try:
            response = await wire.request(request, timeout, stream=stream)
            if response.is_success or (stream and response.has_redirect_location):
                return Reply(_read(response, parse, label), response.status_code, wire.now() - began)
            body = await wire.load(response)
        except (httpx.RequestError, httpx.InvalidURL) as broken:
            cause, error = broken, _connection_error(broken, label)
            failure = retry.Failure(request.method, request.path, unsent=isinstance(broken, (*_UNSENT, *_HOPELESS)))
        except errors.ResponseError as unreadable:
            cause, error = unreadable.__cause__, unreadable
            failure = retry.Failure(request.method, request.path)
        else:
            headers = response.headers
            failure = retry.Failure(
                request.method, request.path, status=response.status_code, headers=headers, body=body
            )
            error = errors.from_response(response.status_code, headers, body, label, retry.retry_after(failure))
        hint = retry.retry_after(failure)
        if hint is not None:
            limiter.hold(kind, wire.now() + hint)
        delay = None if isinstance(cause, _HOPELESS) else retry.delay(failure, attempt, retries, waited)
        if delay is None or not request.is_repeatable() or _too_late(wire, delay, deadline):
            if not retry.is_repeatable(request.method, request.path) and retry.maybe_accepted(failure):
                error.maybe_created_after = since
            raise error from cause
        await wire.sleep(delay)
        waited += delay if hint is not None else 0.0
        attempt += 1


def _too_late(wire: Wire, pause: float, deadline: float | None) -> bool:
    return deadline is not None and wire.now() + pause > deadline


async def fetch(
    wire: Wire,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    deadline: float | None = None,
    max_retries: int | None = None,
) -> httpx.Response:
    """GET any URL, following redirects, and return the answer with its body still to come (see `body`).

    The token goes along only to the API's origin. `deadline` and `max_retries` are those of `exchange`, per request.

    Raises:
        ConnectionFailed: No connection.
        APIStatusError: The host answered with an error.
    """
    for _ in range(MAX_REDIRECTS + 1):
        request = Request("GET", url, headers=dict(headers or {}))
        reply = await exchange(
            wire, request, lambda answer: answer, stream=True, deadline=deadline, max_retries=max_retries
        )
        response = reply.value
        if not response.has_redirect_location:
            return response
        await wire.close(response)
        url = str(response.url.join(response.headers["location"]))
    raise errors.ResponseError(f"GET {_public(url)}: more than {MAX_REDIRECTS} redirects")


async def body(wire: Wire, response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield the body of an answer as it arrives, and release its connection; ConnectionFailed where it breaks off."""
    try:
        async for chunk in wire.chunks(response):
            yield chunk
    except httpx.RequestError as broken:
        raise _connection_error(broken, f"GET {_public(str(response.url))} broke off") from broken
    finally:
        await wire.close(response)


MAX_REDIRECTS = 5

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)


def _read(response: httpx.Response, parse: Callable[[httpx.Response], T], label: str) -> T:
    try:
        return parse(response)
    except ValueError as unreadable:
        raise errors.ResponseError(f"{label}: cannot read the answer: {unreadable}") from unreadable


def _connection_error(broken: Exception, label: str) -> errors.ConnectionFailed:
    cls = errors.TimedOut if isinstance(broken, httpx.TimeoutException) else errors.ConnectionFailed
    return cls(f"{label}: {type(broken).__name__}{f': {broken}' if str(broken) else ''}")


def _public(path: str) -> str:
    """Return what may be shown of a path or URL: no query, where signatures and search terms are."""
    return path.partition("?")[0]


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port, the port spelled out."""
    parsed = httpx.URL(url)
    return parsed.scheme, parsed.host, parsed.port or {"http": 80, "https": 443}.get(parsed.scheme)


def hold_of(request: Request) -> float:
    """Return the seconds for which the server may hold this request, by its `Prefer` header."""
    match = re.fullmatch(r"wait(?:=(\d+))?", str(request.headers.get("Prefer", "")))
    return float(match[1] or HOLD) if match else 0.0
