"""What becomes of creates, predictions, files and `then`: the steps of each row to its end."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import errors
from .._files.download import EXPIRY_ADVICE
from .._sansio import job as jobs
from .engine import EngineError, Outcome
from .journal import UNCERTAIN, Journal, State
from .ledger import Ledger, describe
from .output_files import OutputFile, SavedFile, find_files, replace_data_uris
from .server_time import server_time
from .tracker import Purchase

if TYPE_CHECKING:
    from replicate_api.models import Prediction

    from .._predictions.predictions import Created
    from .._send import Session
    from .budget import Budget
    from .buyer import Buyer
    from .flight import Flight
    from .options import Options
    from .saver import Saver
    from .target import Target
    from .tracker import Tracker


class Outcomes:
    """Takes each row to its end; what it decides is in the journal with the next commit.

    Args:
        session: Downloads files.
        target: The model.
        journal: Has the rows.
        ledger: Writes to the journal.
        options: Those of the batch.
        budget: Counts what was bought.
        stop: Is called with the reason, and the error, why nothing more should be bought.
    """

    buyer: Buyer
    tracker: Tracker
    saver: Saver

    def __init__(
        self,
        session: Session[Any],
        target: Target,
        journal: Journal,
        ledger: Ledger,
        options: Options,
        budget: Budget,
        stop: Callable[[str, BaseException | None], None],
    ) -> None:
        self._session, self._target, self._journal, self._ledger = session, target, journal, ledger
        self._options, self._budget, self._stop = options, budget, stop
        self._has_duplicates = journal.has_duplicates()
        self._has_then: bool = journal.get("has_then")  # also where it cannot be called: in a batch that is canceled
        self.counts = Counter(journal.counts())
        """The rows in each state in which rows end."""

        self.failures = Counter(journal.errors())
        """The rows that have failed, by the class of the error."""

        del self.failures[UNCERTAIN]

        self.finished: list[int] = []
        """Rows that have ended, and were not reported yet."""

        self.to_process: deque[int] = deque()
        """Rows for which `then` is to be run."""

        self._has_engine = True
        """Whether `then` can be run: if not, its rows wait for the next session."""

        self._retries: Counter[int] = Counter()
        self._failures_in_a_row = Counter[str]()
        """Of predictions and of saves: these may lag far behind."""

        self._data_uris: dict[int, Any] = {}
        """Outputs with data URIs, by row, until these are saved as files."""

    # What becomes of creates

    def created(self, flight: Flight, created: Created) -> None:
        """The response to a create has arrived."""
        job = created.job
        flight.id = job.id
        moment = jobs.created_at(job)
        flight.created_at = server_time(self._session) if moment is None else moment
        self._ledger.created(flight)
        self.tracker.add(flight, job)
        if created.is_complete:
            self.tracker.remove(flight, job)
            self.ended(flight, job)

    def lost(self, flight: Flight) -> None:
        """The response to a create will not arrive; the prediction may exist."""
        self.tracker.lose(flight)

    def refused(self, flight: Flight, error: Exception) -> None:
        """A prediction does not exist; its row is bought again."""
        self._budget.release()
        self._ledger.refused(flight, describe(error))
        self._renew(flight.n)

    def absent(self, flight: Flight) -> None:
        """The prediction of a create was searched for, and does not exist."""
        self._budget.release()
        self._ledger.refused(flight, "no prediction was created")
        self._renew(flight.n)

    def failed(self, n: int, error: Exception, flight: Flight | None = None) -> None:
        """A row cannot be bought."""
        if flight is not None:
            self._budget.release()
            self._ledger.refused(flight, describe(error))
        self._fail_to_run(n, "refused", error)

    def stop(self, reason: str, cause: BaseException | None = None) -> None:
        """Nothing more can be bought."""
        self._stop(reason, cause)

    def _renew(self, n: int) -> None:
        self._ledger.renew(n)
        self.buyer.again(n)

    # What becomes of predictions

    def ended(self, flight: Flight, job: Prediction) -> None:
        """A prediction has ended."""
        n = flight.n
        ended_at = jobs.completed_at(job) or max(server_time(self._session), flight.created_at or 0.0)
        status = str(job.status) if jobs.is_finished(job) else "succeeded"  # the response to a held create
        error = _error_of(job) if jobs.is_finished(job) else None
        self._ledger.ended(flight, status, ended_at, None if error is None else describe(error))
        purchase = Purchase(flight.attempt_id, n, flight.created_at)
        if jobs.is_finished(job):
            self.measured(purchase, job)
        else:
            self.tracker.measure(purchase, job.id)
        if error is None:
            self._succeed(n, job, ended_at)
        elif flight.is_canceled and status == "canceled":
            self._renew(n)
        elif _is_worth_a_retry(error) and self._retries[n] < self._options.retries:
            self._retries[n] += 1
            self._renew(n)
        else:
            self._fail_to_run(n, status, error)

    def _succeed(self, n: int, job: Prediction, ended_at: float) -> None:
        self._failures_in_a_row["prediction"] = 0
        if job.output is None and job.data_removed:
            self._fail(n, "succeeded", f"NotFoundError: its output was removed; {EXPIRY_ADVICE}")
            return
        self._ledger.succeeded(n, job.output, ended_at, State.ENDED)
        self.save(n, ended_at, job.output)

    def uncertain(self, flight: Flight, reason: str) -> None:
        """Whether a prediction exists, or what became of it, cannot be found out."""
        self._ledger.uncertain(flight, f"{UNCERTAIN}: {reason}")
        self._finish(flight.n, State.UNCERTAIN)

    def measured(self, purchase: Purchase, job: Prediction) -> None:
        """The metrics of a prediction are known."""
        try:
            cost = self._budget.price_of(job)
        except Exception as error:  # of a function of the caller's; `resume` fetches the prediction again
            self._stop(f"price raised {describe(error)}", error)
            return
        # Negative times occur: docs/api-facts.md, section 2.2.
        seconds = None if purchase.is_timed else max(0.0, jobs.predict_time(job) or 0.0)
        self._budget.settle(seconds, cost)
        self._ledger.measured(purchase.attempt_id, purchase.n, seconds, cost)

    # Files and `then`

    def save(self, n: int, ended_at: float, output: Any) -> None:
        """Save the files of a row that has succeeded."""
        files = find_files(self._session, n, output, self._target.openapi_schema) if self._options.save else []
        if any(file.is_data_uri for file in files):
            self._data_uris[n] = output
        if files:
            self.saver.add(n, ended_at, files)
        else:
            self.saved(n, [], [], None)

    def saved(
        self,
        n: int,
        files: list[OutputFile],
        saved: list[SavedFile],
        error: Exception | None,
        *,
        has_expired: bool = False,
    ) -> None:
        """The files of a row are saved, or lost."""
        output = self._data_uris.pop(n, None)
        if error is not None:
            text = describe(error)
            advice = f"; {EXPIRY_ADVICE}" if has_expired and EXPIRY_ADVICE not in text else ""
            self._fail(n, None, f"{text}{advice}", error)
            if not has_expired:
                self._count_failure("save", n, error)
            return
        self._failures_in_a_row["save"], self.buyer.is_proven = 0, True
        if output is not None:
            output = replace_data_uris(output, dict(zip((file.url for file in files), saved, strict=True)))
        state = State.SAVED if self._has_then else State.DONE
        self._ledger.saved(n, saved, state, output)
        if state == State.DONE:
            self._finish(n, state)
        elif self._has_engine:
            self.to_process.append(n)

    def processed(self, n: int, outcome: Outcome) -> None:
        """`then` has returned, or raised."""
        if outcome.error is None:
            self._ledger.processed(n, outcome.result)
            self._finish(n, State.DONE)
        elif isinstance(outcome.error, EngineError):  # `then` has not failed: another engine may run it
            self._has_engine = False
            self.to_process.clear()
            self._stop(f"the engine cannot run `then`: {outcome.error}", outcome.error)
        else:
            self._fail(n, None, f"then raised {describe(outcome.error)}", outcome.error)

    # Ends of rows

    def _fail(self, n: int, status: str | None, error: str, cause: BaseException | None = None) -> None:
        """A row has failed; without a status, it keeps that of its prediction."""
        self._ledger.finish(n, State.FAILED, status, error)
        if self._options.on_error == "raise":  # the caller may take long until it reaches this row
            self._stop(f"row {n} failed: {error}", cause)
        self.failures[error.partition(":")[0]] += self._finish(n, State.FAILED)

    def _fail_to_run(self, n: int, status: str, error: Exception) -> None:
        self._fail(n, status, describe(error), error)
        self._count_failure("prediction", n, error)

    def _count_failure(self, kind: str, n: int, error: Exception) -> None:
        """Stop after too many failures in a row: what is bought would be worth nothing."""
        self._failures_in_a_row[kind] += 1
        count = self._failures_in_a_row[kind]
        limit = self._options.max_failures
        if limit is None:
            self.buyer.is_proven = True
        elif not self.buyer.is_proven:
            self._stop(f"the first row failed: row {n}: {describe(error)}", error)
        elif count >= limit:
            self._stop(f"{count} rows in a row failed (max_failures); row {n}: {describe(error)}", error)

    def _finish(self, n: int, state: State) -> int:
        """Report that a row has ended, with those that share its result, and return how many these are."""
        rows = [n, *(self._journal.duplicates_of(n) if self._has_duplicates else [])]
        self.finished += rows
        self.counts[state] += len(rows)
        return len(rows)


def _error_of(job: Prediction) -> errors.ModelError | None:
    """Return what a finished prediction raises, or None if it has succeeded."""
    try:
        jobs.raise_unless_succeeded(job)
    except errors.ModelError as error:
        return error
    return None


def _is_worth_a_retry(error: errors.ModelError) -> bool:
    """Whether the platform failed, and did not bill the run."""
    return isinstance(error, errors.PredictionAbortedError) or error.is_transient
