"""Cancel what the caller stopped waiting for, even if its id never arrived.

All of it is best effort, in a cleanup (`Session.clean_up`): it is bounded in time, and its own failures are ignored,
because the caller already raises the error that led to it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any

from replicate_api import operations as op

from .. import errors
from .._pagination import iterate_items
from .._sansio import job as jobs
from .._sansio.in_flight import InFlightCreates
from .wait import fetch_job

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training

    from .._sansio.model_ref import ModelRef
    from .._send import Session
    from .create import CreateRequest

SEARCH_DELAYS = (0.0, 0.5, 2.0)
"""Seconds before each search for a create without an id: the server may list a prediction a moment after it got it."""


async def cancel_jobs(
    session: Session[Any], running: Iterable[Prediction | Training | str], failed: list[str] | None = None
) -> None:
    """Cancel jobs, or predictions by their ids, concurrently; add to `failed` the ids of those that may still run."""
    failed = [] if failed is None else failed
    await session.backend.gather([_cancel(session, job, failed) for job in running])


async def _cancel(session: Session[Any], job: Prediction | Training | str, failed: list[str]) -> None:
    id = job if isinstance(job, str) else jobs.id_of(job)
    operation: Any = op.TRAININGS_CANCEL if jobs.is_training(job) else op.PREDICTIONS_CANCEL
    try:
        await fetch_job(session, operation, id)
    except errors.ReplicateError:  # not raised: it would keep the others from being canceled
        failed.append(id)


async def cancel_unidentified(session: Session[Any], request: CreateRequest, sent_at: datetime) -> None:
    """Cancel the prediction of a create that was abandoned before its id arrived.

    The predictions created since then are searched for the same model and input. If more of them match than this client
    abandoned, none is canceled: paying for a prediction is better than canceling somebody else's.
    """
    fingerprint = InFlightCreates.fingerprint(request.input)
    try:
        for delay in SEARCH_DELAYS:
            await session.backend.sleep(delay)
            if not session.in_flight.is_abandoned(fingerprint):  # a search for an identical create found this one too
                return
            with contextlib.suppress(errors.ReplicateError):  # the next search may succeed
                found = await _search(session, request, sent_at)
                claimed = session.in_flight.claim(fingerprint, found.keys())
                await cancel_jobs(session, [id for id in claimed if not jobs.is_finished(found[id])])
                if claimed:
                    return
    except Exception:
        session.in_flight.give_up(fingerprint)
        raise
    session.in_flight.give_up(fingerprint)  # not after a cancellation: then the cleanup starts again


async def _search(session: Session[Any], request: CreateRequest, sent_at: datetime) -> dict[str, Prediction]:
    """Return the predictions with this model and input that were created after a moment, by id.

    Finished ones too: the abandoned prediction may be one of them, and then an unfinished one is somebody else's.
    """
    matches = {}
    async with aclosing(iterate_items(session, op.PREDICTIONS_LIST())) as newest_first:
        async for job in newest_first:
            since = session.clock.lower_bound(sent_at)  # known by now: the list is a response of the server
            if since is None or not isinstance(job.created_at, datetime) or job.created_at < since:
                break  # what may be older than the create is somebody else's
            if job.input == request.input and _is_run_of(job, request.ref):
                matches[job.id] = job
    return matches


def _is_run_of(job: Prediction, ref: ModelRef) -> bool:
    name = f"{ref.owner}/{ref.name}"
    if ref.is_deployment:
        return job.deployment == name
    if ref.owner is None:
        return job.version == ref.version
    return job.model == name
