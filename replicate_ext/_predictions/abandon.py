"""Cancel what the caller stopped waiting for, even if its id never arrived.

All of it is best effort: it takes little time, ignores the rate limit that blocks other requests, and its own failures
are ignored, because the caller already raises the error that led to it.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from replicate_api import operations as op

from .. import errors
from .._backends.base import CLEANUP_TIMEOUT
from .._sansio import job as jobs
from .._send import MAX_CLOCK_SKEW

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training
    from replicate_api.types import Call

    from .._sansio.model_ref import ModelRef
    from .._send import Session
    from .create import CreateRequest

T = TypeVar("T")

MAX_KNOWN_IDS = 10_000


def is_cancellation(error: BaseException) -> bool:
    """Whether the caller stops waiting: Ctrl-C, a canceled task, an expired `timeout`, but no network failure."""
    if isinstance(error, GeneratorExit):  # the coroutine itself is being closed and must not await anymore
        return False
    return isinstance(error, errors.WaitTimeoutError) or not isinstance(error, Exception)


class InFlightCreates:
    """The creates of one client by fingerprint: how many are in flight, and how many of those are abandoned."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight: Counter[str] = Counter()
        self._abandoned: Counter[str] = Counter()
        self.known_ids: deque[str] = deque(maxlen=MAX_KNOWN_IDS)
        """Ids that arrived, or that are already being canceled: no search may cancel them."""

    def start(self, fingerprint: str) -> None:
        """Count a create that is about to be sent."""
        with self._lock:
            self._in_flight[fingerprint] += 1

    def abandon(self, fingerprint: str) -> None:
        """Count a create in flight as abandoned."""
        with self._lock:
            self._abandoned[fingerprint] += 1

    def finish(self, fingerprint: str) -> None:
        """Count a create as over."""
        with self._lock:
            self._in_flight[fingerprint] -= 1
            self._in_flight += Counter()  # drops zero counts

    def resolve(self, fingerprint: str) -> None:
        """Count an abandoned create as dealt with."""
        with self._lock:
            self._abandoned[fingerprint] -= 1
            self._abandoned += Counter()

    def cancellable(self, fingerprint: str) -> int:
        """Return how many jobs with this fingerprint may be canceled without knowing their ids.

        0 while an identical create is still awaited, because it could be the wrong one.
        """
        with self._lock:
            abandoned = self._abandoned[fingerprint]
            return abandoned if abandoned == self._in_flight[fingerprint] else 0


async def cancel_abandoned(session: Session[Any], job: Prediction | Training | str) -> None:
    """Cancel a job, or a prediction by its id."""

    async def cancel() -> None:
        id = job if isinstance(job, str) else jobs.id_of(job)
        call: Call[Any] = op.TRAININGS_CANCEL(id) if jobs.is_training(job) else op.PREDICTIONS_CANCEL(id)
        await _call_briefly(session, call)

    await session.backend.shielded(cancel())


async def cancel_unidentified(
    session: Session[Any], in_flight: InFlightCreates, request: CreateRequest, since: datetime
) -> None:
    """Cancel the prediction of a create that was interrupted before its id arrived.

    The newest predictions are searched for the same model and input. If more of them match than this client abandoned,
    none is canceled: paying for a prediction is better than canceling somebody else's.
    """
    fingerprint = request.fingerprint

    async def find_and_cancel() -> None:
        page = await _call_briefly(session, op.PREDICTIONS_LIST(created_after=since - MAX_CLOCK_SKEW))
        predictions = page.results if isinstance(page.results, list) else []
        matches = [
            job
            for job in predictions
            if job.input == request.input
            and _is_run_of(job, request.ref)
            and not jobs.is_finished(job)
            and job.id not in in_flight.known_ids
        ]
        if len(matches) <= in_flight.cancellable(fingerprint):
            in_flight.known_ids.extend(job.id for job in matches)
            for job in matches:
                await _call_briefly(session, op.PREDICTIONS_CANCEL(job.id))

    in_flight.abandon(fingerprint)
    try:
        await session.backend.shielded(find_and_cancel())
    finally:
        in_flight.resolve(fingerprint)


def _is_run_of(job: Prediction, ref: ModelRef) -> bool:
    name = f"{ref.owner}/{ref.name}"
    if ref.is_deployment:
        return job.deployment == name
    if ref.owner is None:
        return job.version == ref.version
    return job.model == name


async def _call_briefly(session: Session[Any], call: Call[T]) -> T:
    deadline = session.backend.monotonic() + CLEANUP_TIMEOUT
    return (await session.send(call.request, call.parse, deadline=deadline, max_retries=1, is_urgent=True)).value
