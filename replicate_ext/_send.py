"""One request with retries: send, decide with `retry`, sleep, send again; the last failure becomes our error."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import httpx

from replicate_api.types import Call, Request

from . import errors
from ._backends.base import Backend, map_exception
from ._sansio import retry
from ._sansio.log import log_attempt, log_job, log_wait
from ._sansio.rate_limit import RateLimiter
from ._sansio.redact import hide_token, strip_query
from ._sansio.request import MIN_TIMEOUT

if TYPE_CHECKING:
    from ._config import Config

T = TypeVar("T")
BackendT = TypeVar("BackendT", bound=Backend, covariant=True)

MAX_CLOCK_SKEW = timedelta(seconds=10)
"""By how much the server's clock may be behind ours, when the client searches for what it may have created."""

MAX_REDIRECTS = 5

MAX_ERROR_SIZE = 64 * 1024
"""Bytes that are read of the body of an error response: it may be anything, and need not end."""

_NON_RETRYABLE = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError, OverflowError)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, *_NON_RETRYABLE)


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
    """Sends requests through a backend; every call of a client goes through its one session."""

    def __init__(self, backend: BackendT) -> None:
        self.backend = backend
        self._has_connected = False
        self._rate_limiters = {is_idempotent: RateLimiter() for is_idempotent in (True, False)}

    @cached_property
    def config(self) -> Config:
        """The configuration of the client."""
        return self.backend.config

    def with_config(self, config: Config) -> Session[BackendT]:
        """Return a session with another configuration on the same connections, and with the same rate limit."""
        session = copy.copy(self)
        session.config = config
        return session

    async def call(self, call: Call[T]) -> T:
        """Send a call, with retries, and return its parsed response. Raises as `send` does."""
        return (await self.send(call.request, call.parse)).value

    async def send(
        self,
        request: Request,
        parse: Callable[[httpx.Response], T],
        *,
        stream: bool = False,
        max_retries: int | None = None,
        deadline: float | None = None,
        is_urgent: bool = False,
    ) -> TimedResponse[T]:
        """Send a request, with retries, and parse the response.

        Args:
            request: What to send.
            parse: Turns a successful response into its value; ValueError means that it cannot be decoded.
            stream: Leave the body unread, and redirects to the caller.
            max_retries: Replaces the client's.
            deadline: A moment on the backend's clock: it bounds each attempt, and no retry waits beyond it.
            is_urgent: Ignore the rate limit that blocks the other requests of this client.

        Raises:
            APIConnectionError, APIStatusError, ResponseDecodeError: The failure of the last attempt.
        """
        backend = self.backend
        retries = self.config.max_retries if max_retries is None else max_retries
        label = f"{request.method} {strip_query(request.path)}"
        is_idempotent = retry.is_idempotent(request.method, request.path)
        first_sent, started = datetime.now(UTC), backend.monotonic()
        attempt, waited = 1, 0.0
        is_api = request.path.startswith("/")  # other hosts have rate limits of their own
        limiter = self._rate_limiters[is_idempotent] if is_api and not is_urgent else RateLimiter()
        ticket = None
        max_wait = self.config.max_rate_limit_wait
        while True:
            if limiter.must_wait(backend.monotonic()):
                ticket = limiter.enter(ticket)
                waited += await self._wait_for_rate_limit(limiter, ticket, request, waited, deadline)
            result = await self._attempt(request, parse, label, attempt, stream, deadline)
            if isinstance(result, TimedResponse):
                if ticket is not None:
                    limiter.accept(result.headers.get("ratelimit-remaining"))
                log_job(request.method, request.path, result.value)
                return result
            error, failure, cause, is_retryable = result
            hide_token(error, self.config.token)
            hide_token(cause, self.config.token)
            hint = retry.retry_after(failure)
            is_limited = isinstance(error, errors.RateLimitError) and (hint or 0.0) >= retry.INITIAL_BACKOFF
            if isinstance(error, errors.RateLimitError) and is_limited:
                limiter.block(backend.monotonic(), hint or 0.0, error.detail, has_waited=ticket is not None)
            delay = retry.retry_delay(failure, attempt, retries, waited, max_wait) if is_retryable else None
            if delay is None or not request.is_replayable() or self._is_too_late(delay, deadline):
                if not is_idempotent and retry.may_have_been_accepted(failure):
                    error.maybe_created_after = first_sent - MAX_CLOCK_SKEW
                raise error from cause
            if not is_limited:  # else the rate limiter makes it wait
                reason = f"retry {attempt} after {failure.status_code or type(cause).__name__}"
                log_wait(request.method, request.path, delay, reason, backend.monotonic() - started)
                await backend.sleep(delay)
                waited += delay if hint is not None else 0.0
            attempt += 1

    async def _wait_for_rate_limit(
        self, limiter: RateLimiter, ticket: int, request: Request, waited: float, deadline: float | None
    ) -> float:
        """Wait until the rate limiter releases the call, and return the seconds waited."""
        total, max_wait, monotonic = 0.0, self.config.max_rate_limit_wait, self.backend.monotonic
        method, path = request.method, request.path
        try:
            while (delay := limiter.delay(ticket, monotonic())) > 0:
                remaining = limiter.seconds_blocked(monotonic()) or delay
                is_too_long = max_wait is not None and waited + total + remaining > max_wait
                if is_too_long or self._is_too_late(remaining, deadline):
                    note = (
                        f"(this client got a 429 for another call, and may not send for {remaining:.0f} more seconds)"
                    )
                    detail = " ".join(filter(None, [limiter.reason, note]))
                    label = f"{method} {strip_query(path)}"
                    raise errors.RateLimitError(429, detail=detail, request=label, retry_after=remaining)
                if not total:
                    log_wait(method, path, limiter.expected_delay(ticket, monotonic()), "rate limit (429)", waited)
                await self.backend.sleep(delay)
                total += delay
            return total
        finally:
            limiter.leave(ticket)

    async def _attempt(
        self,
        request: Request,
        parse: Callable[[httpx.Response], T],
        label: str,
        number: int,
        stream: bool,
        deadline: float | None,
    ) -> TimedResponse[T] | _FailedAttempt:
        """Send a request once."""
        backend = self.backend
        started = backend.monotonic()
        max_seconds = None if deadline is None else max(MIN_TIMEOUT, deadline - started)
        method, path = request.method, request.path
        outcome: object = "no response"
        try:
            response = await backend.send(self.config.requests.build(request, max_seconds), stream=stream)
            outcome = response.status_code
            self._has_connected = True
            if response.is_success or (stream and response.has_redirect_location):
                value = _parse(response, parse, label)
                return TimedResponse(value, response.status_code, backend.monotonic() - started, response.headers)
            content = await self._read_error(response)
        except (httpx.RequestError, *_NON_RETRYABLE) as cause:
            outcome = type(cause).__name__
            return self._diagnose(cause, label, retry.Failure(method, path, isinstance(cause, _NOT_SENT)))
        except (errors.ResponseDecodeError, errors.APIConnectionError) as error:  # undecodable or interrupted
            return _FailedAttempt(error, retry.Failure(method, path), error.__cause__)
        finally:
            log_attempt(method, path, outcome, 1000 * (backend.monotonic() - started), number)
        status_code, headers = response.status_code, response.headers
        failure = retry.Failure(method, path, status_code=status_code, headers=headers, body=content)
        return _FailedAttempt(
            errors.from_response(status_code, headers, content, label, retry.retry_after(failure)), failure
        )

    async def _read_error(self, response: httpx.Response) -> bytes:
        """Return the body of an error response, up to `MAX_ERROR_SIZE`, and release its connection."""
        content = bytearray()
        async with aclosing(self.backend.aiter_bytes(response)) as chunks:
            async for chunk in chunks:
                content += chunk
                if len(content) >= MAX_ERROR_SIZE:
                    break
        return bytes(content[:MAX_ERROR_SIZE])

    def _diagnose(self, cause: Exception, label: str, failure: retry.Failure) -> _FailedAttempt:
        """Return the failed attempt for an error of the connection."""
        from ._sansio.connection_error import diagnose  # only needed for errors, and with it ssl

        error = map_exception(cause, label)
        diagnosis = diagnose(cause, has_connected=self._has_connected)
        if diagnosis is None:
            return _FailedAttempt(error, failure, cause, not isinstance(cause, _NON_RETRYABLE))
        error.add_advice(diagnosis.advice)
        return _FailedAttempt(error, failure, cause, diagnosis.is_retryable)

    def _is_too_late(self, delay: float, deadline: float | None) -> bool:
        return deadline is not None and self.backend.monotonic() + delay > deadline

    async def fetch(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        deadline: float | None = None,
        max_retries: int | None = None,
    ) -> httpx.Response:
        """GET any URL, follow redirects, and return the response with its body unread (see `Backend.aiter_bytes`).

        The token is sent only to the API's origin. `deadline` and `max_retries` apply to each request.

        Raises:
            APIConnectionError: No response arrived.
            APIStatusError: The host responded with an error status.
            ResponseDecodeError: The redirects lead nowhere.
        """
        for _ in range(MAX_REDIRECTS + 1):
            request = Request("GET", url, headers=dict(headers or {}))
            response = (
                await self.send(
                    request, lambda response: response, stream=True, deadline=deadline, max_retries=max_retries
                )
            ).value
            if not response.has_redirect_location:
                return response
            await self.backend.aclose(response)
            try:
                url = str(response.url.join(response.headers["location"]))
            except httpx.InvalidURL:
                raise errors.ResponseDecodeError(f"GET {strip_query(url)}: redirect to an invalid URL") from None
        raise errors.ResponseDecodeError(f"GET {strip_query(url)}: more than {MAX_REDIRECTS} redirects")


def _parse(response: httpx.Response, parse: Callable[[httpx.Response], T], label: str) -> T:
    try:
        return parse(response)
    except (ValueError, RecursionError) as error:
        raise errors.ResponseDecodeError(f"{label}: cannot decode the response: {error}") from error
