"""Chooses the rows that are bought next, and sends their creates."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .. import errors
from .._backends.pool import max_connections
from .._files.inputs import PreparedInput, prepare_input
from .._predictions.create import CreateRequest
from .._sansio.request import MAX_HOLD
from .fingerprint import fingerprint
from .flight import Flight
from .outage import Outage
from .server_time import server_time
from .stored_input import load_input
from .uploads import Uploads

if TYPE_CHECKING:
    from .._backends.asyncio import AsyncBackend
    from .._predictions.predictions import Created, Predictions
    from .._send import Session
    from .budget import Budget
    from .journal import Journal
    from .ledger import Ledger
    from .options import Options
    from .target import Target

MAX_HELD = 200
"""Creates that the server holds at the same time, at most: each occupies a connection, and half of these are left for
other requests."""

MAX_HELD_DURATION = 45.0
"""Seconds that a prediction may take, by the latest ones, for its create to be held; longer ones are watched in the
list, which needs fewer connections."""

PAGE_SIZE = 500
"""Rows that are read from the journal together."""


class Ready(NamedTuple):
    """A row whose create can be sent."""

    n: int
    values: dict[str, Any]
    """JSON: files are URLs by now."""

    sent: bytes


class Sales(Protocol):
    """What becomes of creates."""

    def created(self, flight: Flight, created: Created) -> None:
        """The response has arrived."""

    def lost(self, flight: Flight) -> None:
        """The response will not arrive; the prediction may exist."""

    def refused(self, flight: Flight, error: Exception) -> None:
        """The prediction does not exist, and another attempt may succeed."""

    def failed(self, n: int, error: Exception, flight: Flight | None = None) -> None:
        """The row cannot be bought."""

    def stop(self, reason: str, cause: BaseException | None = None) -> None:
        """Nothing more can be bought."""


class Buyer:
    """Buys the rows of a journal, as many at a time as the options, the limits and the server allow.

    Args:
        session: Sends the creates.
        predictions: Creates predictions.
        target: The model.
        journal: Has the rows.
        ledger: Writes to the journal.
        options: Those of the batch.
        budget: What was spent.
        start_soon: Runs a coroutine in the background, and returns a function that cancels it.
        sales: Is called with what becomes of creates.
    """

    def __init__(
        self,
        session: Session[AsyncBackend],
        predictions: Predictions,
        target: Target,
        journal: Journal,
        ledger: Ledger,
        options: Options,
        budget: Budget,
        start_soon: Callable[[Coroutine[Any, Any, None]], Callable[[], None]],
        sales: Sales,
    ) -> None:
        self._session, self._predictions, self._target = session, predictions, target
        self._journal, self._ledger, self._options, self._budget = journal, ledger, options, budget
        self._start_soon, self._sales = start_soon, sales
        self._uploads = Uploads(session)
        self._max_held = min(MAX_HELD, max_connections() // 2)
        self._next_id = journal.last_attempt_id() + 1
        self._last_row = -1
        self._page: deque[tuple[int, str]] = deque()
        self._again: deque[int] = deque()
        """Rows that are to be bought again."""

        self._renewed: set[int] = set()
        """Those of them that pages of the journal will have, too."""

        self._ready: deque[Ready] = deque()
        self._uploading: dict[int, Callable[[], None]] = {}
        """Rows whose files are being sent, and what stops that."""

        self._launching: list[tuple[Flight, dict[str, Any]]] = []
        self.awaiting: dict[int, Flight] = {}
        """Creates whose response has not arrived, by attempt."""

        self._held = 0
        """How many of them the server was asked to hold."""

        self._aborts: dict[int, Callable[[], None]] = {}
        self._outage = Outage(session.backend.monotonic)
        self._is_limited = False
        self.is_proven = False
        """Whether any row has succeeded: until then, rows run one by one."""

    @property
    def has_more(self) -> bool:
        """Whether rows are left to be bought."""
        return bool(self._again or self._ready or self._uploading or self._launching or self._fill_page())

    @property
    def is_waiting(self) -> bool:
        """Whether creates, or uploads before them, are in progress."""
        return bool(self.awaiting or self._uploading or self._launching)

    def again(self, n: int) -> None:
        """Buy a row (again) that was bought already, or could not be."""
        self._again.append(n)
        if n > self._last_row:  # the journal will have it as a new one
            self._renewed.add(n)

    def seconds_to_next(self) -> float | None:
        """Return the seconds until a pause ends, or None."""
        return self._outage.seconds_left or None

    @property
    def note(self) -> str:
        """Why creates pause, or an empty string."""
        if left := self._outage.seconds_left:
            return f"{self._outage.describe()}; the next create is sent in {left:.0f} s"
        if self._outage.error is not None and self.awaiting:
            return self._outage.describe()
        return "waiting for the rate limit" if self._is_limited else ""

    # Choose

    def choose(self, running: int, duration: float | None, lost: set[bytes]) -> None:
        """Write the intents of the next creates.

        Args:
            running: How many predictions have not ended, those of `awaiting` excluded.
            duration: Seconds that a prediction takes, or None if that is not known.
            lost: The hashes of creates that may exist: nothing equal is bought before that is known.
        """
        if self._outage.seconds_left:
            return
        allowed = self._session.creates_available()
        postponed: list[Ready] = []
        while self._free_slots(running) > len(postponed) and allowed >= 1 and self._budget.refusal() is None:
            if not self._ready:
                if not self._prepare_next():
                    break
                continue
            ready = self._ready.popleft()
            if ready.sent in lost:
                postponed.append(ready)
                continue
            allowed -= 1
            self._intend(ready, self._may_hold(duration))
        self._is_limited = allowed < 1 and self._free_slots(running) > len(postponed) and self.has_more
        self._ready.extendleft(reversed(postponed))

    def _free_slots(self, running: int) -> int:
        starting = len(self.awaiting) + len(self._uploading)
        free = (self._options.concurrency if self.is_proven else 1) - running - starting
        return min(free, 1 - starting) if self._outage.is_established else free

    def _may_hold(self, duration: float | None) -> bool:
        if self._outage.is_established:  # its response is to end the outage
            return False
        return self._held < self._max_held and (duration is None or duration <= MAX_HELD_DURATION)

    def _prepare_next(self) -> bool:
        """Make the next row ready, or start the uploads that it needs; return whether there was one."""
        row = self._next_row()
        if row is None:
            return False
        n, text = row
        try:
            prepared = prepare_input(load_input(text, self._journal.folder))
        except (OSError, TypeError, ValueError) as error:  # a file was moved, say
            self._sales.failed(n, error)
            return True
        if prepared.files:
            self._uploading[n] = self._start_soon(self._prepare(n, prepared))
        else:
            self._ready.append(Ready(n, prepared.values, fingerprint(prepared.values, self._target.secrets)))
        return True

    def _next_row(self) -> tuple[int, str] | None:
        if self._again:
            n = self._again.popleft()
            return n, self._journal.input_of(n)
        return self._page.popleft() if self._fill_page() else None

    def _fill_page(self) -> bool:
        if not self._page:
            page = self._journal.next_new(self._last_row, PAGE_SIZE)
            if page:
                self._last_row = page[-1][0]
            self._page.extend(row for row in page if row[0] not in self._renewed)
        return bool(self._page)

    async def _prepare(self, n: int, prepared: PreparedInput) -> None:
        """Send the files of an input."""
        try:
            values = await self._uploads.send(prepared)
        except (errors.APIConnectionError, errors.ServerError, errors.RateLimitError) as error:
            self._pause(error)
            self._again.append(n)
        except (errors.AuthenticationError, errors.PaymentRequiredError) as error:
            self._again.append(n)
            self._sales.stop(str(error), error)
        except (errors.ReplicateError, OSError, TypeError, ValueError) as error:
            self._sales.failed(n, error)
        else:
            self._ready.append(Ready(n, values, fingerprint(values, self._target.secrets)))
        finally:
            del self._uploading[n]

    def _intend(self, ready: Ready, is_held: bool) -> None:
        started = self._session.backend.monotonic()
        flight = Flight(self._next_id, ready.n, ready.sent, server_time(self._session), started)
        flight.is_held = is_held
        self._held += is_held
        self._next_id += 1
        self._ledger.intend(flight)
        self._budget.reserve()
        self.awaiting[flight.attempt_id] = flight
        self._launching.append((flight, ready.values))

    # Send

    def launch(self) -> None:
        """Send the creates whose intents are in the journal."""
        launching, self._launching = self._launching, []
        for flight, values in launching:
            self._aborts[flight.attempt_id] = self._start_soon(self._create(flight, values))

    async def _create(self, flight: Flight, values: dict[str, Any]) -> None:
        flight.started = self._session.backend.monotonic()
        hold = float(MAX_HOLD) if flight.is_held else None
        request = CreateRequest(self._target.ref, {}, hold=hold, check=False)
        prepared = PreparedInput(values, [])
        try:
            # Without retries: after a 402, nothing that was waiting to be sent again may follow.
            session = self._session.with_options(max_retries=0)
            created = await self._predictions.create(session, request, prepared, cancel_on_exit=False)
        except errors.ReplicateError as error:
            self._forget(flight)
            self._fail(flight, error)
        except BaseException:
            self._forget(flight)
            self._lose(flight)
            raise
        else:
            self._forget(flight)
            self._outage.end()
            self._sales.created(flight, created)

    def _forget(self, flight: Flight) -> None:
        del self.awaiting[flight.attempt_id]
        self._held -= flight.is_held
        self._aborts.pop(flight.attempt_id, None)

    def _lose(self, flight: Flight) -> None:
        flight.lost_at = self._session.backend.monotonic()
        self._sales.lost(flight)

    def _fail(self, flight: Flight, error: errors.ReplicateError) -> None:
        """Decide what a failed create means."""
        if error.maybe_created_after is not None:
            self._lose(flight)
            self._pause(error)
        elif isinstance(error, errors.AuthenticationError | errors.PaymentRequiredError):
            self._sales.refused(flight, error)
            self._sales.stop(str(error), error)
        elif isinstance(error, errors.APIConnectionError | errors.ServerError | errors.RateLimitError):
            self._sales.refused(flight, error)
            self._pause(error)
        else:
            self._sales.failed(flight.n, error, flight)

    def _pause(self, error: errors.ReplicateError) -> None:
        """Send no creates for a while, longer after each failure in a row."""
        if isinstance(error, errors.RateLimitError) and error.retry_after is not None:
            return  # the rate limiter knows better
        self._outage.fail(error)
        if self._outage.is_too_long:
            self._sales.stop(self._outage.reason, error)

    def withdraw(self) -> None:
        """Do not send the creates that were chosen: their rows are bought when the batch is resumed."""
        for flight, _ in self._launching:
            self._forget(flight)
            self._sales.refused(flight, errors.APIConnectionError("the batch was stopped before the create was sent"))
        self._launching = []

    def abort(self) -> None:
        """Stop waiting for the responses to creates: their predictions may exist."""
        self.withdraw()
        for abort in [*self._aborts.values(), *self._uploading.values()]:
            abort()
