"""Watches the running predictions of a batch: one page of the list shows a hundred of them.

A prediction whose create was held until its end needs no further request, except for its metrics, which the response
does not have (docs/api-facts.md, section 7); pages of the list have those, too.
"""

from __future__ import annotations

import statistics
from collections import deque
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from replicate_api import operations as op

from .. import errors
from .._pagination import iterate_items
from .._predictions.wait import fetch_job
from .._sansio import job as jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from replicate_api.models import Prediction

    from .._backends.asyncio import AsyncBackend
    from .._send import Session
    from .flight import Flight

PAGE_SIZE = 100
"""Predictions of a page: docs/api-facts.md, section 4."""

MIN_INTERVAL, MAX_INTERVAL = 1.0, 10.0
"""Seconds between two sweeps."""

EXTRA_REQUESTS = 0.5
"""Pages of the list for each prediction, at most, while many are running."""

MIN_HITS = 3
"""Predictions that a page of the list has to show; where fewer are expected, they are fetched one by one."""

MAX_SINGLE_MEASUREMENTS = 100
"""Predictions that one sweep fetches one by one only for their metrics."""

POLL_GROWTH = 8
"""A prediction that is overdue is polled again after this part of the time that it has taken so far."""

MAX_POLL_INTERVAL = 60.0
"""Seconds between two polls of one prediction, at most."""

MAX_MISSED_POLLS = 5
"""Polls in which the API does not know a prediction that it created, after which it is given up."""

DEFAULT_DURATION = 5.0
"""Seconds that a prediction is assumed to take before the first one has ended."""

UNCERTAINTY = 1.5
"""Factor by which a page is assumed to cover more time after each sweep that has read none."""

CREATION_MARGIN = 1.0
"""Seconds by which the list begins later than the newest prediction that is wanted."""


class Watcher:
    """Finds out what became of the running predictions.

    Args:
        session: Sends the requests.
        seen: Called with every finished prediction that was looked for.
        lost: Called with a prediction that the API does not know anymore.
    """

    def __init__(
        self, session: Session[AsyncBackend], seen: Callable[[Prediction], None], lost: Callable[[Flight], None]
    ) -> None:
        self._session, self._seen, self._lost = session, seen, lost
        self._durations: deque[float] = deque(maxlen=50)
        self._next_sweep = 0.0
        self._page_seconds = float("inf")
        """The time that one page of the list covers, by the other predictions on the latest one."""

    def note_duration(self, seconds: float) -> None:
        """Note how long a prediction took from its create to its end."""
        self._durations.append(seconds)

    @property
    def duration(self) -> float | None:
        """The median of the latest durations, or None before the first one."""
        return statistics.median(self._durations) if self._durations else None

    def add(self, flight: Flight) -> None:
        """Plan the first poll of a prediction: when the first ones of its kind have ended."""
        if len(self._durations) > 1:
            flight.next_poll = flight.started + statistics.quantiles(self._durations, n=10)[0]
        elif self._durations:
            flight.next_poll = flight.started + self._durations[0]

    def seconds_to_next(self, running: Collection[Flight]) -> float:
        """Return the seconds until the next sweep is due."""
        now = self._session.backend.monotonic()
        return max(0.0, max(self._next_sweep, min((flight.next_poll for flight in running), default=0.0)) - now)

    async def sweep(self, running: Collection[Flight], unmeasured: Mapping[str, float | None]) -> None:
        """Fetch the predictions that are due, and those that have ended without metrics.

        Args:
            running: All predictions that have not ended.
            unmeasured: When those without metrics were created, by id.

        Raises:
            ReplicateError: A request failed despite retries.
        """
        backend = self._session.backend
        now = backend.monotonic()
        due = {flight.id: flight for flight in running if flight.id is not None and flight.next_poll <= now}
        wanted = {**unmeasured, **{id: flight.created_at for id, flight in due.items()}}
        pages = await self._sweep_list(wanted)
        measured = islice((id for id in wanted if id not in due), MAX_SINGLE_MEASUREMENTS)
        await backend.gather([self._fetch(id, due.get(id)) for id in [*measured, *(wanted.keys() & due)]])
        for flight in due.values():
            interval = (now - flight.started) / POLL_GROWTH
            flight.next_poll = now + min(max(MIN_INTERVAL, interval), MAX_POLL_INTERVAL)
        expected = self.duration or max(DEFAULT_DURATION, now - min((f.started for f in running), default=now))
        interval = pages * expected / (EXTRA_REQUESTS * max(1, len(running)))
        self._next_sweep = backend.monotonic() + min(max(interval, MIN_INTERVAL), MAX_INTERVAL)

    async def _sweep_list(self, wanted: dict[str, float | None]) -> int:
        """Read the pages of the list that show enough of the predictions; return how many. Removes what was shown."""
        known = [(created_at, id) for id, created_at in wanted.items() if created_at is not None]
        left = deque(sorted(known, reverse=True))
        pages = 0
        while len(left) >= MIN_HITS:
            count = len(left)
            if _is_dense(left, left[0][0], self._page_seconds):
                pages += await self._read_list(left, wanted)
                if len(left) == count:  # the server ignores `created_before`
                    break
            else:
                left.popleft()
        self._page_seconds *= 1 if pages else UNCERTAINTY
        return pages

    async def _read_list(self, left: deque[tuple[float, str]], wanted: dict[str, float | None]) -> int:
        """Read the list from the first of `left` on, as long as it shows enough; return the number of pages."""
        start = datetime.fromtimestamp(left[0][0] + CREATION_MARGIN, UTC)
        others, page_start, moment, count = 0, start.timestamp(), 0.0, 0
        async with aclosing(iterate_items(self._session, op.PREDICTIONS_LIST(created_before=start))) as newest_first:
            async for job in newest_first:
                count += 1
                moment = jobs.created_at(job) or moment
                if job.id not in wanted:
                    others += 1
                elif not _lacks_output(job):
                    del wanted[job.id]
                    self._found(job)
                while left and left[0][0] > moment:
                    left.popleft()
                if count % PAGE_SIZE == 0:
                    self._page_seconds = PAGE_SIZE * max(page_start - moment, 0.001) / max(others, 1)
                    others, page_start = 0, moment
                    if not _is_dense(left, moment, self._page_seconds):
                        break
                elif not left:
                    break
            else:
                left.clear()
        return -(-max(count, 1) // PAGE_SIZE)

    async def _fetch(self, id: str, flight: Flight | None) -> None:
        try:
            self._found(await fetch_job(self._session, op.PREDICTIONS_GET, id))
        except errors.NotFoundError:  # just created, it may not be known everywhere
            if flight is not None:
                flight.missed_polls += 1
                if flight.missed_polls == MAX_MISSED_POLLS:
                    self._lost(flight)

    def _found(self, job: Prediction) -> None:
        if jobs.is_finished(job):
            self._seen(job)


def _is_dense(left: Sequence[tuple[float, str]], start: float, page_seconds: float) -> bool:
    """Whether enough predictions are expected on a page of the list that begins at a moment."""
    return len(left) >= MIN_HITS and left[MIN_HITS - 1][0] >= start - page_seconds


def _lacks_output(job: Prediction) -> bool:
    """Whether a list shows a success without its output: then only the prediction itself says what it was."""
    return job.status == "succeeded" and job.output is None and not job.data_removed
