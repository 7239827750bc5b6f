"""What has been bought and not ended: running predictions, and creates whose response never arrived."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Collection, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from replicate_api import operations as op

from .. import errors
from .._predictions.abandon import SEARCH_DELAYS
from .._predictions.wait import fetch_job
from .._sansio import job as jobs
from . import reconcile
from .journal import Journal
from .outage import Outage
from .watcher import Watcher

if TYPE_CHECKING:
    from replicate_api.models import Prediction

    from .._backends.asyncio import AsyncBackend
    from .._send import Session
    from .flight import Flight
    from .ledger import Ledger
    from .target import Target

MIN_SEARCHES = 2
"""Searches, `SETTLE_TIME` apart, after which a prediction that no list shows does not exist."""

MEASURED_TOGETHER = 90
"""Ended predictions without metrics for which a page of the list is requested."""

MEASUREMENT_INTERVAL = 2.0
"""Seconds between two sweeps for metrics: a list may be late."""

MAX_MEASUREMENTS = 3
"""Sweeps at the end of a batch for metrics that are missing."""


class Purchase(NamedTuple):
    """A prediction that has ended, whose metrics are not known."""

    attempt_id: int
    n: int
    created_at: float | None
    is_timed: bool = False
    """Whether its seconds are known, and only its cost is not."""


class Outcomes(Protocol):
    """What becomes of purchases."""

    def ended(self, flight: Flight, job: Prediction) -> None:
        """A prediction has ended."""

    def absent(self, flight: Flight) -> None:
        """The prediction of a create does not exist."""

    def uncertain(self, flight: Flight, reason: str) -> None:
        """Whether it exists, or what became of it, cannot be found out."""

    def measured(self, purchase: Purchase, job: Prediction) -> None:
        """The metrics of a prediction that has ended are known."""

    def stop(self, reason: str, cause: BaseException | None = None) -> None:
        """Nothing more can be found out."""


class Tracker:
    """Finds out what became of purchases.

    Args:
        session: Sends the requests.
        target: The model.
        journal: Knows the purchases.
        ledger: Writes to the journal.
        start_soon: Runs a coroutine in the background.
        outcomes: Is called with what became of purchases.
    """

    def __init__(
        self,
        session: Session[AsyncBackend],
        target: Target,
        journal: Journal,
        ledger: Ledger,
        start_soon: Callable[[Coroutine[Any, Any, None]], object],
        outcomes: Outcomes,
    ) -> None:
        self._session, self._target, self._journal, self._ledger = session, target, journal, ledger
        self._start_soon, self._outcomes = start_soon, outcomes
        self._watcher = Watcher(session, self._seen, self._vanished)
        self._identity: list[str | None] | None = journal.get("identity")
        self.running: dict[str, Flight] = {}
        """By the ids of the predictions."""

        self.lost: list[Flight] = []
        """Creates whose response never arrived."""

        self.unmeasured: dict[str, Purchase] = {}
        self.awaited: Callable[[], Collection[bytes]] = tuple
        """Returns the hashes of the creates whose response may still arrive."""

        self.outage = Outage(session.backend.monotonic)
        """The failures of the latest sweeps and searches."""

        self._is_sweeping = self._is_searching = self._is_canceling = False
        self._measurements = 0
        self._next_measurement = 0.0

    @property
    def duration(self) -> float | None:
        """The median of the latest durations, in seconds, or None before the first one."""
        return self._watcher.duration

    def add(self, flight: Flight, job: Prediction | None = None) -> None:
        """Watch a prediction; `job` is the first that is known of it."""
        if job is not None and self._identity is None:
            self._identity = self._target.identity(job)
            self._journal.set(identity=self._identity)
        assert flight.id is not None
        self.running[flight.id] = flight
        self._watcher.add(flight)

    def lose(self, flight: Flight) -> None:
        """Search for the prediction of a create whose response never arrived."""
        self.lost.append(flight)

    def remove(self, flight: Flight, job: Prediction) -> None:
        """Stop watching a prediction that has ended."""
        if flight.id in self.running:
            del self.running[flight.id]
            created_at, completed_at = jobs.created_at(job), jobs.completed_at(job)
            if created_at is None or completed_at is None:  # the response to a held create
                self._watcher.note_duration(self._session.backend.monotonic() - flight.started)
            else:  # it may have been noticed much later, after an outage
                self._watcher.note_duration(completed_at - created_at)

    def measure(self, purchase: Purchase, id: str) -> None:
        """Fetch the metrics of a prediction that has ended, when a request pays."""
        self.unmeasured[id] = purchase

    @property
    def has_measured(self) -> bool:
        """Whether the metrics of all predictions are known, or are not to be had."""
        return not self.unmeasured or self._measurements >= MAX_MEASUREMENTS

    @property
    def has_given_up(self) -> bool:
        """Whether nothing can be found out: the API refuses the token, or has been out of reach for too long."""
        return isinstance(self.outage.error, errors.AuthenticationError) or self.outage.is_too_long

    def start(self, *, measure_all: bool) -> None:
        """Start the requests that are due.

        Args:
            measure_all: Whether metrics are wanted now, because nothing else is left to be done.
        """
        if self.outage.seconds_left:
            return
        if not self._is_searching and not self._is_canceling and self._searchable():
            self._is_searching = True
            self._start_soon(self._search())
        is_wanted = len(self.unmeasured) >= MEASURED_TOGETHER or (measure_all and not self.has_measured)
        now = self._session.backend.monotonic()
        is_measuring = is_wanted and now >= self._next_measurement
        is_due = bool(self.running) and self._watcher.seconds_to_next(self.running.values()) <= 0
        if not self._is_sweeping and (is_due or is_measuring):
            self._is_sweeping = True
            if is_measuring:
                self._next_measurement = now + MEASUREMENT_INTERVAL
                self._measurements += measure_all
            self._start_soon(self._sweep(list(self.running.values()), is_measuring))

    def seconds_to_next(self) -> float | None:
        """Return the seconds until `start` has something to do, or None."""
        now = self._session.backend.monotonic()
        due = [flight.lost_at + reconcile.SETTLE_TIME - now for flight in self.lost if not self._is_searching]
        if self.running and not self._is_sweeping:
            due.append(self._watcher.seconds_to_next(self.running.values()))
        if self.unmeasured and not self._is_sweeping and self._next_measurement > now:
            due.append(self._next_measurement - now)
        return max(min(due), self.outage.seconds_left) if due else None

    async def _sweep(self, flights: list[Flight], is_measuring: bool) -> None:
        unmeasured = {id: purchase.created_at for id, purchase in self.unmeasured.items()} if is_measuring else {}
        try:
            await self._watcher.sweep(flights, unmeasured)
        except errors.ReplicateError as error:
            self._fail(error)
        else:
            self.outage.end()
        finally:
            self._is_sweeping = False

    def _fail(self, error: errors.ReplicateError) -> None:
        self.outage.fail(error)
        if self.has_given_up:
            is_refused = isinstance(error, errors.AuthenticationError)
            self._outcomes.stop(str(error) if is_refused else self.outage.reason, error)

    def _seen(self, job: Prediction) -> None:
        flight = self.running.get(job.id)
        if flight is not None:
            self.remove(flight, job)
            self._outcomes.ended(flight, job)
        purchase = self.unmeasured.pop(job.id, None)
        if purchase is not None:
            self._measurements = 0
            self._outcomes.measured(purchase, job)

    def _vanished(self, flight: Flight) -> None:
        if flight.id in self.running:
            del self.running[flight.id]
            self._outcomes.uncertain(flight, f"the API does not know prediction {flight.id} anymore")

    # Creates without a response

    def _searchable(self) -> list[Flight]:
        """Return the lost creates that have arrived by now, if they ever will."""
        now = self._session.backend.monotonic()
        return [flight for flight in self.lost if flight.lost_at + reconcile.SETTLE_TIME <= now]

    async def _search(self) -> None:
        lost = self._searchable()
        try:
            await self._decide(lost)
        except errors.ReplicateError as error:
            self._fail(error)
        except sqlite3.OperationalError:  # which the driver reports, when it cannot write either
            for flight in lost:
                flight.lost_at = self._session.backend.monotonic()
        else:
            self.outage.end()
        finally:
            self._is_searching = False

    async def _decide(self, lost: list[Flight]) -> None:
        verdict = await self._compare(lost)
        if self._is_canceling:  # `cancel` searches too, and cancels what it finds
            return
        for adoption in verdict.adopted:
            self._adopt(adoption)
        for flight in verdict.uncertain:
            self._forget(flight)
            reason = (
                f"a create sent at {_format(flight.intent_at)} may have been accepted, and inputs were removed since"
            )
            self._outcomes.uncertain(flight, reason)
        for flight in verdict.absent:
            flight.searches += 1
            flight.lost_at = self._session.backend.monotonic()  # lists may be late: search once more
            if flight.searches == MIN_SEARCHES:
                self._forget(flight)
                self._outcomes.absent(flight)

    async def _compare(self, lost: list[Flight]) -> reconcile.Verdict:
        """Compare creates with the predictions that exist."""
        since = min(flight.intent_at for flight in lost)
        candidates = await reconcile.find_candidates(self._session, self._target, self._identity, since)
        self._journal.commit()  # the ids that have arrived meanwhile
        lost = [flight for flight in lost if flight in self.lost]
        return reconcile.decide(lost, candidates, self._journal.is_known, self.awaited())

    def _adopt(self, adoption: reconcile.Adoption) -> None:
        flight, job = adoption.flight, adoption.job
        self._forget(flight)
        flight.id, flight.created_at, flight.is_ours = job.id, jobs.created_at(job), adoption.is_ours
        self._ledger.created(flight)
        self.add(flight, job)
        if jobs.is_finished(job):
            self._seen(job)

    def _forget(self, flight: Flight) -> None:
        self.lost.remove(flight)

    # Cancellation

    async def cancel(self) -> None:
        """Cancel everything that is running, also what is only known by its input, as far as it is surely ours."""
        self._is_canceling = True
        flights = [flight for flight in self.running.values() if flight.is_ours]
        for flight in flights:
            self._ledger.cancel_requested(flight)
            flight.is_canceled = True
        await self._cancel_all(flights)
        for delay in SEARCH_DELAYS if self.lost else ():
            await self._session.backend.sleep(delay)
            if await self._claim():
                return

    async def _cancel_all(self, flights: list[Flight]) -> None:
        with contextlib.suppress(sqlite3.OperationalError):  # a full disk, say, must not let them run
            self._journal.commit()
        await self._session.backend.gather([self._cancel(flight) for flight in flights])

    async def _cancel(self, flight: Flight) -> None:
        try:
            job = await fetch_job(self._session, op.PREDICTIONS_CANCEL, str(flight.id))
        except errors.ReplicateError:
            return  # the journal has its id: it is watched when the batch is resumed
        if jobs.is_finished(job):
            self._seen(job)

    async def _claim(self) -> bool:
        """Search for the lost creates, and cancel those that are surely ours; return whether none is left."""
        try:
            verdict = await self._compare(list(self.lost))
        except (errors.ReplicateError, sqlite3.OperationalError):
            return False
        claimed = [adoption for adoption in verdict.adopted if adoption.is_ours]
        for adoption in claimed:
            adoption.flight.is_canceled = True
            self._adopt(adoption)
        await self._cancel_all([flight for flight, job, _ in claimed if job.id in self.running])
        return not self.lost


def _format(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
