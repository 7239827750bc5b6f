"""One request with retries: send, decide with `retry`, sleep, send again; the last failure becomes our error."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from contextlib import aclosing
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import httpx

from replicate_api.types import Call, Request

from . import errors
from ._backends.base import CLEANUP_TIMEOUT, Backend, BodyTooLargeError, map_exception
from ._backends.network import drop_connection
from ._rate_limit import RateLimitedCall
from ._sansio import retry
from ._sansio.in_flight import InFlightCreates, SentRecord
from ._sansio.log import log_attempt, log_job, log_wait
from ._sansio.rate_limit import RateLimiter
from ._sansio.redact import hide_token, request_label, strip_query
from ._sansio.request import MIN_TIMEOUT
from ._sansio.server_clock import ServerClock
from ._transfers import count_uploads

if TYPE_CHECKING:
    from ._config import Config

T = TypeVar("T")
BackendT = TypeVar("BackendT", bound=Backend, covariant=True)

MAX_REDIRECTS = 5

MAX_ERROR_SIZE = 64 * 1024
"""Bytes that are read of the body of an error response: it may be anything, and need not end."""

NON_RETRYABLE = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError, OverflowError)
"""Errors that no other attempt can mend, such as those of a URL."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, *NON_RETRYABLE)


class TimedResponse(NamedTuple, Generic[T]):
    """A successful response, parsed."""

    value: T
    status_code: int
    elapsed: float
    """Seconds that this attempt took, from sending to the end of the body."""

    headers: Mapping[str, str]


class _FailedAttempt(NamedTuple):
    """A failed attempt: our error for it, what the retry decision needs, and the cause."""

    error: errors.ReplicateError
    failure: retry.Failure
    cause: BaseException | None = None
    is_retryable: bool = True


class Session(Generic[BackendT]):
    """Sends requests through a backend; all calls of a client share its session, or copies with other options."""

    def __init__(self, backend: BackendT) -> None:
        self.backend = backend
        self.clock = ServerClock(lambda: backend.monotonic())
        self.in_flight = InFlightCreates()
        self.deadline: float | None = None
        self._close_count: int | None = None
        self._max_retries: int | None = None
        self._sent: SentRecord | None = None
        self._rate_limiters = {is_create: RateLimiter() for is_create in (True, False)}
        self._is_urgent = False

    @cached_property
    def config(self) -> Config:
        """The configuration of the client."""
        return self.backend.config

    def with_config(self, config: Config) -> Session[BackendT]:
        """Return a session with another configuration on the same connections, and with the same rate limit."""
        session = copy(self)
        session.config = config
        return session

    def with_options(
        self,
        *,
        deadline: float | None = None,
        max_retries: int | None = None,
        sent: SentRecord | None = None,
        is_urgent: bool = False,
    ) -> Session[BackendT]:
        """Return a session on the same connections whose calls have other options.

        Args:
            deadline: A moment on the backend's clock. Every attempt and every body has to be complete by then, and no
                retry waits beyond it. Never later than this session's own.
            max_retries: Replaces the client's.
            sent: Records whether a request that is not idempotent may have reached the server.
            is_urgent: Ignore the rate limit that blocks the other requests of the client.
        """
        session = copy(self)
        if deadline is not None:
            session.deadline = deadline if self.deadline is None else min(deadline, self.deadline)
        session._max_retries = self._max_retries if max_retries is None else max_retries
        session._sent = sent or self._sent
        session._is_urgent = is_urgent or self._is_urgent
        return session

    def without_deadline(self) -> Session[BackendT]:
        """Return a session whose calls have no deadline: for what outlives the call, such as files of its output."""
        session = copy(self)
        session.deadline = None
        return session

    def until_closed(self) -> Session[BackendT]:
        """Return a session for the steps of one call: once the client is closed, no further one is sent."""
        session = copy(self)
        session._close_count = self.backend.close_count
        return session

    @property
    def is_closed(self) -> bool:
        """Whether the client was closed since `until_closed`."""
        return self._close_count is not None and self.backend.close_count != self._close_count

    def seconds_left(self) -> float | None:
        """Return the seconds until the deadline, at least 0, or None if there is none."""
        return None if self.deadline is None else max(0.0, self.deadline - self.backend.monotonic())

    def limit_to_deadline(self, seconds: float) -> float:
        """Return the seconds, or those until the deadline if that is sooner."""
        seconds_left = self.seconds_left()
        return seconds if seconds_left is None else min(seconds, seconds_left)

    async def call(self, call: Call[T]) -> T:
        """Send a call, with retries, and return its parsed response. Raises as `send` does."""
        return (await self.send(call.request, call.parse)).value

    async def send(
        self, request: Request, parse: Callable[[httpx.Response], T], *, stream: bool = False
    ) -> TimedResponse[T]:
        """Send a request, with retries, and parse the response.

        Args:
            request: What to send.
            parse: Turns a successful response into its value; ValueError means that it cannot be decoded.
            stream: Leave the body unread, and redirects to the caller.

        Raises:
            APIConnectionError, APIStatusError, ResponseDecodeError: The failure of the last attempt.
        """
        if request.progress is not None:
            with count_uploads(request) as counted:
                return await self.send(counted, parse, stream=stream)
        if not _is_create(request):
            return await self._send(request, parse, stream)
        id = None
        fingerprint = self.in_flight.start(request.json["input"])
        try:
            response = await self._send(request, parse, stream)
            id = _id_of(response.value)
            return response
        finally:
            self.in_flight.finish(fingerprint, id)

    async def _send(self, request: Request, parse: Callable[[httpx.Response], T], stream: bool) -> TimedResponse[T]:
        """Send a request, with retries."""
        backend = self.backend
        retries = self.config.max_retries if self._max_retries is None else self._max_retries
        is_idempotent = retry.is_idempotent(request.method, request.path)
        sent = None if is_idempotent else self._sent or SentRecord()
        started = backend.monotonic()
        attempt, waited = 1, 0.0
        close_count = backend.close_count if self._close_count is None else self._close_count
        max_wait, limiter, rate_limit = self.config.max_rate_limit_wait, self._limiter_of(request), None
        while True:
            if limiter.must_wait(backend.monotonic()):
                rate_limit = rate_limit or RateLimitedCall(limiter, request, backend, max_wait, self.deadline)
                waited += await rate_limit.wait(waited)
            if self._is_closed(close_count):
                raise errors.APIConnectionError(f"{request_label(request)}: the client was closed during this call")
            counted, accepted = limiter if limiter is self._rate_limiters[True] else None, None
            number, sent_at = counted.start() if counted else 0, backend.monotonic()
            try:
                result = await self._attempt(request, parse, attempt, stream, sent, close_count)
                accepted = result.headers if isinstance(result, TimedResponse) else None
            finally:
                if counted:
                    counted.finish(number, sent_at, backend.monotonic(), accepted)
            if isinstance(result, TimedResponse):
                if rate_limit is not None:
                    limiter.accept(result.headers.get("ratelimit-remaining"))
                log_job(request.method, request.path, result.value)
                return result
            error, failure, cause, is_retryable = result
            hide_token(error, self.config.token)
            hide_token(cause, self.config.token)
            hint = retry.retry_after(failure)
            is_limited = isinstance(error, errors.RateLimitError) and (hint or 0.0) >= retry.INITIAL_BACKOFF
            if isinstance(error, errors.RateLimitError) and is_limited:
                has_waited = rate_limit is not None
                limiter.block(backend.monotonic(), hint or 0.0, error.detail, has_waited=has_waited)
            delay = retry.retry_delay(failure, attempt, retries, waited, max_wait) if is_retryable else None
            must_end = self._is_too_late(delay or 0.0) or self._is_closed(close_count)
            if delay is None or must_end or not request.is_replayable():
                if sent and sent.sent_at:
                    error.maybe_created_after = self.clock.earliest(sent.sent_at)
                raise error from cause
            if not is_limited:  # else the rate limiter makes it wait
                reason = f"retry {attempt} after {failure.status_code or type(cause).__name__}"
                log_wait(request.method, request.path, delay, reason, backend.monotonic() - started)
                await backend.sleep(delay)
                waited += delay if hint is not None else 0.0
            attempt += 1

    def _limiter_of(self, request: Request) -> RateLimiter:
        """Return the rate limiter of a call; other hosts have limits of their own, and urgent calls ignore it."""
        is_exempt = self._is_urgent or not request.path.startswith("/")
        return RateLimiter() if is_exempt else self._rate_limiters[_is_create(request)]

    def creates_available(self) -> float:
        """Return how many predictions can be created now without a 429, as far as known.

        It is 1 until the first response to a create, which shows the limit, and infinite if that shows none.
        """
        return self._rate_limiters[True].available(self.backend.monotonic())

    def _is_closed(self, close_count: int) -> bool:
        """Whether the client was closed since a call began: it sends nothing more, cleanups excepted."""
        return self.backend.close_count != close_count and not self._is_urgent

    async def _attempt(
        self,
        request: Request,
        parse: Callable[[httpx.Response], T],
        number: int,
        stream: bool,
        sent: SentRecord | None,
        close_count: int,
    ) -> TimedResponse[T] | _FailedAttempt:
        """Send a request once."""
        backend = self.backend
        started = backend.monotonic()
        method, path = request.method, request.path
        outcome: object = "no response"
        try:
            response = await backend.send(self._build(request, started, sent, close_count), stream=stream)
            outcome = response.status_code
            if path.startswith("/"):
                self.clock.observe(response.headers)
            if response.is_success or (stream and response.has_redirect_location):
                value = _parse(response, parse, request)
                return TimedResponse(value, response.status_code, backend.monotonic() - started, response.headers)
            content = await self._read_error(response)
        except (httpx.RequestError, *NON_RETRYABLE) as cause:
            outcome = type(cause).__name__
            not_sent = isinstance(cause, _NOT_SENT) or (sent is not None and sent.sent_at is None)
            failed = self._diagnose(cause, request, retry.Failure(method, path, not_sent))
        except (errors.ResponseDecodeError, errors.APIConnectionError) as known:  # undecodable or interrupted
            failed = _FailedAttempt(known, retry.Failure(method, path), known.__cause__)
        else:
            from ._sansio.error_response import from_response  # only needed for errors

            status_code, headers = response.status_code, response.headers
            failure = retry.Failure(method, path, status_code=status_code, headers=headers, body=content)
            error = from_response(status_code, headers, content, request_label(request), retry.retry_after(failure))
            failed = _FailedAttempt(error, failure)
        finally:
            log_attempt(method, path, outcome, 1000 * (backend.monotonic() - started), number)
        if sent and not retry.may_have_been_accepted(failed.failure):
            sent.reset()
        return failed

    async def _read_error(self, response: httpx.Response) -> bytes:
        """Return the body of an error response, up to `MAX_ERROR_SIZE`, and release its connection."""
        content = bytearray()
        async with aclosing(self.backend.aiter_bytes(response)) as chunks:
            async for chunk in chunks:
                content += chunk
                if len(content) >= MAX_ERROR_SIZE:
                    break
        return bytes(content[:MAX_ERROR_SIZE])

    def _diagnose(self, cause: Exception, request: Request, failure: retry.Failure) -> _FailedAttempt:
        """Return the failed attempt for an error of the connection."""
        from ._sansio.connection_error import diagnose  # only needed for errors, and with it ssl

        error = map_exception(cause, request_label(request))
        diagnosis = diagnose(cause, has_connected=self.clock.has_observed)
        if diagnosis is None:
            return _FailedAttempt(error, failure, cause, not isinstance(cause, (BodyTooLargeError, *NON_RETRYABLE)))
        error.add_advice(diagnosis.advice)
        return _FailedAttempt(error, failure, cause, diagnosis.is_retryable)

    def _build(self, request: Request, now: float, sent: SentRecord | None, close_count: int) -> httpx.Request:
        """Return the request of one attempt; it gets at least `MIN_TIMEOUT`."""
        seconds = None if self.deadline is None else max(MIN_TIMEOUT, self.deadline - now)
        built = self.config.requests.build(request, seconds)
        if seconds is not None:
            built.extensions["deadline"] = now + seconds
        if not self._is_urgent:
            built.extensions["close_count"] = close_count
        if sent is not None:
            sent.mark_sent()
            built.extensions["sent"] = sent
        return built

    def _is_too_late(self, delay: float) -> bool:
        return self.deadline is not None and self.backend.monotonic() + delay > self.deadline

    async def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """GET any URL, follow redirects, and return the response with its body unread (see `Backend.aiter_bytes`).

        The token is sent only to the API's origin.

        Raises:
            APIConnectionError: No response arrived.
            APIStatusError: The host responded with an error status.
            ResponseDecodeError: The redirects lead nowhere.
        """
        for _ in range(MAX_REDIRECTS + 1):
            request = Request("GET", url, headers=dict(headers or {}))
            response = (await self.send(request, lambda response: response, stream=True)).value
            if not response.has_redirect_location:
                return response
            await self.backend.aclose(response)
            try:
                url = str(response.url.join(response.headers["location"]))
            except httpx.InvalidURL:
                raise errors.ResponseDecodeError(f"GET {strip_query(url)}: redirect to an invalid URL") from None
        raise errors.ResponseDecodeError(f"GET {strip_query(url)}: more than {MAX_REDIRECTS} redirects")

    async def clean_up(
        self,
        cleanup: Callable[[Session[Any]], Coroutine[Any, Any, object]],
        *,
        error: BaseException | None = None,
        wait: bool = True,
    ) -> None:
        """Run a cleanup that outlives the caller, bounded in time; see `Backend.clean_up`. It gets a session to use.

        What interrupts the wait for it, such as a second cancellation, is raised with what `error` says.
        """

        def run(backend: Backend) -> Coroutine[Any, Any, object]:
            session: Session[Any] = self.without_deadline()
            session.backend = backend
            deadline = backend.monotonic() + CLEANUP_TIMEOUT
            return cleanup(session.with_options(deadline=deadline, max_retries=1, is_urgent=True))

        try:
            await self.backend.clean_up(run, wait=wait)
        except BaseException as interruption:
            messages = [str(error)] if isinstance(error, errors.ReplicateError) else []
            for note in [*messages, *getattr(error, "__notes__", ())]:
                interruption.add_note(note)
            raise


def _is_create(request: Request) -> bool:
    """Whether a request creates a prediction, by whatever method."""
    return (
        request.method == "POST"
        and request.path.endswith("/predictions")
        and isinstance(request.json, Mapping)
        and "input" in request.json
    )


def _id_of(value: object) -> object:
    """Return the id in a parsed response: a model, JSON, or a response of the generated client."""
    if isinstance(value, Mapping):
        return value.get("id")
    return getattr(value, "id", None) or getattr(getattr(value, "parsed", None), "id", None)


def _parse(response: httpx.Response, parse: Callable[[httpx.Response], T], request: Request) -> T:
    try:
        return parse(response)
    except (ValueError, RecursionError) as error:
        drop_connection(response)  # it may be the response to another request
        raise errors.ResponseDecodeError(f"{request_label(request)}: cannot decode the response: {error}") from error
