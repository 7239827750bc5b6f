"""The driver: buys the rows of a batch, waits for them, saves what they made, and hands them to `then`.

It works in turns. A turn takes what has happened since the last one, writes it to the journal together with the next
intents, commits once, and only then sends the creates and reports the finished rows. So no create is sent before its
intent is on the disk, no row is reported that a crash could undo, and one flush to the disk serves many rows.

Everything runs in one event loop, in a thread of its own: what the caller does with an item delays no poll and no save,
and nothing needs a lock.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from replicate_api import operations as op

from .. import errors
from .._backends.base import CLEANUP_TIMEOUT
from .budget import Budget
from .buyer import Buyer
from .engine import Engine, Outcome
from .flight import Flight
from .journal import Journal, State
from .ledger import CANCEL_REQUESTED, MAYBE_FOREIGN, Ledger, describe
from .outcomes import Outcomes
from .output_files import remove_partial_files
from .progress import RateEstimator, Status
from .saver import Saver
from .server_time import server_time
from .tracker import Purchase, Tracker

if TYPE_CHECKING:
    from .._backends.asyncio import AsyncBackend
    from .._backends.base import BackgroundTask
    from .._predictions.predictions import Predictions
    from .._send import Session
    from .options import Options
    from .target import Target

COMMIT_RETRY_DELAY = 5.0
"""Seconds after which a commit that failed is tried again."""

MAX_IDLE_TIME = 1.0
"""Seconds after which a turn is made although nothing was reported: the limits of other calls may have been lifted."""

PROGRESS_INTERVAL = 0.5
"""Seconds between two reports of the status, except for the last one."""

MAX_UNMEASURED = 10_000
"""Purchases of earlier sessions whose metrics are fetched."""


class Driver:
    """Runs a batch from an event loop of its own.

    Args:
        session: Sends the requests; over a backend of that event loop.
        predictions: Creates predictions.
        target: The model.
        journal: Has the rows.
        options: Those of the batch.
        publish: Is called with the numbers of the finished rows, once they are in the journal.
        report: Is called with the `Status`, at most twice a second.
    """

    def __init__(
        self,
        session: Session[AsyncBackend],
        predictions: Predictions,
        target: Target,
        journal: Journal,
        options: Options,
        publish: Callable[[int], None],
        report: Callable[[Status], None],
    ) -> None:
        self._session, self._backend, self._options = session, session.backend, options
        self._journal, self._publish, self._report = journal, publish, report
        self._signal = session.backend.open_signal()
        ledger, self._budget = Ledger(journal), Budget(options)
        self._outcomes = outcomes = Outcomes(session, target, journal, ledger, options, self._budget, self.stop)
        self._tracker = Tracker(session, target, journal, ledger, self._spawn, outcomes)
        self._buyer = Buyer(session, predictions, target, journal, ledger, options, self._budget, self._spawn, outcomes)
        self._saver = Saver(session, journal.folder, self._spawn, self._saved)
        outcomes.tracker, outcomes.buyer, outcomes.saver = self._tracker, self._buyer, self._saver
        self._tracker.awaited = lambda: {flight.sent for flight in self._buyer.awaiting.values()}
        self._engine = Engine(options.then, options.engine, journal.get("name")) if options.then else None
        self._processing = 0
        self._tasks: set[BackgroundTask[None]] = set()
        self._stopped: errors.BatchStoppedError | None = None
        self._is_stopping = self._has_left = False
        self._should_leave = self._cancels = False
        self._commit_problem = ""
        self._retry_commit_at = 0.0
        self._rows = journal.size()
        self._rate = RateEstimator()
        self._reported_at = -1.0
        self._speed: tuple[float, float | None] = 0.0, None
        """Rows per second and seconds left, when the progress was reported."""

    # The loop

    async def run(self) -> None:
        """Run the batch to its end.

        Raises:
            BatchStoppedError: It ended before all rows were done.
        """
        try:
            await self._recover()
            while True:
                self._turn()
                if self._is_over():
                    break
                await self._signal.wait(self._seconds_to_next_turn())
            self._commit_at_last()
            self._flush()
            self._show_progress()
        finally:
            if self._engine is not None:
                self._engine.close(wait=False)
        if self._stopped is not None:
            raise self._stopped

    def _commit_at_last(self) -> None:
        try:
            self._journal.commit()
        except sqlite3.OperationalError as error:
            raise errors.BatchStoppedError(
                f"the journal cannot be written: {error}; what has happened since is searched for by `resume`"
            ) from error

    async def _recover(self) -> None:
        """Take over what earlier sessions have left unfinished."""
        if not self._session.clock.has_observed:  # its clock decides which predictions are ours
            await self._session.call(op.PREDICTIONS_LIST())
        self._budget.load(self._journal.purchases())
        self._buyer.is_proven = self._journal.has_succeeded()
        now = self._backend.monotonic()
        attempts, ended = self._journal.open_attempts(), self._journal.ended_rows()
        remove_partial_files(self._journal.folder, [*(attempt.n for attempt in attempts), *(row[0] for row in ended)])
        for attempt in attempts:
            age = max(0.0, server_time(self._session) - attempt.intent_at)
            flight = Flight(attempt.id, attempt.n, attempt.sent, attempt.intent_at, now - age)
            flight.id, flight.created_at, flight.lost_at = attempt.prediction_id, attempt.created_at, now - age
            flight.is_canceled, flight.is_ours = attempt.error == CANCEL_REQUESTED, attempt.error != MAYBE_FOREIGN
            if flight.id is None:
                self._tracker.lose(flight)
            else:
                self._tracker.add(flight)
        for attempt in self._journal.unmeasured_attempts(MAX_UNMEASURED, needs_cost=callable(self._options.price)):
            purchase = Purchase(attempt.id, attempt.n, attempt.created_at, attempt.seconds is not None)
            self._tracker.measure(purchase, str(attempt.prediction_id))
        for n, ended_at, output in ended:
            self._outcomes.save(n, ended_at, json.loads(output))
        self._outcomes.to_process.extend(self._journal.in_state(State.SAVED))

    def _turn(self) -> None:
        if self._should_leave:
            self._should_leave = False
            self._spawn(self._leave())
        self._saver.start()
        is_idle = self._is_idle()
        is_ending = is_idle and (self._is_stopping or not self._buyer.has_more or self._budget.refusal() is not None)
        self._tracker.start(measure_all=is_ending or self._budget.needs_metrics)
        if not self._is_stopping:
            self._choose()
        if self._commit():
            self._flush()
        now = self._backend.monotonic()
        if now - self._reported_at >= PROGRESS_INTERVAL:
            self._reported_at = now
            self._show_progress()

    def _show_progress(self) -> None:
        try:
            now, finished = self._backend.monotonic(), self._count_finished()
            self._rate.note(now, finished)
            self._speed = self._rate.rate(now), self._rate.eta(now, self._rows - finished)
            self._report(self.status())
        except Exception as error:  # of a function of the caller's
            self._report = lambda status: None
            self.stop(f"progress raised {describe(error)}", error)

    def _choose(self) -> None:
        tracker = self._tracker
        if self._saver.is_behind(server_time(self._session)) or self._commit_problem:
            if self._saver.problem and self._is_idle() and self._buyer.has_more:  # until all files had expired
                self.stop(self._saver.problem)
            return
        running = len(tracker.running) + len(tracker.lost)
        if not self._buyer.is_proven:  # until its files are saved, the first row is not done
            running += self._saver.count
        self._buyer.choose(running, tracker.duration, {flight.sent for flight in tracker.lost})
        refusal = self._budget.refusal()
        if refusal and self._is_idle() and tracker.has_measured and self._buyer.has_more:
            self.stop(refusal.reason, option=refusal.option)

    def _commit(self) -> bool:
        """Write to the disk; return whether that succeeded."""
        now = self._backend.monotonic()
        if now < self._retry_commit_at:
            return False
        try:
            self._journal.commit()
        except sqlite3.OperationalError as error:
            # The disk is full, say; nothing is lost as long as this process lives.
            self._commit_problem = f"the journal cannot be written: {error}"
            self._retry_commit_at = now + COMMIT_RETRY_DELAY
            return False
        self._commit_problem = ""
        return True

    def _flush(self) -> None:
        """Do what had to wait for the commit."""
        if self._is_stopping:
            self._buyer.withdraw()
        self._buyer.launch()
        outcomes = self._outcomes
        while self._engine and outcomes.to_process and self._processing < self._engine.window:
            n = outcomes.to_process.popleft()
            self._processing += 1
            done = partial(self._backend.call_soon_threadsafe, self._processed, n)
            self._engine.submit(self._journal.item(n), done)
        for n in outcomes.finished:
            self._publish(n)
        outcomes.finished.clear()

    def _saved(self, *args: Any, **kwargs: Any) -> None:
        self._outcomes.saved(*args, **kwargs)
        self._signal.set()

    def _processed(self, n: int, outcome: Outcome) -> None:
        self._processing -= 1
        self._outcomes.processed(n, outcome)
        self._signal.set()

    def _is_idle(self) -> bool:
        """Whether nothing is in progress."""
        tracker = self._tracker
        return not (tracker.running or tracker.lost or self._buyer.is_waiting or self._is_finishing())

    def _is_finishing(self) -> bool:
        """Whether rows whose prediction has ended are in progress."""
        return bool(self._saver.count or self._outcomes.to_process or self._processing)

    def _is_over(self) -> bool:
        if self._has_left:
            return True
        if self._is_stopping and self._tracker.has_given_up:  # then what is running stays unknown
            return not (self._buyer.is_waiting or self._is_finishing())
        has_more = not self._is_stopping and self._buyer.has_more
        return self._is_idle() and not has_more and self._tracker.has_measured and not self._commit_problem

    def _seconds_to_next_turn(self) -> float:
        delays = [self._tracker.seconds_to_next(), self._buyer.seconds_to_next(), self._saver.seconds_to_retry()]
        return min([MAX_IDLE_TIME, *(max(0.001, delay) for delay in delays if delay is not None)])

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> Callable[[], None]:
        """Run a coroutine in the background, and return a function that cancels it; its failure ends the batch."""

        async def run() -> None:
            try:
                await coroutine
            except Exception as error:
                self.stop(describe(error), error)
                self._has_left = True
            finally:
                self._tasks.discard(task)
                self._signal.set()

        task = self._backend.start_soon(run())
        self._tasks.add(task)
        return task.cancel

    # Stop

    def stop(self, reason: str, cause: BaseException | None = None, *, option: str | None = None) -> None:
        """Create nothing more; the batch ends when what is in progress has ended.

        Args:
            reason: Why; only the first one counts.
            cause: The error that it was.
            option: The option without whose change the batch cannot go on.
        """
        if self._stopped is None:
            advice = self._options.how_to_resume(self._journal.folder, *([option] if option else []))
            self._stopped = errors.BatchStoppedError(reason, advice, option)
            self._stopped.__cause__ = cause
        self._is_stopping = True
        self._signal.set()

    def leave(self, *, cancel: bool) -> None:
        """End the batch soon; with `cancel`, what is running is canceled, and its rows are bought again later."""
        self.stop("it was interrupted")
        self._should_leave, self._cancels = True, cancel

    async def _leave(self) -> None:
        deadline = self._backend.monotonic() + CLEANUP_TIMEOUT
        self._buyer.abort()
        while self._buyer.is_waiting and self._backend.monotonic() < deadline:
            await self._backend.sleep(0.01)
        if self._cancels:
            await self._tracker.cancel()
        while self._saver.count and not self._saver.problem and self._backend.monotonic() < deadline:
            await self._backend.sleep(0.02)
        self._has_left = True

    # Report

    def _count_finished(self) -> int:
        counts = self._outcomes.counts
        return counts[State.DONE] + counts[State.FAILED] + counts[State.UNCERTAIN]

    def status(self) -> Status:
        """Return how far the batch is; from any thread, since it only reads."""
        counts, tracker, (rate, eta) = self._outcomes.counts, self._tracker, self._speed
        return Status(
            rows=self._rows,
            done=counts[State.DONE],
            failed=counts[State.FAILED],
            uncertain=counts[State.UNCERTAIN],
            in_flight=len(tracker.running) + len(tracker.lost) + len(self._buyer.awaiting),
            saving=self._saver.count,
            creates=self._budget.creates,
            cost=self._budget.cost if self._options.price is not None else None,
            rate=rate,
            eta=eta,
            failures=dict(self._outcomes.failures),
            note=self._note(),
        )

    def _note(self) -> str:
        """Return why nothing seems to happen, or an empty string."""
        if self._commit_problem or self._saver.problem:
            return f"{self._commit_problem or self._saver.problem}; creates are paused"
        if self._saver.is_behind(server_time(self._session)):
            return "saving falls behind; creates are paused"
        if self._stopped is None and self._buyer.note:
            return self._buyer.note
        if self._tracker.outage.error is not None:
            return f"{self._tracker.outage.describe()}; running predictions are polled again soon"
        return f"stopping: {self._stopped.reason}" if self._stopped is not None else ""
