"""Brings the journal of a batch up to date before the batch runs: the model, the options, the rows."""

from __future__ import annotations

import secrets
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NamedTuple

from .._sansio.model_ref import ModelRef
from .enroll import Enrollment
from .journal import Journal, State
from .rows import read_rows
from .saver import LIFETIME
from .server_time import server_time
from .target import Target, resolve

if TYPE_CHECKING:
    from .._predictions.predictions import Predictions
    from .._send import Session
    from .options import Options


class Work(NamedTuple):
    """What a batch is to do when it is iterated."""

    ref: ModelRef | None = None
    """The model of a new batch; None for the one in the journal."""

    rows: Any = None
    """The rows to add, or None."""

    retry: tuple[State, ...] = ()
    """The states of rows that are to be bought again."""

    changes: dict[str, Any] | None = None
    """The options that replace those in the journal; None for all of them."""

    yields_finished: bool = False
    """Whether rows that were finished before are yielded, too."""

    only_cancels: bool = False
    """Whether what is running is canceled, and nothing else is done."""


_FIXED = ("key", "dedupe", "shard")
"""Options that decide which rows a folder has."""

_LIMITS = ("max_creates", "max_cost", "max_seconds", "price")
"""Options that stay as they were if a call of `map` does not have them; `resume(max_creates=None)` lifts a limit."""


async def open_batch(
    session: Session[Any], predictions: Predictions, journal: Journal, options: Options, work: Work
) -> tuple[Options, Target]:
    """Return the options with which a batch is run, and the model.

    Raises:
        ValueError: The rows, the model or the options are not those that the folder has.
        InvalidInputError, TypeError, OSError: A row is invalid, and `on_error` is "raise".
    """
    is_new = journal.get("ref") is None
    if work.ref is None and (is_new or not (journal.get("is_enrolled") or work.only_cancels)):
        raise ValueError(
            f"not all rows of {journal.folder} were stored when it stopped: give `map` the same rows again"
        )
    if not is_new:
        options = _merge(options, work, journal)
    target = await resolve(session, predictions, work.ref or ModelRef.parse(journal.get("ref")), journal)
    if is_new:
        journal.set(name=secrets.token_hex(8), begun_at=time.time(), **target.facts())
    if not _has_rows(journal):
        journal.set(**{name: getattr(options, name) for name in _FIXED})
    if work.only_cancels:
        return options, target
    if not is_new:
        target.check_unchanged(journal)
    journal.set(options=options.remembered(), has_then=options.then is not None)
    journal.set(secrets=sorted(target.secrets))  # of which exports show nothing
    journal.commit()
    if work.rows is not None:
        enrollment = Enrollment(journal, target, options)
        async with aclosing(enrollment.add(read_rows(work.rows, target.schema))) as counts:
            async for _ in counts:
                await session.backend.sleep(0)  # other tasks of the caller's event loop go on
        journal.set(is_enrolled=True, rows=journal.size())
    _renew(journal, work.retry, server_time(session))
    if options.then is None:  # it was given to an earlier call
        journal.write(f"update row set state = {State.DONE:d} where state = {State.SAVED:d}")
    journal.commit()
    return options, target


def _merge(options: Options, work: Work, journal: Journal) -> Options:
    """Return the options of a batch that has begun before."""
    if work.changes is not None:
        stored = {name: journal.get(name) for name in _FIXED} | journal.get("options", {})
        options = options._replace(**{**stored, **work.changes})
        options.validate()
        if journal.get("has_then") and options.then is None and not work.only_cancels:
            raise ValueError("this batch was begun with `then`, which is not stored: write resume(then=…)")
        return options
    for name in _FIXED if _has_rows(journal) else ():  # without, as after an invalid first row, they decided nothing
        begun, given = journal.get(name), getattr(options, name)
        if (tuple(begun) if isinstance(begun, list) else begun) != given:
            raise ValueError(f"{journal.folder} was begun with {name}={begun!r}, not {given!r}: use another folder")
    stored = journal.get("options", {})
    kept = {name: stored.get(name) for name in _LIMITS if getattr(options, name) is None}
    options = options._replace(**kept)
    options.validate()
    return options


def _has_rows(journal: Journal) -> bool:
    return bool(journal.get("is_enrolled") or journal.size())


def _renew(journal: Journal, states: tuple[State, ...], now: float) -> None:
    """Let rows that have ended be bought again; what was bought is not, if only its files or `then` have failed."""
    write, failed = journal.write, f"state = {State.FAILED:d} and status"
    new = f"update row set state = {State.NEW:d}, status = null, error = null, output = null, prediction_id = null"
    if State.FAILED in states:
        paid = f"error = null where {failed} = 'succeeded'"
        write(f"update row set state = {State.SAVED:d}, {paid} and error like 'then raised %'")
        exist = "output is not null and ended_at > ? and error not like 'NotFound%'"  # its files
        write(f"update row set state = {State.ENDED:d}, {paid} and {exist}", now - LIFETIME)
        write(f"{new} where {failed} is not 'invalid'")
    if State.UNCERTAIN in states:
        write(f"{new} where state = {State.UNCERTAIN:d}")
