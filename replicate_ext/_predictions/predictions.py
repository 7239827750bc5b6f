"""The predictions of one client: create, wait and cancel, and what is remembered between the calls."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .. import errors
from .._sansio.job import raise_unless_succeeded
from .abandon import InFlightCreates, cancel_abandoned, cancel_unidentified, is_cancellation
from .create import CreateRequest, create
from .schedule import RunDurations
from .wait import WaitOptions, get_prediction, wait

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Version

    from .._send import Session, TimedResponse


class Predictions:
    """Creates predictions and waits for them; cancels those whose caller stops waiting, unless told otherwise."""

    def __init__(self, session: Session[Any]) -> None:
        self._session = session
        self._in_flight = InFlightCreates()
        self.latest_versions: dict[str, Version] = {}
        """The latest version of each community model that was run without a version."""
        self.durations = RunDurations()

    def with_session(self, session: Session[Any]) -> Predictions:
        """Return the predictions of a client that sends through another session; both share what is remembered."""
        predictions = copy.copy(self)
        predictions._session = session
        return predictions

    async def create(
        self, request: CreateRequest, *, deadline: float | None = None, cancel_on_exit: bool = True
    ) -> TimedResponse[Prediction]:
        """Create a prediction; if the caller stops waiting before its id arrives, search for it and cancel it.

        Raises:
            WaitTimeoutError: The deadline passed, and whether the prediction exists is unknown.
        """
        session, in_flight = self._session, self._in_flight
        fingerprint, since = request.fingerprint, datetime.now(UTC)
        in_flight.start(fingerprint)
        try:
            response = await create(session, request, self.latest_versions, deadline)
            in_flight.known_ids.append(str(response.value.id))
            return response
        except errors.APIConnectionError as error:
            is_expired = deadline is not None and session.backend.monotonic() >= deadline
            if not is_expired or error.maybe_created_after is None:
                raise
            if cancel_on_exit:
                await cancel_unidentified(session, in_flight, request, since)
            timeout = errors.WaitTimeoutError(f"{request.ref}: no response to the create before `timeout` expired")
            timeout.maybe_created_after = error.maybe_created_after
            raise timeout from error
        except BaseException as error:
            if cancel_on_exit and is_cancellation(error):
                await cancel_unidentified(session, in_flight, request, since)
            raise
        finally:
            in_flight.finish(fingerprint)

    async def wait(self, job: Any, options: WaitOptions, *, cancel_on_exit: bool = True) -> Any:
        """Wait until a job, or a prediction by its id, has succeeded; if the caller stops waiting, cancel it."""
        session = self._session
        try:
            if isinstance(job, str):
                job = await get_prediction(session, job, options)
            options.report(job)
            return raise_unless_succeeded(await wait(session, job, options))
        except BaseException as error:
            if cancel_on_exit and is_cancellation(error):
                await cancel_abandoned(session, job)
            raise
