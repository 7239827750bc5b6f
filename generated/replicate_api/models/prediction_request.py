from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types
from ..types import UNSET, Unset


@define(slots=False, repr=False)
class PredictionRequest(types.RequestRecord):
    """What to run a deployment or an official model with.

    Attributes:
        input: Input for the model, as its version's `openapi_schema` describes it; files go in as HTTP
            URLs, or as data URLs up to 256 kB, which are not stored.
        stream: Deprecated and not needed: the response has `urls.stream` whenever the model can stream.
        webhook: HTTPS URL that receives the prediction as a POST on each selected event, with the body of
            predictions.get; redirects are not followed, and since a delivery may be retried or duplicated,
            the handler must be idempotent.
        webhook_events_filter: Which events to report to the webhook: `start`, `output` (each new output),
            `logs` (new log lines) and `completed` (any final status); by default those about output and
            completion. `output` and `logs` are sent at most every 500 milliseconds; the other two, if
            selected, always.
    """

    input: dict[str, Any]
    stream: bool | Unset = UNSET
    webhook: str | Unset = UNSET
    webhook_events_filter: list[_models.WebhookEvent] | Unset = UNSET

    fields: ClassVar[Mapping[str, types.Field]] = {
        "input": types.Field("input", types.OBJECT, True),
        "stream": types.Field("stream", types.BOOLEAN, False),
        "webhook": types.Field("webhook", types.STRING, False),
        "webhook_events_filter": types.Field(
            "webhook_events_filter", types.ListOf(types.EnumOf("webhook_event", "WebhookEvent")), False
        ),
    }
