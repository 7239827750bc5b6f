"""The predictions of one client: create, wait and cancel, and what is remembered between the calls."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import errors
from .._files.inputs import prepare_input
from .._files.outputs import wrap_files
from .._sansio import job as jobs
from .._sansio.in_flight import InFlightCreates, SentRecord
from .abandon import cancel_jobs, cancel_unidentified
from .create import CreateRequest, LatestVersions, create
from .schedule import RunDurations
from .wait import WaitOptions, call_back, get_prediction, wait

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

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
        self._close_count = 0
        self.latest_versions = LatestVersions()
        self.durations = RunDurations()

    def prepare(self, request: CreateRequest, input: Mapping[str, Any] | None) -> PreparedInput:
        """Return the validated input of a create; raise for everything that is invalid, before anything is sent."""
        request.validate()
        return prepare_input(input)

    async def create(
        self, session: Session[Any], request: CreateRequest, prepared: PreparedInput, cancel_on_exit: bool
    ) -> Created:
        """Send the files of an input, and create the prediction.

        If the caller stops waiting before its id arrives, search for it and cancel it.

        Raises:
            WaitTimeoutError: The deadline of the session passed; the message says whether the prediction may exist.
        """
        sent = SentRecord()
        try:
            request = request._replace(input=await prepared.send(session))
        except errors.APIConnectionError as error:
            raise _create_timeout(session, request, sent, error) or error from error.__cause__
        request = _limit_to_deadline(request, session.seconds_left(), cancel_on_exit)
        fingerprint, close_count = InFlightCreates.fingerprint(request.input), self._close_count
        session.in_flight.start(fingerprint)
        try:
            response = await create(session.with_options(sent=sent), request, self.latest_versions)
        except BaseException as error:
            session.in_flight.finish(fingerprint)
            timeout, was_closed = _create_timeout(session, request, sent, error), close_count != self._close_count
            stops_waiting = timeout or was_closed or not isinstance(error, errors.ReplicateError)
            if sent.sent_at and cancel_on_exit and stops_waiting:
                session.in_flight.abandon(fingerprint)
                cleanup = partial(cancel_unidentified, request=request, sent_at=sent.sent_at)
                await session.clean_up(cleanup, wait=not isinstance(error, GeneratorExit))
            if timeout:
                raise timeout from error
            raise
        job = response.value
        session.in_flight.finish(fingerprint, job.id)
        is_complete = jobs.is_complete_reply(job, response.status_code, response.elapsed, request.hold)
        return Created(job, is_complete, session.backend.monotonic() - response.elapsed)

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
            finished = jobs.raise_unless_succeeded(await wait(session, job, options))
        if jobs.is_training(finished):  # it has pushed a new version
            version = getattr(finished.output, "version", None)
            self.latest_versions.expire(str(version).partition(":")[0])
        return finished

    def wrap_output(self, session: Session[Any], job: Prediction, ref: ModelRef | None = None) -> Any:
        """Return the output of a prediction with its files wrapped, by the schema of its version if that is known."""
        version = self.latest_versions.get(ref) if ref else self.latest_versions.find(job)
        return wrap_files(jobs.output_of(job), session, version and version.openapi_schema)

    async def close(self) -> None:
        """Cancel the jobs that are still waited for; creates in flight do so when their connection is closed."""
        self._close_count += 1
        running = [attendance.job for attendance in list(self._attended)]  # other threads change the set
        self._attended.clear()
        if running:
            await self._session.clean_up(partial(cancel_jobs, running=running))


class Attendance:
    """The block in which a caller waits for a job."""

    def __init__(
        self,
        attended: set[Attendance],
        session: Session[Any],
        job: Prediction | Training | str,
        cancel_on_exit: bool,
        is_generator: bool,
    ) -> None:
        self._attended, self._session = attended, session
        self._id = job if isinstance(job, str) else jobs.id_of(job)
        self._cancel_on_exit, self._is_generator = cancel_on_exit, is_generator
        self.job = job

    async def __aenter__(self) -> Attendance:
        if self._cancel_on_exit:
            self._attended.add(self)
        return self

    async def __aexit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        is_attended = self in self._attended  # else it was canceled already, by `close`
        self._attended.discard(self)
        if isinstance(error, errors.ReplicateError) and error.prediction is None and not isinstance(self.job, str):
            error.prediction = self.job
        is_timeout = isinstance(error, errors.WaitTimeoutError)
        if error is None or (isinstance(error, errors.ReplicateError) and not is_timeout):
            return
        if not isinstance(self.job, str) and jobs.is_finished(self.job):
            return
        cancels = self._cancel_on_exit and is_attended
        outcome = "it was canceled" if cancels else f"it is still running: client.wait({self._id!r}) resumes the wait"
        if isinstance(error, errors.WaitTimeoutError):
            error.add_advice(outcome)
        else:
            error.add_note(f"prediction {self._id}: {outcome}")
        if cancels:
            wait = self._is_generator or not isinstance(error, GeneratorExit)
            await self._session.clean_up(partial(cancel_jobs, running=[self.job]), wait=wait)


def _limit_to_deadline(request: CreateRequest, seconds_left: float | None, cancel_on_exit: bool) -> CreateRequest:
    """Return a request that the server does not hold beyond the deadline, and cancels after it.

    Raises:
        WaitTimeoutError: The deadline has passed.
    """
    if seconds_left is None:
        return request
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
    if session.seconds_left() != 0 or not isinstance(error, errors.APIConnectionError):
        return None
    outcome = "whether the prediction was created is unknown" if sent.sent_at else "no prediction was created"
    timeout = errors.WaitTimeoutError(f"{request.ref}: `timeout` expired before the create was complete; {outcome}")
    timeout.maybe_created_after = error.maybe_created_after
    return timeout
