"""One request, as often as it takes: send, decide with `retry`, sleep, send again; what remains becomes our error."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

import httpx

from replicate_api.types import Call, Request

from . import errors
from ._backends.sync import Wire, connection_error, public
from ._config import MIN_TIMEOUT
from ._sansio import retry

T = TypeVar("T")

CLOCK_SKEW = timedelta(seconds=10)
"""How far the server's clock may be behind ours when we look for what we may have created."""

logger = logging.getLogger("replicate_ext")
"""One line per attempt at DEBUG; no token, no input, and of other hosts' addresses only the host."""


class Reply(NamedTuple, Generic[T]):
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
    is_urgent: bool = False,
) -> Reply[T]:
    """Send a request, again where that is safe, and read the answer.

    `deadline`, on the wire's clock, bounds each attempt, and no attempt is waited for beyond it. An urgent request
    goes out even while the others of this client wait because the server said so.

    Raises:
        ConnectionFailed, APIStatusError, ResponseError: What was left when no repetition was allowed any more.
    """
    retries = wire.settings.max_retries if max_retries is None else max_retries
    label = f"{request.method} {public(request.path)}"
    since = datetime.now(UTC) - CLOCK_SKEW
    is_shared = request.path.startswith("/") and not is_urgent  # other hosts have limits of their own
    limiter = wire.limiter if is_shared else retry.Limiter()
    kind = request.method, request.path
    attempt, waited = 1, 0.0
    while True:
        while (pause := limiter.pause(kind, wire.now())) > 0:
            if waited + pause > retry.LONGEST_WAIT or _too_late(wire, pause, deadline):
                told = f"another call of this client was told to wait, for {pause:.0f} more seconds"
                detail = " ".join(text for text in (limiter.reason(kind), f"({told})") if text)
                raise errors.RateLimited(429, detail=detail, call=label, retry_after=pause)
            await wire.sleep(pause)
            waited += pause
        began = wire.now()
        timeout = None if deadline is None else max(MIN_TIMEOUT, deadline - began)
        error: errors.ReplicateError
        cause: BaseException | None = None
        outcome: object = "nothing"
        try:
            response = await wire.request(request, timeout, stream=stream)
            outcome = response.status_code
            if response.is_success or (stream and response.has_redirect_location):
                return Reply(_read(response, parse, label), response.status_code, wire.now() - began)
            content = await wire.load(response)
        except (httpx.RequestError, httpx.InvalidURL) as broken:
            cause, error = broken, connection_error(broken, label)
            failure = retry.Failure(request.method, request.path, unsent=isinstance(broken, (*_UNSENT, *_HOPELESS)))
            outcome = type(broken).__name__
        except errors.ResponseError as unreadable:
            cause, error = unreadable.__cause__, unreadable
            failure = retry.Failure(request.method, request.path)
        else:
            headers = response.headers
            failure = retry.Failure(
                request.method, request.path, status=response.status_code, headers=headers, body=content
            )
            error = errors.from_response(response.status_code, headers, content, label, retry.retry_after(failure))
        finally:
            if logger.isEnabledFor(logging.DEBUG):
                spent, shown = 1000 * (wire.now() - began), _redacted(request)
                logger.debug("%s %s -> %s in %.0f ms, attempt %d", request.method, shown, outcome, spent, attempt)
        hint = retry.retry_after(failure)
        if hint is not None and isinstance(error, errors.RateLimited):
            limiter.hold(kind, wire.now() + hint, error.detail)
        delay = None if isinstance(cause, _HOPELESS) else retry.delay(failure, attempt, retries, waited)
        if delay is None or not request.is_replayable() or _too_late(wire, delay, deadline):
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
    """GET any URL, following redirects, and return the answer with its body still to come (see `Wire.body`).

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
        try:
            url = str(response.url.join(response.headers["location"]))
        except httpx.InvalidURL:
            raise errors.ResponseError(f"GET {public(url)}: a redirect to no address") from None
    raise errors.ResponseError(f"GET {public(url)}: more than {MAX_REDIRECTS} redirects")


MAX_REDIRECTS = 5

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)


def _read(response: httpx.Response, parse: Callable[[httpx.Response], T], label: str) -> T:
    try:
        return parse(response)
    except (ValueError, RecursionError) as unreadable:
        raise errors.ResponseError(f"{label}: cannot read the answer: {unreadable}") from unreadable


def _redacted(request: Request) -> str:
    """Return what may be logged of an address: a path of the API, of any other only the host (the path is its key)."""
    host = request.path.partition("//")[2].partition("/")[0]
    return f"{host}/…" if host else public(request.path)
