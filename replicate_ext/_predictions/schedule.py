"""When to poll next: by how long earlier runs took, or with growing intervals."""

from __future__ import annotations

import contextlib
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from replicate_api import operations as op
from replicate_api.errors import MissingOperation

from .. import errors
from .._sansio.job import predict_time
from .._sansio.request import MIN_TIMEOUT

if TYPE_CHECKING:
    from replicate_api.models import Prediction

    from .._sansio.model_ref import ModelRef
    from .._send import Session
    from .known_models import KnownModel

MIN_POLL_INTERVAL = 0.1
"""Seconds."""

MAX_POLL_INTERVAL = 5.0
"""Seconds."""

MAX_TRACKED_MODELS = 1000
"""Models whose run durations a client remembers; a client that runs more forgets them all and starts over."""


def poll_interval(elapsed: float, remaining: float | None = None) -> float:
    """Return the seconds until the next poll: a tenth of the time waited so far, from 0.1 to 5.

    If completion is expected in `remaining` seconds, poll just after that moment, but no later than
    max(0.75 s, elapsed / 2) from now, since runs may finish early. Once overdue, the interval equals the time overdue,
    so it doubles, up to the default interval.
    """
    default = min(MAX_POLL_INTERVAL, max(MIN_POLL_INTERVAL, elapsed / 10))
    if remaining is None:
        return default
    if remaining > 0:
        return min(MAX_POLL_INTERVAL, remaining + 0.01, max(0.75, elapsed / 2))
    return min(default, max(0.04, -remaining))


class RunDurations:
    """How long runs of each model take, by the server's clock."""

    def __init__(self) -> None:
        self._durations: dict[str, deque[float]] = {}
        self._example_durations: dict[str, float | None] = {}

    def record(self, ref: ModelRef, job: Prediction) -> None:
        """Record the duration of a finished run, if the server reported it."""
        if isinstance(job.completed_at, datetime) and isinstance(job.created_at, datetime):
            if len(self._durations) > MAX_TRACKED_MODELS:
                self._durations.clear()
            latest = self._durations.setdefault(str(ref), deque(maxlen=5))
            latest.append((job.completed_at - job.created_at).total_seconds())

    def shortest(self, ref: ModelRef) -> float | None:
        """Return the duration of the shortest of the latest five runs: polling before that is useless."""
        return min(self._durations.get(str(ref), ()), default=None)

    async def of_example(self, session: Session[Any], ref: ModelRef) -> float | None:
        """Return how long the model's default example ran; it is fetched once per model, of any version."""
        if ref.is_deployment or not (ref.owner and ref.name):
            return None
        name = f"{ref.owner}/{ref.name}"
        if name not in self._example_durations:
            if len(self._example_durations) > MAX_TRACKED_MODELS:
                self._example_durations.clear()
            self._example_durations[name] = None
            with contextlib.suppress(errors.ReplicateError, MissingOperation):  # only an optimization
                limited = session.with_options(deadline=session.backend.monotonic() + MIN_TIMEOUT, max_retries=0)
                model = await limited.call(op.MODELS_GET(ref.owner, ref.name))
                self._example_durations[name] = predict_time(getattr(model, "default_example", None))
        return self._example_durations[name]


class CompletionEstimate(NamedTuple):
    """When a job is expected to finish."""

    created_at: float
    """The moment of its creation, on the backend's clock."""

    durations: RunDurations
    ref: ModelRef
    model: KnownModel | None = None

    async def expected_at(self, session: Session[Any], *, is_first_poll: bool) -> float | None:
        """Return the moment of completion, or None: by earlier runs, and after the first poll also by the example."""
        seconds = self.durations.shortest(self.ref)
        if seconds is None and not is_first_poll:
            seconds = self.model.example_duration if self.model else None
            seconds = seconds or await self.durations.of_example(session, self.ref)
        return None if seconds is None else self.created_at + seconds
