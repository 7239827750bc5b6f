from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types
from ..types import UNSET, Unset


@define(slots=False, repr=False)
class VersionPredictionRequest(types.RequestRecord):
    """The body of a create request for a model version.

    Attributes:
        input: Input of the model, as the `openapi_schema` of its version describes it. Files are HTTP URLs, or data
            URLs of up to 256 kB, which are not stored.
        version: Id of the version to run, 64 hexadecimal digits, alone or as `owner/name:id`; for an official model
            also `owner/name`.
        stream: Deprecated and not needed: the response has `urls.stream` whenever the model can stream.
        webhook: HTTPS URL to which each selected event is sent, as a POST with the body of `predictions.get`. Redirects
            are not followed. A delivery may be retried or duplicated, so the handler must be idempotent.
        webhook_events_filter: Events to send to the webhook: `start`, `output` (each new output), `logs` (new log
            lines) and `completed` (a final status); by default those about output and completion. `output` and `logs`
            are sent at most every 500 milliseconds; the other two, if selected, always.
    """

    input: dict[str, Any]
    version: str
    stream: bool | Unset = UNSET
    webhook: str | Unset = UNSET
    webhook_events_filter: list[_models.WebhookEvent] | Unset = UNSET

    fields: ClassVar[Mapping[str, types.Field]] = {
        "input": types.Field("input", types.OBJECT, True),
        "version": types.Field("version", types.KeyOf(("id",), "Version"), True),
        "stream": types.Field("stream", types.BOOLEAN, False),
        "webhook": types.Field("webhook", types.STRING, False),
        "webhook_events_filter": types.Field(
            "webhook_events_filter", types.ListOf(types.EnumOf("webhook_event", "WebhookEvent")), False
        ),
    }
