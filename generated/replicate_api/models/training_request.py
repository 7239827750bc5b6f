from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types
from ..types import UNSET, Unset


@define(slots=False, repr=False)
class TrainingRequest(types.RequestRecord):
    """The body of a create request for a training.

    Attributes:
        destination: Model that gets the new version, as `owner/name`; it must exist and belong to the account of the
            token, else the response is a 4xx error.
        input: Input of the training, as the `openapi_schema` of the version describes it.
        webhook: HTTPS URL to which each selected event is sent, as a POST with the body of `trainings.get`. Redirects
            are not followed. A delivery may be retried or duplicated, so the handler must be idempotent.
        webhook_events_filter: Events to send to the webhook: `start`, `output` (each new output), `logs` (new log
            lines) and `completed` (a final status); by default those about output and completion. `output` and `logs`
            are sent at most every 500 milliseconds; the other two, if selected, always.
    """

    destination: str
    input: dict[str, Any]
    webhook: str | Unset = UNSET
    webhook_events_filter: list[_models.WebhookEvent] | Unset = UNSET

    fields: ClassVar[Mapping[str, types.Field]] = {
        "destination": types.Field("destination", types.STRING, True),
        "input": types.Field("input", types.OBJECT, True),
        "webhook": types.Field("webhook", types.STRING, False),
        "webhook_events_filter": types.Field(
            "webhook_events_filter", types.ListOf(types.EnumOf("webhook_event", "WebhookEvent")), False
        ),
    }
