"""The block in which a caller waits for a job: if the caller stops waiting, the job is canceled."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import errors
from .._sansio import job as jobs
from .abandon import cancel_jobs

if TYPE_CHECKING:
    from types import TracebackType

    from replicate_api.models import Prediction, Training

    from .._send import Session


class Attendance:
    """Cancels a job when its caller stops waiting, once, and says so in the error that leaves.

    Args:
        attended: All attendances of the client; closing it takes them out and cancels their jobs.
        session: Sends the requests.
        job: The job, or the id of a prediction. Its latest state is kept in the attribute `job`.
        cancel_on_exit: Whether to cancel it.
        is_generator: Whether the block is in an async generator, which may still await while it is being closed.
    """

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
        self.job: Any = job

    async def __aenter__(self) -> Attendance:
        if self._cancel_on_exit:
            self._attended.add(self)
        return self

    async def __aexit__(
        self, cls: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        is_attended = self._leave()
        if isinstance(error, errors.ReplicateError) and error.prediction is None and not isinstance(self.job, str):
            error.prediction = self.job
        if error is None or not self._stops_waiting(error):
            return
        if not isinstance(self.job, str) and jobs.is_finished(self.job):  # its output is paid for
            error.add_note(f"prediction {self._id}: it has finished: client.wait({self._id!r}) returns it")
            return
        # A closing client takes the attendance away when it cancels the job.
        is_canceled = self._cancel_on_exit and (not is_attended or not self._is_stuck(error))
        resume = f"client.wait({self._id!r}) resumes the wait"
        message = error.args
        self._describe(error, message, "it is being canceled" if is_canceled else f"it is still running: {resume}")
        if is_canceled and is_attended:
            wait, failed = self._is_generator or not isinstance(error, GeneratorExit), list[str]()
            cancel = partial(cancel_jobs, running=[self.job], failed=failed)
            await self._session.clean_up(cancel, error=error, wait=wait)
            if failed:
                self._describe(error, message, f"its cancel failed, so it may still be running: {resume}")

    def _describe(self, error: BaseException, message: tuple[object, ...], outcome: str) -> None:
        """Say in the error that leaves what became of the job, in place of what was said before."""
        if isinstance(error, errors.WaitTimeoutError):
            error.args = message
            error.add_advice(outcome)
        else:
            prefix = f"prediction {self._id}: "
            notes = [note for note in getattr(error, "__notes__", ()) if not note.startswith(prefix)]
            error.__notes__ = [*notes, prefix + outcome]

    def drop(self) -> None:
        """Cancel the job of a stream that was garbage collected after its event loop was closed."""
        if self._leave():
            cleanup = self._session.clean_up(partial(cancel_jobs, running=[self.job]), wait=False)
            with contextlib.suppress(StopIteration):
                cleanup.send(None)

    def _leave(self) -> bool:
        """Return whether the job was still attended; only one caller gets True."""
        try:
            self._attended.remove(self)
        except KeyError:
            return False
        return True

    def _stops_waiting(self, error: BaseException) -> bool:
        """Whether an error ends the wait early; other errors of this package report the state of the job instead."""
        return not isinstance(error, errors.ReplicateError) or isinstance(error, errors.WaitTimeoutError)

    def _is_stuck(self, error: BaseException) -> bool:
        """Whether the wait ended at an unknown status: the job may be running well, and is not canceled."""
        return isinstance(error, errors.WaitTimeoutError) and self._session.seconds_left() != 0
