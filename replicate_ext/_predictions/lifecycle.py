"""The life of a prediction: create it by any reference, wait for its end, tell a good end from a bad one.

All functions serve trainings too where that makes sense: both have an id, a status and an end.
"""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from replicate_api import models
from replicate_api import operations as op
from replicate_api.errors import MissingOperation
from replicate_api.types import Unset

from .. import errors
from .._backends.sync import Wire
from .._config import HOLD, MIN_TIMEOUT
from .._sansio.model_ref import ModelRef
from .._sansio.sse import Decoder
from .._send import Reply, exchange, fetch, send

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training, Version
    from replicate_api.types import Call, Operation

Job = TypeVar("Job", "Prediction", "Training")
T = TypeVar("T")

TERMINAL = frozenset({"succeeded", "failed", "canceled", "aborted"})

NET = 5.0
"""Seconds after a `timeout` at which the server stops the prediction by itself, should we not live to cancel it."""

LONGEST_SILENCE = 10.0
"""Seconds without an event after which a wait with a `timeout` looks at the clock."""

UNKNOWN_STATUS_LIMIT = 60.0
"""Seconds for which a status that we have never heard of may stand still before we stop believing in an end."""


MODELS = 1000
"""Models of which a client remembers how long they take; whoever runs more begins anew."""


def is_training(job: object) -> bool:
    """Whether a job is a training; everything else is a prediction."""
    return isinstance(job, models.Training)


def require_models() -> None:
    """Raise the AttributeError of a document that does not say what a prediction is: its end could not be told."""
    _ = models.Prediction, models.Training


def is_finished(job: Prediction | Training) -> bool:
    """Whether nothing will happen any more: a terminal status, or one that we do not know together with an end time."""
    status: object = job.status
    if isinstance(status, str) and status in TERMINAL:
        return True
    return not getattr(status, "is_known", False) and isinstance(job.completed_at, datetime)


def answered(reply: Reply[Prediction], hold: float | None) -> bool:
    """Whether the reply to a create with `Prefer: wait` holds the whole output.

    The server answers as soon as all outputs exist, with status `processing`. When the hold ran out it answers with
    whatever there is, in the same shape; only the clock (and by some accounts the status 202) tells the two apart.
    """
    if is_finished(reply.value):
        return True
    in_time = hold is not None and reply.status != 202 and reply.seconds < 0.9 * hold
    return in_time and reply.value.status == "processing" and not _absent(reply.value.output)


def poll_interval(elapsed: float, left: float | None = None) -> float:
    """Return the seconds until the next look: a tenth of the time waited so far, from 0.1 up to 5.

    Where the end is due in `left` seconds, the next look comes just after that (or after 0.75 seconds, or half as long
    as it was waited so far: it may end early), and the ones after it each twice as far from it.
    """
    usual = min(5.0, max(0.1, elapsed / 10))
    if left is None:
        return usual
    return min(5.0, left + 0.01, max(0.75, elapsed / 2)) if left > 0 else min(usual, max(0.04, -left))


class Durations:
    """How long runs of each model take, by the server's clock."""

    def __init__(self) -> None:
        self._of: dict[str, deque[float]] = {}
        self._examples: dict[str, float | None] = {}

    def note(self, ref: ModelRef, job: Prediction) -> None:
        """Remember how long a run took, if the server said it."""
        if isinstance(job.completed_at, datetime) and isinstance(job.created_at, datetime):
            if len(self._of) > MODELS:
                self._of.clear()
            lately = self._of.setdefault(str(ref), deque(maxlen=5))
            lately.append((job.completed_at - job.created_at).total_seconds())

    def known(self, ref: ModelRef) -> float | None:
        """Return the seconds that the quickest of the latest five runs took: before that it is no use to look."""
        return min(self._of.get(str(ref), ()), default=None)

    async def guessed(self, wire: Wire, ref: ModelRef, deadline: float | None) -> float | None:
        """Return the seconds that the example on the model's page took; it is asked for once."""
        if ref.is_deployment or not (ref.owner and ref.name):
            return None
        name = f"{ref.owner}/{ref.name}"  # of whatever version
        if name not in self._examples:
            if len(self._examples) > MODELS:
                self._examples.clear()
            self._examples[name] = None
            with contextlib.suppress(errors.ReplicateError, MissingOperation):  # nobody needs it to wait for the end
                call, patience = op.MODELS_GET(ref.owner, ref.name), wire.now() + MIN_TIMEOUT
                patience = patience if deadline is None else min(patience, deadline)
                model = (await exchange(wire, call.request, call.parse, max_retries=0, deadline=patience)).value
                metrics = getattr(getattr(model, "default_example", None), "metrics", None)
                took = getattr(metrics, "predict_time", None)
                self._examples[name] = took if isinstance(took, int | float) else None
        return self._examples[name]


class Due(NamedTuple):
    """What is known of the end of a job."""

    created: float
    """The moment of its creation, on the wire's clock."""
    durations: Durations
    ref: ModelRef

    async def moment(self, wire: Wire, deadline: float | None, *, is_new: bool) -> float | None:
        """Return when it should end. While it is new only former runs tell that; later the model's example may."""
        seconds = self.durations.known(self.ref)
        if seconds is None and not is_new:
            seconds = await self.durations.guessed(wire, self.ref, deadline)
        return None if seconds is None else self.created + seconds


class Waiting(NamedTuple):
    """How somebody waits for a job."""

    began: float
    """The moment on the wire's clock from which `timeout` counts."""
    timeout: float | None = None
    poll_interval: float | None = None
    progress: Callable[[Any], object] | None = None
    due: Due | None = None

    @property
    def deadline(self) -> float | None:
        """The moment at which the patience ends."""
        return None if self.timeout is None else self.began + self.timeout

    def saw(self, job: Prediction | Training) -> None:
        """Tell whoever wants to know."""
        if self.progress is not None:
            self.progress(job)


def check(**fields: Any) -> None:
    """Raise the TypeError or ValueError of a field of a create, before anything is sent."""
    require_models()
    if any(value is not None for value in fields.values()):
        _creating(op.PREDICTIONS_CREATE, version="", input={}, **fields)


def _creating(operation: Operation[..., Prediction], *path: str, **fields: Any) -> Call[Prediction]:
    """Write a create. Headers that only help are left out where the document does not have them."""
    helping = {"prefer", "cancel_after"} - operation.arguments
    given = {name: value for name, value in fields.items() if value is not None and name not in helping}
    return operation(*path, **given)


async def create(
    wire: Wire,
    ref: ModelRef,
    hold: float | None,
    versions: dict[str, Version],
    deadline: float | None = None,
    **fields: Any,
) -> Reply[Prediction]:
    """Create a prediction by any reference, before the deadline on the wire's clock.

    A model without a version is tried as an official one; where the API does not know it as such (404, so nothing
    was created) it is a community model, and its latest version is looked up, run, and remembered in `versions`.
    """
    prefer = None if hold is None else "wait" if hold >= HOLD else f"wait={int(hold)}"
    is_remembered = str(ref) in versions
    if not (ref.is_deployment or ref.version or is_remembered):
        call = _creating(op.MODELS_PREDICTIONS_CREATE, str(ref.owner), str(ref.name), prefer=prefer, **fields)
        try:
            return await exchange(wire, call.request, call.parse, deadline=deadline)
        except errors.NotFound:
            versions[str(ref)] = await _latest_version(wire, ref)
    if str(ref) in versions and not ref.version:
        _check_names(versions[str(ref)], fields["input"], ref)
    if ref.is_deployment:
        owner, name = str(ref.owner), str(ref.name)
        call = _creating(op.DEPLOYMENTS_PREDICTIONS_CREATE, owner, name, prefer=prefer, **fields)
    else:
        version = ref.version or str(versions[str(ref)].id)
        version = version if len(version) == 64 else str(ref)
        call = _creating(op.PREDICTIONS_CREATE, version=version, prefer=prefer, **fields)
    try:
        return await exchange(wire, call.request, call.parse, deadline=deadline)
    except errors.NotFound as unknown:
        if ref.is_deployment:
            name = f"{ref.owner}/{ref.name}"
            unknown.advise(f"there is no deployment {name} that this token can use; if it is a model, write {name!r}")
        raise
    except errors.InvalidRequest as refused:
        if is_remembered and not refused.invalid_fields:  # the version is gone: nothing was created, look again
            versions.pop(str(ref), None)  # unless a call beside this one has found that out too
            return await create(wire, ref, hold, versions, deadline, **fields)
        if ref.version and not refused.invalid_fields:
            latest = f"; write '{ref.owner}/{ref.name}' for the model's latest version" if ref.owner else ""
            refused.advise(f"there is no version {ref.version} that this token can use{latest}")
        raise


def _check_names(version: Version, input: Mapping[str, Any], ref: ModelRef) -> None:
    """Raise the ValueError of an input that the model does not have: it would be dropped in silence, and paid for."""
    node: Any = version.openapi_schema
    for step in ("components", "schemas", "Input", "properties"):
        node = node.get(step) if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping):
        return
    for name in input.keys() - node.keys():
        from difflib import get_close_matches  # only where something is wrong

        close = get_close_matches(name, map(str, node), 1)
        hint = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(map(str, node)) or 'none'}"
        raise ValueError(f"input.{name}: {ref} has no such input; {hint}")


async def _latest_version(wire: Wire, ref: ModelRef) -> Version:
    try:
        model = await send(wire, op.MODELS_GET(str(ref.owner), str(ref.name)))
    except errors.NotFound as unknown:
        unknown.advise(
            f"there is no model {ref} that this token can run; if it is a deployment, write 'deployments/{ref}'"
        )
        raise
    version = model.latest_version
    if not isinstance(version, models.Version) or not isinstance(version.id, str):
        raise errors.NotFound(404, detail=f"the model {ref} has no version that could be run; push one first")
    return version


def lifetime(timeout: float | None) -> str | None:
    """Return the `Cancel-After` that goes with a timeout.

    Our own cancellation comes first; this one is for the case that this process is not there any more.
    """
    return None if timeout is None else f"{math.ceil(timeout + NET)}s"


async def look(wire: Wire, id: str, waiting: Waiting) -> Prediction:
    """Return a prediction by its id, before the patience ends; WaitTimeout where it ends before."""
    call = op.PREDICTIONS_GET(id)
    try:
        return (await exchange(wire, call.request, call.parse, deadline=waiting.deadline)).value
    except errors.ReplicateError as error:
        if waiting.deadline is None or wire.now() < waiting.deadline:
            raise
        raise errors.WaitTimeout(f"{id} could not be looked at within {waiting.timeout:g} seconds") from error


async def wait(wire: Wire, job: Job, waiting: Waiting) -> Job:
    """Wait until the job is finished, and return it however it ended.

    The end of a job with a stream is heard there, as long as nobody wants to see more than the end; any other job,
    and one whose stream does not work, is looked at again and again.

    Raises:
        WaitTimeout: `timeout` seconds passed, or a status that we do not know stood still for too long.
        ReplicateError: A look failed for good; `error.prediction` is the job as last seen.
    """
    get = cast("Callable[[str], Call[Job]]", op.TRAININGS_GET if is_training(job) else op.PREDICTIONS_GET)
    deadline, every = waiting.deadline, waiting.poll_interval
    polling_since, changed, is_new = waiting.began, wire.now(), True
    url = stream_url(job) if every is None and waiting.progress is None else None
    while not is_finished(job):
        if deadline is not None and wire.now() >= deadline:
            raise errors.WaitTimeout(f"{job.id} is still {job.status} after {waiting.timeout:g} seconds", job)
        if not getattr(job.status, "is_known", False) and wire.now() - changed > UNKNOWN_STATUS_LIMIT:
            raise errors.WaitTimeout(f"{job.id} stays in status {job.status!r}, which this version does not know", job)
        if url is not None:
            url = url if await _listened(wire, url, deadline) else None
            polling_since = wire.now()
        else:
            interval = every
            if interval is None:
                end = await waiting.due.moment(wire, deadline, is_new=is_new) if waiting.due else None
                now, is_new = wire.now(), False
                interval = poll_interval(now - polling_since, None if end is None else end - now)
            await wire.sleep(interval if deadline is None else max(0.0, min(interval, deadline - wire.now())))
        try:
            call = get(id_of(job))
            seen = (await exchange(wire, call.request, call.parse, deadline=deadline)).value
        except errors.ReplicateError as error:
            error.prediction = job
            if deadline is not None and wire.now() >= deadline:
                continue  # it is the deadline that ended the call, and the loop says so
            raise
        if seen.status != job.status:
            changed = wire.now()
        job = seen
        waiting.saw(job)
    return job


def stream_url(job: Prediction | Training) -> str | None:
    """Return where the events of a job can be heard, if they can."""
    url = getattr(job.urls, "stream", None)
    return url if isinstance(url, str) and url else None


async def _listened(wire: Wire, url: str, deadline: float | None) -> bool:
    """Listen to a stream until it ends, and say whether to listen again should the job not be finished then.

    That is so when the stream was there but told no end: a proxy or a long silence cut it.
    """
    began, patience = wire.now(), None
    if deadline is not None:
        patience = began + min(LONGEST_SILENCE, max(1.0, (deadline - began) / 2))
    decoder = Decoder()
    try:
        response = await fetch(wire, url, STREAM_HEADERS, deadline=patience, max_retries=0)
        async with aclosing(wire.body(response)) as chunks:
            async for chunk in chunks:
                if any(event.event == "done" for event in decoder.feed(chunk)):
                    return False
                if deadline is not None and wire.now() >= deadline:
                    break
    except errors.ReplicateError:
        pass
    return wire.now() - began >= 1  # or we would be asking again and again


STREAM_HEADERS = {"Accept": "text/event-stream", "Cache-Control": "no-store"}


def result(job: Job) -> Job:
    """Return a job that ended well; raise the error of one that did not.

    Raises:
        PredictionCanceled, PredictionAborted, ModelError: It ended otherwise.
    """
    if job.status == "canceled":
        raise errors.PredictionCanceled(job)
    if job.status == "aborted":
        raise errors.PredictionAborted(job)
    unknown_but_well = job.status != "failed" and not job.error and not _absent(job.output)
    if job.status == "succeeded" or unknown_but_well:
        return job
    raise errors.ModelError(job)


def output(job: Prediction) -> Any:
    """Return the output of a job; a model that returns nothing has None."""
    return None if isinstance(job.output, Unset) else job.output


def id_of(job: Prediction | Training) -> str:
    """Return the id of a job; ResponseError where the API sent none."""
    if not isinstance(job.id, str):
        raise errors.ResponseError(f"the API sent a job without an id: {job.to_dict()!r:.200}")
    return job.id


def _absent(value: object) -> bool:
    return value is None or isinstance(value, Unset)
