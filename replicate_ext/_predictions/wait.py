"""Wait until a prediction or training has finished: listen to its event stream, or poll."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from replicate_api import operations as op

from .. import errors
from .._sansio import job as jobs
from .._sansio.job import JobT
from .._sansio.sse import SSEDecoder
from .schedule import CompletionEstimate, poll_interval

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training
    from replicate_api.types import Call

    from .._send import Session

MAX_SILENCE = 10.0
"""Seconds without an event after which a wait with a `timeout` checks the clock."""

MAX_UNKNOWN_STATUS_TIME = 60.0
"""Seconds for which a job may stay in an unknown status before the wait fails: it may never reach a known end."""

STREAM_HEADERS = {"Accept": "text/event-stream", "Cache-Control": "no-store"}


class WaitOptions(NamedTuple):
    """How to wait for a job."""

    started: float
    """The moment on the backend's clock from which `timeout` counts."""

    timeout: float | None = None
    poll_interval: float | None = None
    progress: Callable[[Any], object] | None = None
    estimate: CompletionEstimate | None = None

    @property
    def deadline(self) -> float | None:
        """The moment at which `timeout` expires."""
        return None if self.timeout is None else self.started + self.timeout

    def report(self, job: Prediction | Training) -> None:
        """Call the caller's `progress` with a new state."""
        if self.progress is not None:
            self.progress(job)


async def get_prediction(session: Session[Any], id: str, options: WaitOptions) -> Prediction:
    """Return a prediction by its id; WaitTimeoutError if `timeout` expires before."""
    call = op.PREDICTIONS_GET(id)
    try:
        return (await session.send(call.request, call.parse, deadline=options.deadline)).value
    except errors.ReplicateError as error:
        if options.deadline is None or session.backend.monotonic() < options.deadline:
            raise
        raise errors.WaitTimeoutError(f"{id} could not be fetched within {options.timeout:g} seconds") from error


async def wait(session: Session[Any], job: JobT, options: WaitOptions) -> JobT:
    """Wait until the job is finished, and return it however it ended.

    The end of a job with an event stream arrives there, unless the caller wants to see its progress. All others, and
    those whose stream fails, are polled.

    Raises:
        WaitTimeoutError: `timeout` expired, or an unknown status did not change for too long.
        ReplicateError: A poll failed despite retries; `error.prediction` is the latest known state.
    """
    operation = op.TRAININGS_GET if jobs.is_training(job) else op.PREDICTIONS_GET
    get, monotonic = cast("Callable[[str], Call[JobT]]", operation), session.backend.monotonic
    polling_since, status_since, is_first_poll = options.started, monotonic(), True
    url = jobs.stream_url(job) if options.poll_interval is None and options.progress is None else None
    while not jobs.is_finished(job):
        _check_expiry(job, options, monotonic(), status_since)
        if url is not None:
            url = url if await _stream_until_done(session, url, options.deadline) else None
            polling_since = monotonic()
        else:
            delay = await _poll_delay(session, options, polling_since, is_first_poll)
            is_first_poll = False
            await session.backend.sleep(delay)
        try:
            call = get(jobs.id_of(job))
            latest = (await session.send(call.request, call.parse, deadline=options.deadline)).value
        except errors.ReplicateError as error:
            error.prediction = job
            if options.deadline is not None and monotonic() >= options.deadline:
                continue  # the deadline ended the request; the check above raises for it
            raise
        if latest.status != job.status:
            status_since = monotonic()
        job = latest
        options.report(job)
    return job


def _check_expiry(job: Prediction | Training, options: WaitOptions, now: float, status_since: float) -> None:
    if options.deadline is not None and now >= options.deadline:
        raise errors.WaitTimeoutError(f"{job.id} is still {job.status} after {options.timeout:g} seconds", job)
    if not getattr(job.status, "is_known", False) and now - status_since > MAX_UNKNOWN_STATUS_TIME:
        raise errors.WaitTimeoutError(f"{job.id} stays in status {job.status!r}, which this version does not know", job)


async def _poll_delay(session: Session[Any], options: WaitOptions, polling_since: float, is_first_poll: bool) -> float:
    """Return the seconds until the next poll, or until the deadline if that is sooner."""
    deadline, delay, monotonic = options.deadline, options.poll_interval, session.backend.monotonic
    if delay is None:
        end = None
        if options.estimate is not None:
            end = await options.estimate.expected_at(session, deadline, is_first_poll=is_first_poll)
        now = monotonic()
        delay = poll_interval(now - polling_since, None if end is None else end - now)
    return delay if deadline is None else max(0.0, min(delay, deadline - monotonic()))


async def _stream_until_done(session: Session[Any], url: str, deadline: float | None) -> bool:
    """Listen to an event stream until it ends; return whether to reconnect if the job is not finished then.

    That is the case if the stream worked but ended without `done`: a proxy or a long silence interrupted it.
    """
    monotonic = session.backend.monotonic
    started, read_deadline = monotonic(), None
    if deadline is not None:
        read_deadline = started + min(MAX_SILENCE, max(1.0, (deadline - started) / 2))
    decoder = SSEDecoder()
    try:
        response = await session.fetch(url, STREAM_HEADERS, deadline=read_deadline, max_retries=0)
        async with aclosing(session.backend.aiter_bytes(response)) as chunks:
            async for chunk in chunks:
                if any(event.event == "done" for event in decoder.feed(chunk)):
                    return False
                if deadline is not None and monotonic() >= deadline:
                    break
    except errors.ReplicateError:
        pass
    return bool(monotonic() - started >= 1)  # a stream that ends sooner would be reconnected in a tight loop
