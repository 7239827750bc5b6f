"""What became of creates whose response never arrived: the predictions that exist are compared with what was sent.

The platform has no idempotency keys, so model, input and time are all there is. Equal inputs are interchangeable, so
they are compared as multisets. What is found is adopted; what is surely absent is bought again; what can no longer be
decided, because the platform has removed the inputs, is uncertain and never bought again by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from replicate_api import operations as op

from .._pagination import iterate_items
from .._sansio import job as jobs
from .fingerprint import fingerprint

if TYPE_CHECKING:
    from replicate_api.models import Prediction

    from .._send import Session
    from .flight import Flight
    from .target import Target

SETTLE_TIME = 10.0
"""Seconds after a create was sent before its prediction is searched for: the request may still be on its way, and lists
may be late."""

CLOCK_MARGIN = 2.0
"""Seconds by which a prediction may seem older than its create: the `Date` header has whole seconds."""

MAX_ARRIVAL_TIME = 600.0
"""Seconds after its intent in which a create may have been accepted."""


class Adoption(NamedTuple):
    """A create without a response, and a prediction that it has created, or an equal one."""

    flight: Flight
    job: Prediction
    is_ours: bool
    """Whether it is surely this create's, or that of an equal one of the batch: then it may be canceled."""


class Verdict(NamedTuple):
    """What became of creates without a response."""

    adopted: list[Adoption]
    absent: list[Flight]
    uncertain: list[Flight]


class Candidates(NamedTuple):
    """The predictions of the model that were created since the first of the creates in question."""

    by_hash: Mapping[bytes, list[Prediction]]
    removed: list[Prediction]
    """Those whose input the platform has removed."""


async def find_candidates(
    session: Session[Any], target: Target, identity: list[str | None] | None, since: float
) -> Candidates:
    """List the predictions of a model since a moment on the server's clock.

    Raises:
        ReplicateError: The list is not complete.
    """
    by_hash: dict[bytes, list[Prediction]] = defaultdict(list)
    removed: list[Prediction] = []
    secrets = target.secrets
    call = op.PREDICTIONS_LIST(created_after=datetime.fromtimestamp(since - CLOCK_MARGIN, UTC))
    async with aclosing(iterate_items(session, call)) as newest_first:
        async for job in newest_first:
            if (jobs.created_at(job) or since) < since - CLOCK_MARGIN:  # a server may ignore the filter
                break
            if not target.matches(job, identity):
                continue
            if job.data_removed or not job.input:
                removed.append(job)
            if isinstance(job.input, Mapping) and not job.data_removed:
                by_hash[fingerprint(job.input, secrets)].append(job)
    return Candidates(by_hash, removed)


def decide(
    lost: Iterable[Flight], candidates: Candidates, is_known: Callable[[str], bool], awaited: Collection[bytes]
) -> Verdict:
    """Decide what became of creates.

    Args:
        lost: The creates in question.
        candidates: All predictions of the model in that time.
        is_known: Whether an id is that of another purchase of the batch.
        awaited: Hashes of creates whose response may still arrive; nothing is decided about those.
    """
    verdict = Verdict([], [], [])
    by_hash: dict[bytes, list[Flight]] = defaultdict(list)
    for flight in lost:
        if flight.sent not in awaited:
            by_hash[flight.sent].append(flight)
    removed = [_created_at(job) for job in candidates.removed if not is_known(job.id)]
    for sent, flights in by_hash.items():
        start = min(flight.intent_at for flight in flights) - CLOCK_MARGIN  # what is older belongs to another program
        found = [job for job in candidates.by_hash.get(sent, ()) if _created_at(job) >= start and not is_known(job.id)]
        are_ours = len(found) <= len(flights)
        for flight in sorted(flights, key=lambda flight: flight.intent_at, reverse=True):
            younger = [job for job in found if _created_at(job) >= flight.intent_at - CLOCK_MARGIN]
            if younger:
                job = min(younger, key=_created_at)
                found.remove(job)
                verdict.adopted.append(Adoption(flight, job, are_ours and _is_arrival(flight, _created_at(job))))
            elif any(_is_arrival(flight, moment) for moment in removed):
                verdict.uncertain.append(flight)
            else:
                verdict.absent.append(flight)
    return verdict


def _created_at(job: Prediction) -> float:
    return jobs.created_at(job) or 0.0


def _is_arrival(flight: Flight, created_at: float) -> bool:
    """Whether a create can have been accepted at a moment."""
    start = flight.intent_at - CLOCK_MARGIN
    return start <= created_at <= start + MAX_ARRIVAL_TIME
