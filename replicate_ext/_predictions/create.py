"""Create a prediction by any reference: an official or community model, a version, a deployment."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from replicate_api import operations as op

from .. import errors
from .._sansio.job import id_of, require_models
from .._sansio.request import MAX_HOLD
from .known_models import MAX_VERSION_AGE

if TYPE_CHECKING:
    import httpx

    from replicate_api.models import Prediction
    from replicate_api.types import Call, Operation

    from .._sansio.model_ref import ModelRef
    from .._send import Session, TimedResponse
    from .known_models import KnownModels


class CreateRequest(NamedTuple):
    """What to run, and how."""

    ref: ModelRef
    input: Mapping[str, Any]
    """JSON values; files are sent before."""

    webhook: str | None = None
    webhook_events_filter: Sequence[str] | None = None
    hold: float | None = None
    """Seconds for which the server should hold the request until the output exists, or None."""

    check: bool = True
    """Whether to check the input by the model's schema before it is sent."""

    cancel_after: str | None = None
    """Lifetime after which the server cancels the prediction."""

    def validate(self) -> None:
        """Raise the TypeError or ValueError for an invalid field, before anything is sent."""
        require_models()
        if any(value is not None for value in (self.webhook, self.webhook_events_filter, self.cancel_after)):
            self._replace(hold=None, input={}).to_call(op.PREDICTIONS_CREATE, version="")

    def to_call(self, operation: Operation[..., Prediction], *path: str, **body: Any) -> Call[Prediction]:
        """Return the request of a create operation, without the optional headers that its document does not define."""
        hold = self.hold
        arguments = {
            "input": self.input,
            "webhook": self.webhook,
            "webhook_events_filter": self.webhook_events_filter,
            "prefer": None if hold is None else "wait" if hold >= MAX_HOLD else f"wait={int(hold)}",
            "cancel_after": self.cancel_after,
        }
        unknown = {"prefer", "cancel_after"} - operation.arguments
        given = {name: value for name, value in arguments.items() if value is not None and name not in unknown}
        return operation(*path, **body, **given)


async def create(session: Session[Any], request: CreateRequest, known_models: KnownModels) -> TimedResponse[Prediction]:
    """Create a prediction.

    A model of which nothing is known is tried as an official one. If the API responds with 404, nothing was created and
    it is a community model, whose latest version is fetched and run (docs/api-facts.md, section 14).
    """
    ref = request.ref
    if ref.is_deployment:
        return await _create_by_deployment(session, request)
    if ref.version:
        return await _create_by_version(session, request)
    model, newer = known_models.get(ref), None
    if model is None or model.is_official is not False:
        with contextlib.suppress(errors.NotFoundError):
            return await _create_official(session, request)
    elif model.version and session.backend.monotonic() - model.fetched_at < MAX_VERSION_AGE:
        try:
            return await _send_version(session, request, model.version)
        except errors.InvalidRequestError as error:
            if not (error.invalid_fields or _is_unknown_version(error)):  # else a newer version may have it
                raise
    else:  # it is too old; concurrent runs fetch it once
        newer = await known_models.look_up(session, ref, since=model.fetched_at)
    model = newer or await known_models.fetch(session, ref)
    if request.check and model.schema:
        request = request._replace(input=model.schema.check(request.input, str(ref)))
    if model.is_official is True:  # the 404 was a passing failure; official models have no version to pin
        return await _create_official(session, request)
    known_models.put(ref, model._replace(is_official=False))
    if model.version is None:
        raise errors.NotFoundError(404, detail=f"the model {ref} has no version to run; push one first")
    return await _send_version(session, request, model.version)


async def _send(session: Session[Any], call: Call[Prediction]) -> TimedResponse[Prediction]:
    """Send a create. A response without an id is one that cannot be decoded: the prediction may exist all the same."""

    def parse(response: httpx.Response) -> Prediction:
        job = call.parse(response)
        id_of(job)
        return job

    return await session.send(call.request, parse)


async def _create_official(session: Session[Any], request: CreateRequest) -> TimedResponse[Prediction]:
    call = request.to_call(op.MODELS_PREDICTIONS_CREATE, str(request.ref.owner), str(request.ref.name))
    return await _send(session, call)


async def _create_by_deployment(session: Session[Any], request: CreateRequest) -> TimedResponse[Prediction]:
    owner, name = str(request.ref.owner), str(request.ref.name)
    call = request.to_call(op.DEPLOYMENTS_PREDICTIONS_CREATE, owner, name)
    try:
        return await _send(session, call)
    except errors.NotFoundError as error:
        error.add_advice(
            f"there is no deployment {owner}/{name} that this token can use; to run a model, write '{owner}/{name}'"
        )
        raise


async def _create_by_version(session: Session[Any], request: CreateRequest) -> TimedResponse[Prediction]:
    ref = request.ref
    try:
        return await _send_version(session, request, str(ref.version))
    except errors.InvalidRequestError as error:
        if _is_unknown_version(error):
            latest = f"; write '{ref.owner}/{ref.name}' to run the model's latest version" if ref.owner else ""
            error.add_advice(f"there is no version {ref.version} that this token can use{latest}")
        raise


def _is_unknown_version(error: errors.InvalidRequestError) -> bool:
    """Whether the response says so, by the API's text (docs/api-facts.md, section 5); 400 and 422 have other causes."""
    return re.search(r"invalid version|version does not exist", f"{error.title} {error.detail}", re.I) is not None


async def _send_version(session: Session[Any], request: CreateRequest, version: str) -> TimedResponse[Prediction]:
    """Create by version id; a version that is no full id is sent as the whole reference."""
    call = request.to_call(op.PREDICTIONS_CREATE, version=version if len(version) == 64 else str(request.ref))
    return await _send(session, call)
