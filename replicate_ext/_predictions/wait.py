"""Wait until a prediction or training has finished: listen to its event stream, or poll."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, aclosing, closing, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Protocol, cast

from replicate_api import operations as op

from .. import errors
from .._progress import ProgressBar
from .._sansio import job as jobs
from .._sansio.job import JobT
from .._sansio.sse import SSEDecoder
from .schedule import CompletionEstimate, poll_interval

if TYPE_CHECKING:
    import httpx

    from replicate_api.models import Prediction, Training
    from replicate_api.types import Call

    from .._send import Session

MAX_LISTENING_TIME = 60.0
"""Seconds after which a job is polled although its event stream is alive: its `done` event may have been lost."""

MAX_UNKNOWN_STATUS_TIME = 60.0
"""Seconds for which a job may stay in an unknown status before the wait fails: it may never reach a known end."""

STREAM_HEADERS = {"Accept": "text/event-stream", "Cache-Control": "no-store"}


class _NullInJson:
    """Makes pydantic describe a function as null: a tool made of `client.run` gets its arguments as JSON."""

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> dict[str, str]:
        return {"type": "null"}


Callback = Annotated[Callable[[JobT], object], _NullInJson()]
"""A function that is called with a job; on the async client it may be a coroutine function."""


def open_callback(progress: bool | Callback[Any] | None) -> AbstractContextManager[Callback[Any] | None]:
    """Return the callback for the argument `progress`, for the time of the block: True shows a bar."""
    if progress is True:
        return closing(ProgressBar())
    return nullcontext(None if progress is False else progress)


def check_callbacks(session: Session[Any], **callbacks: Callback[Any] | None) -> None:
    """Raise TypeError for a callback that cannot be called on this client."""
    for name, callback in callbacks.items():
        if callback is None:
            continue
        if not callable(callback):
            raise TypeError(f"{name} must be a function that takes the prediction, not {callback!r:.100}")
        is_async = inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(type(callback).__call__)
        if is_async and not session.backend.is_async:
            raise TypeError(f"{name} is an async function, which only AsyncReplicate can await; pass a plain function")


async def call_back(session: Session[Any], callback: Callback[Any] | None, job: Prediction | Training) -> None:
    """Call a callback, and await it if it is async."""
    result = callback(job) if callback is not None else None
    if session.backend.is_async and inspect.isawaitable(result):
        await result


class HasJob(Protocol):
    """Knows the latest state of a job."""

    job: Any


class WaitOptions(NamedTuple):
    """How to wait for a job; until when is the deadline of the session."""

    started: float
    """The moment on the backend's clock at which the caller began to wait."""

    timeout: float | None = None
    poll_interval: float | None = None
    progress: Callback[Any] | None = None
    estimate: CompletionEstimate | None = None


async def fetch_job(session: Session[Any], operation: Any, id: str) -> Any:
    """Return the current state of a job, or cancel it.

    A response about another job was meant for another request, and is treated as one that cannot be decoded: the
    request is retried.
    """
    call = operation(id)
    return (await session.send(call.request, partial(_parse_job, call, id))).value


def _parse_job(call: Call[Any], id: str, response: httpx.Response) -> Any:
    job = call.parse(response)
    if job.id != id:
        raise ValueError(f"it is about {job.id!r:.40} instead of {id!r}")
    return job


async def get_prediction(session: Session[Any], id: str, options: WaitOptions) -> Prediction:
    """Return a prediction by its id; WaitTimeoutError if `timeout` expires before."""
    try:
        return cast("Prediction", await fetch_job(session, op.PREDICTIONS_GET, id))
    except errors.APIConnectionError as error:
        if session.seconds_left() != 0:
            raise
        raise errors.WaitTimeoutError(f"{id} could not be fetched within {options.timeout:g} s") from error


async def wait(session: Session[Any], job: JobT, options: WaitOptions, attendance: HasJob) -> JobT:
    """Wait until the job is finished, and return it however it ended.

    The end of a job with an event stream arrives there, unless the caller wants to see its progress. All others, and
    those whose stream fails, are polled.

    Raises:
        WaitTimeoutError: The deadline passed, or an unknown status did not change for too long.
        ReplicateError: A poll failed despite retries; `error.prediction` is the latest known state.
    """
    operation: Any = op.TRAININGS_GET if jobs.is_training(job) else op.PREDICTIONS_GET
    monotonic = session.backend.monotonic
    polling_since, status_since, is_first_poll = options.started, monotonic(), True
    url = jobs.stream_url(job) if options.poll_interval is None and options.progress is None else None
    while not jobs.is_finished(job):
        _check_expiry(session, job, options, monotonic() - status_since)
        if url is not None:
            url = url if await _stream_until_done(session, url) else None
            polling_since = monotonic()
        else:
            delay = await _poll_delay(session, options, polling_since, is_first_poll)
            is_first_poll = False
            await session.backend.sleep(delay)
        try:
            latest: JobT = await fetch_job(session, operation, jobs.id_of(job))
        except errors.ReplicateError as error:
            error.prediction = job
            if session.seconds_left() == 0:
                continue  # the deadline ended the request; the check above raises for it
            raise
        if latest.status != job.status:
            status_since = monotonic()
        job = attendance.job = latest
        await call_back(session, options.progress, job)
    return job


def _check_expiry(
    session: Session[Any], job: Prediction | Training, options: WaitOptions, seconds_in_status: float
) -> None:
    if session.seconds_left() == 0:
        raise errors.WaitTimeoutError(f"{job.id} was still {job.status} after {options.timeout:g} s", job)
    if not getattr(job.status, "is_known", False) and seconds_in_status > MAX_UNKNOWN_STATUS_TIME:
        raise errors.WaitTimeoutError(f"{job.id} stays in status {job.status!r}, which this version does not know", job)


async def _poll_delay(session: Session[Any], options: WaitOptions, polling_since: float, is_first_poll: bool) -> float:
    """Return the seconds until the next poll, or until the deadline if that is sooner."""
    delay = options.poll_interval
    if delay is None:
        end = await options.estimate.expected_at(session, is_first_poll=is_first_poll) if options.estimate else None
        now = session.backend.monotonic()
        delay = poll_interval(now - polling_since, None if end is None else end - now)
    return session.limit_to_deadline(delay)


async def _stream_until_done(session: Session[Any], url: str) -> bool:
    """Listen to an event stream until it ends; return whether to reconnect if the job is not finished then.

    That is the case if the stream worked but ended without `done`: a proxy, a long silence, or `MAX_LISTENING_TIME`.
    """
    backend = session.backend
    started = backend.monotonic()
    listening = session.with_options(deadline=started + MAX_LISTENING_TIME, max_retries=0)
    decoder = SSEDecoder()
    try:
        response = await listening.fetch(url, STREAM_HEADERS)
        async with aclosing(backend.aiter_bytes(response)) as chunks:
            async for chunk in chunks:
                if any(event.event == "done" for event in decoder.feed(chunk)):
                    return False
    except errors.ReplicateError:
        pass
    return bool(backend.monotonic() - started >= 1)  # a stream that ends sooner would be reconnected in a tight loop
