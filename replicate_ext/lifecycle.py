"""The life of a prediction: create it by any reference, wait for its end, cancel it, find it again.

All functions serve trainings too where that makes sense: both have an id, a status and an end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

from replicate_api.models import Prediction, Training
from replicate_api.types import Unset

from . import errors
from . import operations as op
from ._wire import CLEANUP_TIMEOUT, CLOCK_SKEW, HOLD, Reply, Wire, exchange, send
from .operations import Call
from .refs import ModelRef

Job = TypeVar("Job", Prediction, Training)
T = TypeVar("T")

TERMINAL = frozenset({"succeeded", "failed", "canceled", "aborted"})

UNKNOWN_STATUS_LIMIT = 60.0
"""Seconds for which a status that we have never heard of may stand still before we stop believing in an end."""


def is_finished(job: Prediction | Training) -> bool:
    """Whether nothing will happen any more: a terminal status, or, whatever the status is called, an end time."""
    return job.status in TERMINAL or not _absent(job.completed_at)


def answered(reply: Reply[Prediction], hold: float | None) -> bool:
    """Whether the reply to a create with `Prefer: wait` holds the whole output.

    The server answers as soon as all outputs exist, with status `processing`. When the hold ran out it answers with
    whatever there is, in the same shape; only the clock (and by some accounts the status 202) tells the two apart.
    """
    if is_finished(reply.value):
        return True
    in_time = hold is not None and reply.status != 202 and reply.seconds < 0.9 * hold
    return in_time and reply.value.status == "processing" and not _absent(reply.value.output)


def poll_interval(elapsed: float) -> float:
    """Return the seconds until the next look: a tenth of the time waited so far, from 0.1 up to 5."""
    return min(5.0, max(0.1, elapsed / 10))


async def create(
    wire: Wire, ref: ModelRef, hold: float | None, cache: dict[str, str], deadline: float | None = None, **fields: Any
) -> Reply[Prediction]:
    """Create a prediction by any reference, before the deadline on the wire's clock.

    A model without a version is tried as an official one; where the API does not know it as such (404, so nothing
    was created) it is a community model, and its latest version is looked up, run, and remembered in `cache`.
    """
    prefer = None if hold is None else "wait" if hold >= HOLD else f"wait={int(hold)}"
    if ref.is_deployment:
        call = op.DEPLOYMENTS_PREDICTIONS_CREATE(str(ref.owner), str(ref.name), prefer=prefer, **fields)
    elif ref.version or str(ref) in cache:
        call = op.PREDICTIONS_CREATE(version=_version(ref, cache), prefer=prefer, **fields)
    else:
        call = op.MODELS_PREDICTIONS_CREATE(str(ref.owner), str(ref.name), prefer=prefer, **fields)
        try:
            return await exchange(wire, call.request, call.parse, deadline=deadline)
        except errors.NotFound:
            cache[str(ref)] = await _latest_version(wire, ref)
        call = op.PREDICTIONS_CREATE(version=_version(ref, cache), prefer=prefer, **fields)
    return await exchange(wire, call.request, call.parse, deadline=deadline)


def _version(ref: ModelRef, cache: Mapping[str, str]) -> str:
    version = ref.version or cache[str(ref)]
    return version if len(version) == 64 else str(ref)


async def _latest_version(wire: Wire, ref: ModelRef) -> str:
    model = await send(wire, op.MODELS_GET(str(ref.owner), str(ref.name)))
    version = getattr(model.latest_version, "id", None)
    if not isinstance(version, str):
        raise errors.NotFound(404, detail=f"the model {ref} has no version that could be run; push one first")
    return version


async def wait(
    wire: Wire,
    job: Job,
    began: float,
    timeout: float | None,
    progress: Callable[[Job], object] | None,
) -> Job:
    """Poll until the job is finished, and return it however it ended.

    `began` is the moment, on the wire's clock, from which `timeout` and the growth of the intervals count.

    Raises:
        WaitTimeout: `timeout` seconds passed, or a status that we do not know stood still for too long.
        ReplicateError: A look failed for good; `error.prediction` is the job as last seen.
    """
    look = cast("Callable[[str], Call[Job]]", op.TRAININGS_GET if isinstance(job, Training) else op.PREDICTIONS_GET)
    deadline = None if timeout is None else began + timeout
    changed = wire.now()
    while not is_finished(job):
        elapsed = wire.now() - began
        if timeout is not None and elapsed >= timeout:
            raise errors.WaitTimeout(f"{job.id} is still {job.status} after {timeout:g} seconds", job)
        if not getattr(job.status, "is_known", False) and wire.now() - changed > UNKNOWN_STATUS_LIMIT:
            raise errors.WaitTimeout(f"{job.id} stays in status {job.status!r}, which this version does not know", job)
        interval = poll_interval(elapsed)
        await wire.sleep(interval if timeout is None else min(interval, timeout - elapsed))
        try:
            call = look(_id(job))
            seen = (await exchange(wire, call.request, call.parse, deadline=deadline)).value
        except errors.ReplicateError as error:
            error.prediction = job
            if deadline is not None and wire.now() >= deadline:
                continue  # it is the deadline that ended the call, and the loop says so
            raise
        if seen.status != job.status:
            changed = wire.now()
        job = seen
        if progress is not None:
            progress(job)
    return job


def result(job: Job) -> Job:
    """Return a job that ended well; raise the error of one that did not.

    Raises:
        PredictionCanceled, PredictionAborted, ModelError: It ended otherwise.
    """
    if job.status == "canceled":
        raise errors.PredictionCanceled(job)
    if job.status == "aborted":
        raise errors.PredictionAborted(job)
    unknown_but_well = job.status not in TERMINAL and not job.error and not _absent(job.output)
    if job.status == "succeeded" or unknown_but_well:
        return job
    raise errors.ModelError(job)


async def give_up(wire: Wire, job: Prediction | Training) -> None:
    """Cancel a job in the little time that an exiting program has; failures are passed over in silence."""
    cancel = op.TRAININGS_CANCEL if isinstance(job, Training) else op.PREDICTIONS_CANCEL
    await wire.finally_(_briefly(wire, cancel(_id(job))))


async def give_up_unseen(wire: Wire, since: datetime, input: Mapping[str, Any]) -> None:
    """Cancel the prediction whose create was interrupted before its id arrived.

    It is looked for among the newest ones, by its input. Unless exactly one fits, none is touched: better to pay
    for a prediction than to cancel somebody else's.
    """

    async def find_and_cancel() -> None:
        page = await _briefly(wire, op.PREDICTIONS_LIST(created_after=since - CLOCK_SKEW))
        found = page.results if isinstance(page.results, list) else []
        fitting = [job for job in found if job.input == input and not is_finished(job)]
        if len(fitting) == 1:
            await _briefly(wire, op.PREDICTIONS_CANCEL(fitting[0].id))

    await wire.finally_(find_and_cancel())


async def _briefly(wire: Wire, call: Call[T]) -> T:
    deadline = wire.now() + CLEANUP_TIMEOUT
    return (await exchange(wire, call.request, call.parse, deadline=deadline, max_retries=1)).value


def _id(job: Prediction | Training) -> str:
    if not isinstance(job.id, str):
        raise errors.ResponseError(f"the API sent a job without an id: {job.to_dict()!r:.200}")
    return job.id


def _absent(value: object) -> bool:
    return value is None or isinstance(value, Unset)
