"""The steps of rows and purchases, as changes of the journal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .journal import Journal, State

if TYPE_CHECKING:
    from .flight import Flight
    from .output_files import SavedFile

CANCEL_REQUESTED = "cancel requested"
"""In the column `error` of a purchase that this batch has canceled: its row is bought again."""


MAYBE_FOREIGN = "found among more equal predictions than were created"
"""There, too: the prediction may belong to another program, and is not canceled."""


def describe(error: BaseException) -> str:
    """Return an error as the journal has it: its class first."""
    return f"{type(error).__name__}: {error}"


class Ledger:
    """Writes the steps of rows; all of them take effect with the journal's next commit."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def intend(self, flight: Flight) -> None:
        """A create is about to be sent."""
        write = self._journal.write
        write(
            "insert into attempt(id, n, sent, intent_at) values (?, ?, ?, ?)",
            flight.attempt_id,
            flight.n,
            flight.sent,
            flight.intent_at,
        )
        write("update row set state = ?, attempts = attempts + 1 where n = ?", State.INTENT, flight.n)

    def created(self, flight: Flight) -> None:
        """The response to a create arrived, or its prediction was found."""
        write = self._journal.write
        note = CANCEL_REQUESTED if flight.is_canceled else None if flight.is_ours else MAYBE_FOREIGN
        write(
            "update attempt set prediction_id = ?, created_at = ?, error = ? where id = ?",
            flight.id,
            flight.created_at,
            note,
            flight.attempt_id,
        )
        write("update row set state = ?, prediction_id = ? where n = ?", State.CREATED, flight.id, flight.n)

    def refused(self, flight: Flight, error: str) -> None:
        """A create was surely not accepted: it does not count."""
        write = self._journal.write
        write("update attempt set status = 'refused', error = ? where id = ?", error, flight.attempt_id)
        write("update row set attempts = attempts - 1 where n = ?", flight.n)

    def uncertain(self, flight: Flight, error: str) -> None:
        """Whether a create was accepted cannot be found out."""
        self._journal.write("update attempt set status = 'uncertain', error = ? where id = ?", error, flight.attempt_id)
        self.finish(flight.n, State.UNCERTAIN, "uncertain", error)

    def cancel_requested(self, flight: Flight) -> None:
        """A prediction is about to be canceled."""
        self._journal.write("update attempt set error = ? where id = ?", CANCEL_REQUESTED, flight.attempt_id)

    def ended(self, flight: Flight, status: str, ended_at: float, error: str | None) -> None:
        """A prediction has ended."""
        self._journal.write(
            "update attempt set status = ?, ended_at = ?, error = ? where id = ?",
            status,
            ended_at,
            error,
            flight.attempt_id,
        )

    def measured(self, attempt_id: int, n: int, seconds: float | None, cost: float | None) -> None:
        """What a purchase took or cost is known; None for what is not known, or was written before."""
        for name, amount in (("seconds", seconds), ("cost", cost)):
            if amount is not None:
                self._journal.write(f"update attempt set {name} = ? where id = ?", amount, attempt_id)
                self._journal.write(f"update row set {name} = coalesce({name}, 0) + ? where n = ?", amount, n)

    def renew(self, n: int) -> None:
        """A row is to be bought (again)."""
        self._journal.write("update row set state = ?, prediction_id = null where n = ?", State.NEW, n)

    def succeeded(self, n: int, output: Any, ended_at: float, state: State) -> None:
        """The prediction of a row has succeeded."""
        self._journal.write(
            "update row set state = ?, status = 'succeeded', error = null, output = ?, ended_at = ? where n = ?",
            state,
            json.dumps(output),
            ended_at,
            n,
        )

    def saved(self, n: int, files: list[SavedFile], state: State, output: Any = None) -> None:
        """The files of a row were saved; its output, if given, refers to them."""
        write = self._journal.write
        write(
            "update row set state = ?, files = ? where n = ?", state, json.dumps([file.to_json() for file in files]), n
        )
        if output is not None:
            write("update row set output = ? where n = ?", json.dumps(output), n)

    def processed(self, n: int, result: str | None) -> None:
        """`then` has returned."""
        self._journal.write("update row set state = ?, result = ? where n = ?", State.DONE, result, n)

    def finish(self, n: int, state: State, status: str | None, error: str | None) -> None:
        """A row has ended without success."""
        self._journal.write(
            "update row set state = ?, status = coalesce(?, status), error = ? where n = ?", state, status, error, n
        )
