"""`run` and `wait`, from top to bottom: check, create, wait, output."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, overload

from .._backends.sync import BlockingWire
from .._config import HOLD
from .._dual import Resource, W, both
from .._files import inputs
from .._files.outputs import files
from .._sansio.model_ref import ModelRef
from . import abandon as leaving
from . import lifecycle
from .lifecycle import Waiting
from .stream import Opening, opens

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training, Version, WebhookEvent

    from .._backends.asyncio import AsyncWire


async def _wait(
    self: Running[Any],
    job: Prediction | Training | str,
    *,
    timeout: float | None = None,
    poll_interval: float | None = None,
    progress: Callable[[Any], object] | None = None,
    cancel_on_exit: bool = True,
) -> Prediction | Training:
    """Wait until a prediction or training has succeeded, and return it; also takes one up again after a crash.

    Args:
        self: The client.
        job: The prediction or training, or the id of a prediction.
        timeout: Seconds to wait, from now. None: as long as it takes.
        poll_interval: Seconds between two looks. None: growing intervals, or, where the job has a stream and nobody
            follows its `progress`, the end of that.
        progress: Called with the job whenever it was looked at.
        cancel_on_exit: Cancel it when Ctrl-C, task cancellation or `timeout` ends the wait early.

    Raises:
        ModelError: It failed; its subclasses PredictionCanceled, PredictionAborted: it was stopped.
        WaitTimeout: `timeout` ran out.
        APIStatusError, ConnectionFailed, ResponseError: The API could not be asked; `prediction` is set.
    """
    lifecycle.require_models()
    _check_seconds(timeout=timeout, poll_interval=poll_interval)
    waiting = Waiting(self._wire.now(), timeout, poll_interval, progress)
    attended: Prediction | Training = await self._attend(job, waiting, cancel_on_exit)
    return attended


class Running(Resource[W]):
    """What both clients do on top of the plain operations."""

    def __init__(self, wire: W) -> None:
        super().__init__(wire)
        self._latest: dict[str, Version] = {}
        self._creates = leaving.Creates()
        self._durations = lifecycle.Durations()

    @both
    async def run(
        self,
        ref: str | ModelRef,
        input: Mapping[str, Any] | None = None,
        *,
        wait: bool | float = True,
        timeout: float | None = None,
        poll_interval: float | None = None,
        on_created: Callable[[Prediction], object] | None = None,
        progress: Callable[[Prediction], object] | None = None,
        webhook: str | None = None,
        webhook_events_filter: Sequence[WebhookEvent | Literal["start", "output", "logs", "completed"]] | None = None,
        cancel_on_exit: bool = True,
    ) -> Any:
        """Run a model and return its output, once the prediction has succeeded.

        Args:
            ref: What to run: `owner/name`, `owner/name:version`, a version id, `deployments/owner/name`, or the
                address of a model's page. A community model without a version runs in its latest one.
            input: The model's inputs by name: JSON values, and files anywhere among them (Path, bytes, files opened
                with mode "rb", PIL images, FileOutput).
            wait: Whether the server should hold the first request until the output is there: up to 60 seconds, or as
                many as you say (1 to 60). Without it, or after it, the end is heard on the prediction's stream, or,
                where it has none, looked for: when the runs of this model before, or the example on its page, took as
                long, else in growing intervals.
            timeout: Seconds that the whole run may take. None: as long as the model takes. Unless `cancel_on_exit` is
                off, the server is told as well (`Cancel-After`, a little later), in case this process dies.
            poll_interval: Seconds between two looks, instead of all that.
            on_created: Called with the prediction once it exists, so that its id can be kept: `client.wait(id)` takes
                it up again in another process. The create is then held only if `wait` is a number of seconds.
            progress: Called with the prediction whenever it was looked at, first as it was created.
            webhook: An HTTPS URL that Replicate calls when something happens.
            webhook_events_filter: Which events: start, output, logs, completed.
            cancel_on_exit: Cancel the prediction when Ctrl-C, task cancellation or `timeout` ends the run early.

        Returns:
            The output as JSON values; strings that are a URL or a data URI are `FileOutput` (or `AsyncFileOutput`).

        Raises:
            ModelError: It failed; its subclasses PredictionCanceled, PredictionAborted: it was stopped.
            WaitTimeout: `timeout` ran out.
            APIStatusError, ConnectionFailed, ResponseError: The API could not be asked. Where `maybe_created_after`
                is set the prediction may exist all the same; where `prediction` is set `client.wait` takes it up.
            ValueError, TypeError: An argument is wrong; nothing was sent.
        """
        _check_seconds(timeout=timeout, poll_interval=poll_interval)
        ref, prepared = ModelRef.parse(ref), inputs.prepare(input)
        hold = None if wait is True and on_created is not None else _hold(wait, timeout)
        waiting = Waiting(self._wire.now(), timeout, poll_interval, progress)
        fields: dict[str, Any] = {
            "webhook": webhook,
            "webhook_events_filter": webhook_events_filter,
            "cancel_after": lifecycle.lifetime(timeout) if cancel_on_exit else None,
        }
        lifecycle.check(**fields)
        fields["input"] = await prepared.send(self._wire)
        deadline = waiting.deadline
        reply = await leaving.begin(
            self._wire, self._creates, ref, hold, self._latest, deadline, cancel_on_exit, **fields
        )
        job = reply.value
        if on_created is not None:
            on_created(job)
        if lifecycle.answered(reply, hold):
            waiting.saw(job)
            job = lifecycle.result(job) if lifecycle.is_finished(job) else job
        else:
            if progress is None:  # who watches wants to see it all
                due = lifecycle.Due(self._wire.now() - reply.seconds, self._durations, ref)
                waiting = waiting._replace(due=due)
            job = await self._attend(job, waiting, cancel_on_exit)
            self._durations.note(ref, job)
        version = self._latest.get(str(ref))
        return files(lifecycle.output(job), self._wire, _mapping(version and version.openapi_schema))

    @opens
    def stream(
        self,
        ref: str | ModelRef,
        input: Mapping[str, Any] | None = None,
        *,
        webhook: str | None = None,
        webhook_events_filter: Sequence[WebhookEvent | Literal["start", "output", "logs", "completed"]] | None = None,
        cancel_on_exit: bool = True,
    ) -> Opening:
        """Run a model and yield its events as they come: output, logs, error, done.

            for event in client.stream("acme/poet", {"prompt": "the sea"}):
                print(event, end="")

        The prediction is created when the iteration begins. A stream that breaks off is taken up again, and a model
        that cannot stream is polled: its new output items are yielded as output events.

        Args:
            ref: What to run, as for `run`.
            input: The model's inputs by name: JSON values, and files anywhere among them (Path, bytes, files opened
                with mode "rb", PIL images, FileOutput).
            webhook: An HTTPS URL that Replicate calls when something happens.
            webhook_events_filter: Which events: start, output, logs, completed.
            cancel_on_exit: Cancel the prediction when the iteration is left before its end.

        Returns:
            A `Stream` (or `AsyncStream`): iterate it once; `str(event)` is the text of an output event, and after
            the end `.text` and `.prediction` are there. The data of a model that makes files are `FileOutput`.

        Raises:
            ModelError: Once the events are over: the prediction failed, was canceled or aborted.
            StreamError: Events were lost and cannot be had any more.
            APIStatusError, ConnectionFailed, ResponseError: As for `run`.
        """
        ref, prepared = ModelRef.parse(ref), inputs.prepare(input)
        fields: dict[str, Any] = {"webhook": webhook, "webhook_events_filter": webhook_events_filter}
        lifecycle.check(**fields)

        async def create() -> Prediction:
            fields["input"] = await prepared.send(self._wire)
            reply = await leaving.begin(
                self._wire, self._creates, ref, None, self._latest, None, cancel_on_exit, **fields
            )
            return reply.value

        return Opening(create, cancel_on_exit)

    async def _attend(self, job: Any, waiting: Waiting, cancel_on_exit: bool) -> Any:
        """Wait for the good end of a job or an id; whoever leaves early cancels it, unless told otherwise."""
        try:
            if isinstance(job, str):
                job = await lifecycle.look(self._wire, job, waiting)
            waiting.saw(job)
            return lifecycle.result(await lifecycle.wait(self._wire, job, waiting))
        except BaseException as reason:
            if cancel_on_exit and leaving.is_exit(reason):
                await leaving.give_up(self._wire, job)
            raise

    wait = cast("_Wait", both(_wait))


def _mapping(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, Mapping) else None


def _hold(wait: bool | float, timeout: float | None) -> float | None:
    """Return the seconds for which the server should hold the create, or None."""
    if wait is False:
        return None
    if isinstance(wait, str) or not (wait is True or 1 <= wait <= HOLD):
        raise ValueError(f"wait must be True, False or 1 to {HOLD} seconds, not {wait!r}")
    hold = float(HOLD if wait is True else math.ceil(wait))
    if timeout is not None:
        hold = min(hold, math.floor(timeout))
    return hold if hold >= 1 else None


def _check_seconds(**arguments: float | None) -> None:
    for name, seconds in arguments.items():
        if seconds is not None and (isinstance(seconds, str) or not 0 < seconds < math.inf):
            raise ValueError(f"{name} must be a positive number of seconds or None, not {seconds!r}")


if TYPE_CHECKING:

    class _BlockingWait(Protocol):
        @overload
        def __call__(
            self,
            job: Training,
            *,
            timeout: float | None = None,
            poll_interval: float | None = None,
            progress: Callable[[Training], object] | None = None,
            cancel_on_exit: bool = True,
        ) -> Training: ...
        @overload
        def __call__(
            self,
            job: Prediction | str,
            *,
            timeout: float | None = None,
            poll_interval: float | None = None,
            progress: Callable[[Prediction], object] | None = None,
            cancel_on_exit: bool = True,
        ) -> Prediction: ...

    class _AsyncWait(Protocol):
        @overload
        def __call__(
            self,
            job: Training,
            *,
            timeout: float | None = None,
            poll_interval: float | None = None,
            progress: Callable[[Training], object] | None = None,
            cancel_on_exit: bool = True,
        ) -> Coroutine[Any, Any, Training]: ...
        @overload
        def __call__(
            self,
            job: Prediction | str,
            *,
            timeout: float | None = None,
            poll_interval: float | None = None,
            progress: Callable[[Prediction], object] | None = None,
            cancel_on_exit: bool = True,
        ) -> Coroutine[Any, Any, Prediction]: ...

    class _Wait(Protocol):
        """`both`, for the one method whose result depends on its argument."""

        @overload
        def __get__(self, obj: Resource[BlockingWire], owner: object = None) -> _BlockingWait: ...
        @overload
        def __get__(self, obj: Resource[AsyncWire], owner: object = None) -> _AsyncWait: ...
