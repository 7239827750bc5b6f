"""`run`, and the three verbs that it is made of: `submit`, `wait`, `output`; and `stream`."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, Protocol, overload

from replicate_api import models

from .._dual import Resource, dual_method
from .._sansio import job as jobs
from .._sansio.model_ref import ModelRef
from .._sansio.request import MAX_HOLD
from .._send import BackendT, Session
from .create import CreateRequest
from .predictions import Predictions
from .schedule import CompletionEstimate
from .stream import StreamRequest, stream_method
from .wait import Callback, WaitOptions, call_back, check_callbacks, open_callback, wait as wait_for

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training

    from .._backends.asyncio import AsyncBackend
    from .._backends.sync import SyncBackend

P = ParamSpec("P")


class _wait_method(dual_method[..., Any], Generic[P]):
    """`dual_method` for the one method whose result depends on its argument."""

    if TYPE_CHECKING:

        def __init__(self, function: Callable[Concatenate[Any, Any, P], Coroutine[Any, Any, Any]]) -> None: ...

        @overload
        def __get__(self, obj: None, owner: type) -> Callable[..., Any]: ...
        @overload
        def __get__(self, obj: Resource[SyncBackend], owner: type | None = None) -> _SyncWait[P]: ...
        @overload
        def __get__(self, obj: Resource[AsyncBackend], owner: type | None = None) -> _AsyncWait[P]: ...
        def __get__(self, obj: Resource[Any] | None, owner: type | None = None) -> Any: ...


class RunMixin(Resource[BackendT]):
    """Adds `run`, `submit`, `wait`, `output` and `stream` to the clients."""

    def __init__(self, session: Session[BackendT]) -> None:
        super().__init__(session)
        self._predictions = Predictions(session)

    @dual_method
    async def run(
        self,
        ref: str | ModelRef,
        input: Mapping[str, Any] | None = None,
        *,
        wait: bool | float = True,
        timeout: float | None = None,
        poll_interval: float | None = None,
        on_created: Callback[models.Prediction] | None = None,
        progress: bool | Callback[models.Prediction] | None = None,
        webhook: str | None = None,
        webhook_events_filter: Sequence[models.WebhookEvent | Literal["start", "output", "logs", "completed"]]
        | None = None,
        check: bool = True,
        cancel_on_exit: bool = True,
    ) -> Any:
        """Run a model and return its output, once the prediction has succeeded.

        Args:
            ref: What to run: `owner/name`, `owner/name:version`, a version id, `deployments/owner/name`, or the URL of
                a model's page. A community model without a version runs in its latest version.
            input: The model's inputs by name: JSON values, and files anywhere among them (Path, bytes, files opened
                with mode "rb", PIL images, FileOutput).
            wait: How long the server may block the create request (`Prefer: wait`): True for up to 60 s, a number of
                seconds (1-60), or False. If the prediction is still running afterwards, the client listens to its event
                stream or, if it has none, polls: first when earlier runs of the model (or its example) took this long,
                then with growing intervals (0.1-5 s).
            timeout: Seconds that the whole run may take, or None for no limit. Unless `cancel_on_exit` is False, the
                server also gets it as `Cancel-After`, plus 5 s, in case this process dies.
            poll_interval: Poll with this interval in seconds, instead of the schedule above.
            on_created: Called with the prediction once it exists, so that you can store its id: `client.wait(id)`
                resumes the wait in another process. The server then blocks the create request only if `wait` is a
                number of seconds.
            progress: A function that is called with the prediction after its creation and after every poll, the final
                state included; or True for a progress bar, and one of the uploads before. The server then does not
                block the create request.
            webhook: An HTTPS URL to which Replicate sends events.
            webhook_events_filter: Which events: start, output, logs, completed.
            check: Check the input by the model's schema before anything is paid for.
            cancel_on_exit: Cancel the prediction if Ctrl-C, task cancellation or `timeout` ends the run early.

        Returns:
            The output as JSON values. Files are `FileOutput` (or `AsyncFileOutput`), and a list is an `Outputs`.

        Raises:
            ModelError: The prediction failed.
            PredictionCanceledError, PredictionAbortedError: It was stopped, by a request or by its deadline.
            WaitTimeoutError: `timeout` expired.
            APIStatusError, APIConnectionError, ResponseDecodeError: A request failed. If `maybe_created_after` is set,
                the prediction may exist all the same; if `prediction` is set, `client.wait` resumes the wait.
            InvalidInputError: The model does not accept the input; nothing was created.
            ValueError, TypeError: An argument is invalid; nothing was sent.

        Examples:
            >>> client.run("acme/hello", {"text": "Ada"})
            'Hello, Ada!'
            >>> [image] = client.run("acme/painter", {"prompt": "a lighthouse", "width": 64}, timeout=60)
            >>> path = image.save("lighthouse.png")
        """
        with open_callback(progress) as callback:
            session, options = self._start(timeout, poll_interval, progress=callback, on_created=on_created)
            hold = _hold_seconds(wait)
            if options.progress is not None or (wait is True and on_created is not None):
                hold = None
            ref, predictions = ModelRef.parse(ref), self._predictions
            request = CreateRequest(ref, {}, webhook, webhook_events_filter, hold, check)
            prepared = predictions.prepare(request, input, show_uploads=progress is True)
            job, is_complete, created_at = await predictions.create(session, request, prepared, cancel_on_exit)
            async with predictions.attend(session, job, cancel_on_exit) as attendance:
                await call_back(session, on_created, job)
                await call_back(session, options.progress, job)
                if not is_complete:
                    if options.progress is None:  # a caller who watches the progress wants regular polls
                        options = options._replace(
                            estimate=CompletionEstimate(
                                created_at, predictions.durations, ref, predictions.known_models.get(ref)
                            )
                        )
                    job = jobs.raise_unless_succeeded(await wait_for(session, job, options, attendance))
                    predictions.durations.record(ref, job)
                else:
                    jobs.raise_unless_succeeded(job)
            return predictions.wrap_output(session, job, ref)

    @dual_method
    async def submit(
        self,
        ref: str | ModelRef,
        input: Mapping[str, Any] | None = None,
        *,
        progress: bool = False,
        webhook: str | None = None,
        webhook_events_filter: Sequence[models.WebhookEvent | Literal["start", "output", "logs", "completed"]]
        | None = None,
        check: bool = True,
    ) -> models.Prediction:
        """Create a prediction and return it immediately; it continues without this process.

        Args:
            ref: What to run, as for `run`.
            input: The model's inputs by name, as for `run`.
            progress: Whether to show a bar while files of the input are uploaded.
            webhook: An HTTPS URL to which Replicate sends events.
            webhook_events_filter: Which events: start, output, logs, completed.
            check: Check the input by the model's schema before anything is paid for.

        Returns:
            The prediction as it was created: `wait` returns it once it has ended, and `output` what `run` returns.

        Raises:
            APIStatusError, APIConnectionError, ResponseDecodeError: A request failed. If `maybe_created_after` is set,
                the prediction may exist all the same.
            InvalidInputError: The model does not accept the input; nothing was created.
            ValueError, TypeError: An argument is invalid; nothing was sent.

        Examples:
            >>> prediction = client.submit("acme/hello", {"text": "Ada"})
            >>> client.output(client.wait(prediction))
            'Hello, Ada!'
        """
        request = CreateRequest(ModelRef.parse(ref), {}, webhook, webhook_events_filter, check=check)
        prepared = self._predictions.prepare(request, input, show_uploads=_check_bool(progress=progress))
        return (await self._predictions.create(self._session, request, prepared, cancel_on_exit=True)).job

    @dual_method
    async def output(self, prediction: models.Prediction) -> Any:
        """Return the output of a prediction that has succeeded, as `run` returns it; sends no request.

        Args:
            prediction: A prediction that has ended, such as `wait` returns.

        Returns:
            The output as JSON values. Files are `FileOutput` (or `AsyncFileOutput`), and a list is an `Outputs`.

        Raises:
            ModelError: The prediction failed.
            PredictionCanceledError, PredictionAbortedError: It was stopped, by a request or by its deadline.
            ValueError: It has not ended.

        Examples:
            >>> prediction = client.wait(client.submit("acme/hello", {"text": "Ada"}))
            >>> client.output(prediction)
            'Hello, Ada!'
        """
        if not jobs.is_finished(prediction):
            raise ValueError(
                f"prediction {prediction.id} is {prediction.status}: write client.output(client.wait(prediction))"
            )
        return self._predictions.wrap_output(self._session, jobs.raise_unless_succeeded(prediction))

    @_wait_method
    async def wait(
        self,
        job: models.Prediction | models.Training | str,
        *,
        timeout: float | None = None,
        poll_interval: float | None = None,
        progress: bool | Callback[Any] | None = None,
        cancel_on_exit: bool = True,
    ) -> models.Prediction | models.Training:
        """Wait until a prediction or training has succeeded, and return it; also resumes a wait after a crash.

        Args:
            job: The prediction or training, or the id of a prediction.
            timeout: Seconds to wait from now, or None for no limit.
            poll_interval: Seconds between polls. None: listen to the job's event stream or, if it has none or
                `progress` is given, poll with growing intervals (0.1-5 s).
            progress: A function that is called with the job now and after every poll; or True for a progress bar.
            cancel_on_exit: Cancel it if Ctrl-C, task cancellation or `timeout` ends the wait early.

        Returns:
            The prediction or training in its final state, `succeeded`.

        Raises:
            ModelError: It failed.
            PredictionCanceledError, PredictionAbortedError: It was stopped, by a request or by its deadline.
            WaitTimeoutError: `timeout` expired.
            APIStatusError, APIConnectionError, ResponseDecodeError: A request failed; `prediction` is set if any
                response about it had arrived.
            ValueError, TypeError: An argument is invalid; nothing was sent.

        Examples:
            >>> prediction = client.submit("acme/hello", {"text": "Ada"})
            >>> client.wait(str(prediction.id), timeout=60).output
            'Hello, Ada!'
        """
        jobs.require_models()
        with open_callback(progress) as callback:
            session, options = self._start(timeout, poll_interval, progress=callback)
            result: Prediction | Training = await self._predictions.wait(session, job, options, cancel_on_exit)
        return result

    @stream_method
    def stream(
        self,
        ref: str | ModelRef | models.Prediction,
        input: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        progress: bool = False,
        webhook: str | None = None,
        webhook_events_filter: Sequence[models.WebhookEvent | Literal["start", "output", "logs", "completed"]]
        | None = None,
        check: bool = True,
        cancel_on_exit: bool = True,
    ) -> StreamRequest:
        """Run a model, or follow a prediction, and yield its events as they arrive: output, logs, error, done.

        The prediction is created when the iteration begins. An interrupted stream is resumed, and a model that cannot
        stream is polled: its new output items are yielded as output events.

        Args:
            ref: What to run, as for `run`; or a prediction that exists already, whose events so far come first.
            input: The model's inputs by name, as for `run`.
            timeout: Seconds from the beginning of the iteration to its end, or None for no limit.
            progress: Whether to show a bar while files of the input are uploaded.
            webhook: An HTTPS URL to which Replicate sends events.
            webhook_events_filter: Which events: start, output, logs, completed.
            check: Check the input by the model's schema before anything is paid for.
            cancel_on_exit: Cancel the prediction if the iteration ends early.

        Returns:
            A `Stream` (or `AsyncStream`) of `Event`, to be iterated once; the text of an output event is `str(event)`.

        Raises:
            ModelError: After the last event: the prediction failed, was canceled or aborted.
            StreamError: Events were lost and cannot be recovered.
            WaitTimeoutError: `timeout` expired.
            APIStatusError, APIConnectionError, ResponseDecodeError, InvalidInputError: As for `run`.
            ValueError, TypeError: An argument is invalid; nothing was sent.

        Examples:
            >>> for event in client.stream("acme/poet", {"prompt": "the sea", "lines": 1}):
            ...     print(event, end="")
            Beneath the sea a garden remembers.
        """
        predictions = self._predictions
        _check_seconds(timeout=timeout)
        show_uploads = _check_bool(progress=progress)
        if isinstance(ref, models.Prediction):
            job, name = ref, jobs.id_of(ref)
            if input is not None or webhook is not None or webhook_events_filter is not None:
                raise TypeError("a prediction that exists already takes no input or webhook: pass only the prediction")

            async def start(session: Session[Any]) -> Prediction:
                return job
        else:
            request = CreateRequest(ModelRef.parse(ref), {}, webhook, webhook_events_filter, check=check)
            prepared, name = predictions.prepare(request, input, show_uploads), str(request.ref)

            async def start(session: Session[Any]) -> Prediction:
                return (await predictions.create(session, request, prepared, cancel_on_exit)).job

        return StreamRequest(predictions, name, start, timeout, cancel_on_exit)

    def _start(
        self, timeout: float | None, poll_interval: float | None, **callbacks: Callback[Any] | None
    ) -> tuple[Session[BackendT], WaitOptions]:
        """Check the arguments; return a session with the deadline of the call, and how to wait."""
        _check_seconds(timeout=timeout, poll_interval=poll_interval)
        check_callbacks(self._session, **callbacks)
        started = self._session.backend.monotonic()
        session = self._session if timeout is None else self._session.with_options(deadline=started + timeout)
        return session, WaitOptions(started, timeout, poll_interval, callbacks.get("progress"))


def _hold_seconds(wait: bool | float) -> float | None:
    """Return the seconds for which the server should hold the create, or None."""
    if wait is False:
        return None
    if isinstance(wait, str) or not (wait is True or 1 <= wait <= MAX_HOLD):
        raise ValueError(f"wait must be True, False or 1 to {MAX_HOLD} seconds, not {wait!r}")
    return float(MAX_HOLD if wait is True else math.ceil(wait))


def _check_bool(*, progress: bool) -> bool:
    if not isinstance(progress, bool):
        raise TypeError(f"progress must be True or False, not {progress!r:.100}: only `run` and `wait` take a function")
    return progress


def _check_seconds(**arguments: float | None) -> None:
    for name, seconds in arguments.items():
        if seconds is not None and (isinstance(seconds, str) or not 0 < seconds < math.inf):
            raise ValueError(f"{name} must be a positive number of seconds or None, not {seconds!r}")


if TYPE_CHECKING:

    class _SyncWait(Protocol[P]):
        @overload
        def __call__(self, job: Training, *args: P.args, **kwargs: P.kwargs) -> Training: ...
        @overload
        def __call__(self, job: Prediction | str, *args: P.args, **kwargs: P.kwargs) -> Prediction: ...

    class _AsyncWait(Protocol[P]):
        @overload
        def __call__(self, job: Training, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, Training]: ...
        @overload
        def __call__(
            self, job: Prediction | str, *args: P.args, **kwargs: P.kwargs
        ) -> Coroutine[Any, Any, Prediction]: ...
