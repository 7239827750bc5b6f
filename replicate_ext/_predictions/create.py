"""Create a prediction by any reference: an official or community model, a version, a deployment."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from replicate_api import models, operations as op

from .. import errors
from .._sansio.job import id_of, require_models
from .._sansio.request import MAX_HOLD

if TYPE_CHECKING:
    import httpx

    from replicate_api.models import Model, Prediction, Version
    from replicate_api.types import Call, Operation

    from .._sansio.model_ref import ModelRef
    from .._send import Session, TimedResponse


MAX_VERSION_AGE = 60.0
"""Seconds after which the latest version of a model is fetched again: a newer one may have been pushed."""


class CreateRequest(NamedTuple):
    """What to run, and how."""

    ref: ModelRef
    input: Mapping[str, Any]
    """JSON values; files are sent before."""

    webhook: str | None = None
    webhook_events_filter: Sequence[str] | None = None
    hold: float | None = None
    """Seconds for which the server should hold the request until the output exists, or None."""

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


class LatestVersions:
    """The latest version of each community model that was run without a version, kept for `MAX_VERSION_AGE`."""

    def __init__(self) -> None:
        self._versions: dict[ModelRef, tuple[Version, float]] = {}

    def get(self, ref: ModelRef, now: float = -math.inf) -> Version | None:
        """Return the version, unless it was fetched too long ago."""
        version, fetched_at = self._versions.get(ref, (None, 0.0))
        return version if now - fetched_at < MAX_VERSION_AGE else None

    def find(self, job: Prediction) -> Version | None:
        """Return the version that a prediction ran, if it is one of these."""
        return next((version for version, _ in list(self._versions.values()) if version.id == job.version), None)

    def is_community(self, ref: ModelRef) -> bool:
        """Whether the model is known to be no official one."""
        return ref in self._versions

    def put(self, ref: ModelRef, version: Version, now: float) -> None:
        """Keep a version that was just fetched."""
        self._versions[ref] = version, now

    def expire(self, name: str) -> None:
        """Fetch the version of a model again before it is run the next time."""
        for ref, (version, _) in list(self._versions.items()):
            if str(ref) == name:
                self._versions[ref] = version, -math.inf


async def create(
    session: Session[Any], request: CreateRequest, latest_versions: LatestVersions
) -> TimedResponse[Prediction]:
    """Create a prediction.

    A model without a version is tried as an official one. If the API responds with 404, nothing was created and it is a
    community model: its latest version is fetched, run, and kept in `latest_versions`
    (docs/api-facts.md, section 14).
    """
    ref = request.ref
    if ref.is_deployment:
        return await _create_by_deployment(session, request)
    if ref.version:
        return await _create_by_version(session, request)
    version = latest_versions.get(ref, session.backend.monotonic())
    if version is not None:
        if not describe_unknown_input(version, request.input, ref):  # else a newer version may have it
            try:
                return await _send_version(session, request, str(version.id))
            except errors.InvalidRequestError as error:
                if not (error.invalid_fields or _is_unknown_version(error)):
                    raise
    elif not latest_versions.is_community(ref):
        with contextlib.suppress(errors.NotFoundError):
            return await _create_official(session, request)
    model = await _fetch_model(session, ref)
    if model.is_official is True:  # the 404 was a passing failure; official models have no version to pin
        return await _create_official(session, request)
    version = _latest_version_of(model, ref)
    latest_versions.put(ref, version, session.backend.monotonic())
    if problem := describe_unknown_input(version, request.input, ref):
        raise ValueError(problem)
    return await _send_version(session, request, str(version.id))


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


def describe_unknown_input(version: Version, input: Mapping[str, Any], ref: ModelRef) -> str | None:
    """Return the error text for an input that the model does not have: it would be ignored, and billed.

    docs/api-facts.md, section 5.
    """
    schema: Any = version.openapi_schema
    for key in ("components", "schemas", "Input", "properties"):
        schema = schema.get(key) if isinstance(schema, Mapping) else None
    if not isinstance(schema, Mapping):
        return None
    for name in input.keys() - schema.keys():
        from difflib import get_close_matches  # only needed for the error

        close = get_close_matches(name, map(str, schema), 1)
        hint = f"did you mean {close[0]!r}?" if close else f"its inputs are {', '.join(map(str, schema)) or 'none'}"
        return f"input.{name}: {ref} has no such input; {hint}"
    return None


async def _fetch_model(session: Session[Any], ref: ModelRef) -> Model:
    try:
        return await session.call(op.MODELS_GET(str(ref.owner), str(ref.name)))
    except errors.NotFoundError as error:
        error.add_advice(
            f"there is no model {ref} that this token can run; if it is a deployment, write 'deployments/{ref}'"
        )
        raise


def _latest_version_of(model: Model, ref: ModelRef) -> Version:
    version = model.latest_version
    if not isinstance(version, models.Version) or not isinstance(version.id, str):
        raise errors.NotFoundError(404, detail=f"the model {ref} has no version to run; push one first")
    return version
