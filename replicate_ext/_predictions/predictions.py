"""The predictions of one client: create, wait and cancel, and what is remembered between the calls."""

from __future__ import annotations

import contextlib
import math
import threading
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakSet

from .. import errors
from .._backends.base import Unfinished
from .._files.inputs import prepare_input
from .._files.wrap import wrap_files
from .._sansio import job as jobs
from .._sansio.in_flight import InFlightCreates, SentRecord
from .abandon import cancel_jobs, cancel_unidentified
from .attendance import Attendance
from .create import CreateRequest, create
from .known_models import KnownModels
from .schedule import RunDurations
from .wait import WaitOptions, call_back, get_prediction, wait

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import datetime

    from replicate_api.models import Prediction, Training

    from .._files.inputs import PreparedInput
    from .._sansio.model_ref import ModelRef
    from .._send import Session

CANCEL_AFTER_MARGIN = 5.0
"""Seconds after a `timeout` at which the server cancels the prediction by itself, in case this process has died."""


class Created(NamedTuple):
    """A prediction that was just created."""

    job: Prediction
    is_complete: bool
    """Whether the response has the whole output."""

    created_at: float
    """The moment of its creation, on the backend's clock."""


class Predictions:
    """Creates predictions and waits for them; cancels those whose caller stops waiting, unless `cancel_on_exit=False`.

    The caller stops waiting if any exception leaves but an error of this package: Ctrl-C, task cancellation, `break`, a
    callback that raises, a signal handler. An expired `timeout` is one too, and so is closing the client.
    """

    def __init__(self, session: Session[Any]) -> None:
        self._session = session
        self._attended: set[Attendance] = set()
        self.running_batches: set[Callable[[], Coroutine[Any, Any, object]]] = set()
        """What ends each batch that runs."""

        self._family = WeakSet([self])
        self.known_models = KnownModels()
        self.durations = RunDurations()

    def prepare(
        self, request: CreateRequest, input: Mapping[str, Any] | None, show_uploads: bool = False
    ) -> PreparedInput:
        """Return the validated input of a create; raise for everything that is invalid, before anything is sent."""
        request.validate()
        return prepare_input(input)._replace(show_uploads=show_uploads)

    async def create(
        self, session: Session[Any], request: CreateRequest, prepared: PreparedInput, cancel_on_exit: bool
    ) -> Created:
        """Send the files of an input, and create the prediction.

        If the caller stops waiting before its id arrives, search for it and cancel it.

        Raises:
            WaitTimeoutError: The deadline of the session passed; the message says whether the prediction may exist.
        """
        sent, session = SentRecord(), session.until_closed()
        if request.check:
            values = await self.known_models.check(session, request.ref, prepared.values)
            prepared = prepared._replace(values=values)
        try:
            request = request._replace(input=await prepared.send(session))
        except errors.APIConnectionError as error:
            raise _create_timeout(session, request, sent, error) or error from error.__cause__
        if (seconds_left := session.seconds_left()) is not None:
            request = _limit_to_deadline(request, seconds_left, cancel_on_exit)
        unfinished = Unfinished(threading.current_thread(), session.backend.close_count)
        session.backend.unfinished.append(unfinished)
        try:
            response = await create(session.with_options(sent=sent), request, self.known_models)
            job = response.value
            self.known_models.log_drift(request.ref, job.version)
            if session.is_closed:
                raise await self._closed_meanwhile(session, job, cancel_on_exit)
        except BaseException as error:
            timeout = _create_timeout(session, request, sent, error)
            stops_waiting = timeout or session.is_closed or not isinstance(error, errors.ReplicateError)
            if sent.sent_at and stops_waiting and getattr(error, "prediction", None) is None:
                await self._abandon_unidentified(session, request, sent.sent_at, error, cancel_on_exit)
            if timeout:
                raise timeout from error
            raise
        finally:
            session.backend.unfinished.remove(unfinished)
        is_complete = jobs.is_complete_reply(job, response.status_code, response.elapsed, request.hold)
        return Created(job, is_complete, session.backend.monotonic() - response.elapsed)

    async def _abandon_unidentified(
        self, session: Session[Any], request: CreateRequest, sent_at: datetime, error: BaseException, cancels: bool
    ) -> None:
        """Search for the prediction of a create whose response will not arrive, and cancel it; note that it may run."""
        if not isinstance(error, errors.ReplicateError):
            outcome = "it is being canceled, if it is found" if cancels else "it was not canceled"
            since = session.clock.earliest(sent_at).isoformat(timespec="seconds")
            error.add_note(f"a prediction of {request.ref} may have been created after {since}; {outcome}")
        if cancels:
            session.in_flight.abandon(InFlightCreates.fingerprint(request.input))
            cleanup = partial(cancel_unidentified, request=request, sent_at=sent_at)
            await session.clean_up(cleanup, error=error, wait=not isinstance(error, GeneratorExit))

    async def _closed_meanwhile(
        self, session: Session[Any], job: Prediction, cancel_on_exit: bool
    ) -> errors.ReplicateError:
        """Cancel a prediction that was created while the client was being closed, and return the error to raise."""
        outcome = "it is being canceled" if cancel_on_exit else "it is running"
        error = errors.APIConnectionError(f"prediction {job.id} was created while the client was closed; {outcome}")
        error.prediction = job
        if cancel_on_exit:
            await session.clean_up(partial(cancel_jobs, running=[job]), error=error)
        return error

    def attend(
        self,
        session: Session[Any],
        job: Prediction | Training | str,
        cancel_on_exit: bool,
        *,
        is_generator: bool = False,
    ) -> Attendance:
        """Return a context manager that cancels a job if the caller stops waiting in its block."""
        return Attendance(self._attended, session, job, cancel_on_exit, is_generator)

    async def wait(self, session: Session[Any], job: Any, options: WaitOptions, cancel_on_exit: bool) -> Any:
        """Wait until a job, or a prediction by its id, has succeeded."""
        async with self.attend(session, job, cancel_on_exit) as attendance:
            if isinstance(job, str):
                attendance.job = job = await get_prediction(session, job, options)
            await call_back(session, options.progress, job)
            finished = jobs.raise_unless_succeeded(await wait(session, job, options, attendance))
        if jobs.is_training(finished):  # it has pushed a new version
            version = getattr(finished.output, "version", None)
            self.known_models.expire(str(version).partition(":")[0])
        return finished

    def wrap_output(self, session: Session[Any], job: Prediction, ref: ModelRef | None = None) -> Any:
        """Return the output of a prediction with its files wrapped, by the schema of its version if that is known."""
        model = self.known_models.find(job) or (self.known_models.get(ref) if ref else None)
        return wrap_files(job.output, session.without_deadline(), model and model.openapi_schema)

    def with_session(self, session: Session[Any]) -> Predictions:
        """Return the predictions of a client with other options; both share what is remembered of models."""
        predictions = copy(self)
        predictions._session, predictions._attended, predictions.running_batches = session, set(), set()
        self._family.add(predictions)
        return predictions

    async def close_all(self) -> None:
        """End what this client, and those with other options on its connections, still wait for."""
        await self._end(list(self._family))

    async def close(self) -> None:
        """End the batches that run, and cancel the jobs that are still waited for."""
        await self._end([self])

    async def _end(self, family: list[Predictions]) -> None:
        """End the batches and cancel the jobs of some clients, all jobs in one cleanup."""
        for end in [end for predictions in family for end in predictions.running_batches]:
            await end()
        running = [(one._session, taken) for one in family if (taken := one._take_attended())]

        async def cancel(session: Session[Any]) -> None:
            await session.backend.gather([cancel_jobs(session.with_config(own.config), jobs) for own, jobs in running])

        if running:
            await self._session.clean_up(cancel)

    def _take_attended(self) -> list[Any]:
        """Return the jobs that are still waited for, which are now for the caller to cancel."""
        taken = []
        while self._attended:
            with contextlib.suppress(KeyError):  # another thread has left meanwhile
                taken.append(self._attended.pop().job)
        return taken


def _limit_to_deadline(request: CreateRequest, seconds_left: float, cancel_on_exit: bool) -> CreateRequest:
    """Return a request that the server does not hold beyond the deadline, and cancels after it.

    Raises:
        WaitTimeoutError: The deadline has passed.
    """
    if not seconds_left:
        raise errors.WaitTimeoutError(f"{request.ref}: `timeout` expired before the create; no prediction was created")
    hold = None if request.hold is None else min(request.hold, math.floor(seconds_left))
    return request._replace(
        hold=hold if hold and hold >= 1 else None,
        cancel_after=f"{math.ceil(seconds_left + CANCEL_AFTER_MARGIN)}s" if cancel_on_exit else None,
    )


def _create_timeout(
    session: Session[Any], request: CreateRequest, sent: SentRecord, error: BaseException
) -> errors.WaitTimeoutError | None:
    """Return the error for a create that its deadline ended, or None if something else did."""
    if session.seconds_left() != 0 or not isinstance(error, errors.APIConnectionError) or error.prediction is not None:
        return None
    outcome = "whether the prediction was created is unknown" if sent.sent_at else "no prediction was created"
    timeout = errors.WaitTimeoutError(f"{request.ref}: `timeout` expired before the create was complete; {outcome}")
    timeout.maybe_created_after = error.maybe_created_after
    return timeout
