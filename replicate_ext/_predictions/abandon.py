"""What is owed to a prediction that nobody waits for any more: to cancel it, even when its id never arrived.

All of it is best effort: it takes little time, goes out even while the rate limit holds others back, and is silent
about failures, because there is already a reason why somebody leaves.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from replicate_api import operations as op

from .. import errors
from .._backends.sync import CLEANUP_TIMEOUT, Wire
from .._sansio.model_ref import ModelRef
from .._send import CLOCK_SKEW, Reply, exchange
from . import lifecycle

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training, Version
    from replicate_api.types import Call

T = TypeVar("T")


def is_exit(leaving: BaseException) -> bool:
    """Whether somebody stops waiting: Ctrl-C, a canceled task, a timeout; not a failure of the network."""
    if isinstance(leaving, GeneratorExit):  # the coroutine itself is being thrown away and may not await any more
        return False
    return isinstance(leaving, errors.WaitTimeout) or not isinstance(leaving, Exception)


class Creates:
    """The creates of one client: how many of a kind are on their way, and how many of them nobody waits for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._on_their_way: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self.known: deque[str] = deque(maxlen=10_000)
        """Ids that arrived, or that somebody cancels already: nobody has to guess about these."""

    def begin(self, kind: str) -> None:
        with self._lock:
            self._on_their_way[kind] += 1

    def lose(self, kind: str) -> None:
        with self._lock:
            self._lost[kind] += 1

    def end(self, kind: str) -> None:
        with self._lock:
            self._on_their_way[kind] -= 1
            self._on_their_way += Counter()  # forget what is zero

    def found(self, kind: str) -> None:
        with self._lock:
            self._lost[kind] -= 1
            self._lost += Counter()

    def lost(self, kind: str) -> int:
        """Return how many jobs may be canceled by their kind alone: none while one is still waited for."""
        with self._lock:
            return self._lost[kind] if self._lost[kind] == self._on_their_way[kind] else 0


async def begin(
    wire: Wire,
    creates: Creates,
    ref: ModelRef,
    hold: float | None,
    versions: dict[str, Version],
    deadline: float | None,
    cancel_on_exit: bool,
    **fields: Any,
) -> Reply[Prediction]:
    """Create a prediction, as `lifecycle.create` does; whoever leaves before it is answered cancels it.

    Raises:
        WaitTimeout: The deadline passed, and it is not known whether the prediction exists.
    """
    kind, since = json.dumps([str(ref), fields["input"]], sort_keys=True), datetime.now(UTC)
    creates.begin(kind)
    try:
        reply = await lifecycle.create(wire, ref, hold, versions, deadline, **fields)
        creates.known.append(str(reply.value.id))
        return reply
    except errors.ConnectionFailed as late:
        if deadline is None or wire.now() < deadline or late.maybe_created_after is None:
            raise
        if cancel_on_exit:
            await _give_up_unseen(wire, creates, kind, ref, since, fields["input"])
        timeout = errors.WaitTimeout(f"{ref}: there was no answer to the create before `timeout` ran out")
        timeout.maybe_created_after = late.maybe_created_after
        raise timeout from late
    except BaseException as leaving:
        if cancel_on_exit and is_exit(leaving):
            await _give_up_unseen(wire, creates, kind, ref, since, fields["input"])
        raise
    finally:
        creates.end(kind)


async def give_up(wire: Wire, job: Prediction | Training | str) -> None:
    """Cancel a job, or the prediction with an id."""

    async def cancel() -> None:
        id = job if isinstance(job, str) else lifecycle.id_of(job)
        call: Call[Any] = op.TRAININGS_CANCEL(id) if lifecycle.is_training(job) else op.PREDICTIONS_CANCEL(id)
        await _briefly(wire, call)

    await wire.finally_(cancel())


async def _give_up_unseen(
    wire: Wire, creates: Creates, kind: str, ref: ModelRef, since: datetime, input: Mapping[str, Any]
) -> None:
    """Cancel the prediction whose create was interrupted before its id arrived.

    It is looked for among the newest ones, by what it runs and its input. Where more fit than this client has lost,
    none is touched: better to pay for a prediction than to cancel somebody else's.
    """

    async def find_and_cancel() -> None:
        page = await _briefly(wire, op.PREDICTIONS_LIST(created_after=since - CLOCK_SKEW))
        found = page.results if isinstance(page.results, list) else []
        fitting = [
            job
            for job in found
            if job.input == input and _runs(job, ref) and not lifecycle.is_finished(job) and job.id not in creates.known
        ]
        if len(fitting) <= creates.lost(kind):
            creates.known.extend(job.id for job in fitting)
            for job in fitting:
                await _briefly(wire, op.PREDICTIONS_CANCEL(job.id))

    creates.lose(kind)
    try:
        await wire.finally_(find_and_cancel())
    finally:
        creates.found(kind)


def _runs(job: Prediction, ref: ModelRef) -> bool:
    name = f"{ref.owner}/{ref.name}"
    if ref.is_deployment:
        return job.deployment == name
    if ref.owner is None:
        return job.version == ref.version
    return job.model == name


async def _briefly(wire: Wire, call: Call[T]) -> T:
    deadline = wire.now() + CLEANUP_TIMEOUT
    reply = await exchange(wire, call.request, call.parse, deadline=deadline, max_retries=1, is_urgent=True)
    return reply.value
