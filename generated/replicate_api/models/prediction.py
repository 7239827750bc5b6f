from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types


@define(slots=False, repr=False)
class Prediction(types.Record):
    """One run of a model, from its creation to its end.

    Attributes:
        created_at: When the request was accepted.
        error: Why it failed, null unless it did.
        id: Unique id, to be treated as opaque.
        input: Input as it was sent.
        model: Model that runs, as `owner/name`.
        status: The state: `starting` until the model begins, `processing` while it runs, then `succeeded`, `failed`,
            `canceled` (stopped by a request, or by its deadline while it ran) or `aborted` (stopped by its deadline
            before it ran).
        urls: URLs of the prediction.
        version: Version id, `hidden` for official models.
        completed_at: When it ended and all output was stored, absent until then.
        data_removed: Whether input, output and logs have been erased.
        deadline: When the server stops it; only with `Cancel-After`.
        deployment: Deployment that ran it, if one did.
        logs: What the model has printed so far.
        metrics: Measurements, which differ between models.
        output: Output, of any JSON type, with files as URLs; null before there is any, and after it was erased.
        source: Where it was created: `api` (through the API) or `web` (on the web).
        started_at: When the model began, absent until then.
    """

    created_at: datetime
    error: str | None
    id: str
    input: dict[str, Any]
    model: str
    status: _models.PredictionStatus
    urls: _models.PredictionUrls
    version: str
    completed_at: datetime | None = None
    data_removed: bool | None = None
    deadline: datetime | None = None
    deployment: str | None = None
    logs: str | None = None
    metrics: _models.PredictionMetrics | None = None
    output: Any = None
    source: _models.PredictionSource | None = None
    started_at: datetime | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "created_at": types.Field("created_at", types.DATETIME, True),
        "error": types.Field("error", types.AnyOf(types.STRING, types.NULL), True),
        "id": types.Field("id", types.STRING, True),
        "input": types.Field("input", types.OBJECT, True),
        "model": types.Field("model", types.STRING, True),
        "status": types.Field("status", types.EnumOf("prediction_status", "PredictionStatus"), True),
        "urls": types.Field("urls", types.Nested("prediction_urls", "PredictionUrls"), True),
        "version": types.Field("version", types.STRING, True),
        "completed_at": types.Field("completed_at", types.AnyOf(types.DATETIME, types.NULL), False),
        "data_removed": types.Field("data_removed", types.BOOLEAN, False),
        "deadline": types.Field("deadline", types.DATETIME, False),
        "deployment": types.Field("deployment", types.STRING, False),
        "logs": types.Field("logs", types.AnyOf(types.STRING, types.NULL), False),
        "metrics": types.Field("metrics", types.Nested("prediction_metrics", "PredictionMetrics"), False),
        "output": types.Field("output", types.ANY, False),
        "source": types.Field("source", types.EnumOf("prediction_source", "PredictionSource"), False),
        "started_at": types.Field("started_at", types.AnyOf(types.DATETIME, types.NULL), False),
    }
