from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types


@define(slots=False, repr=False)
class Training(types.Record):
    """One fine-tuning run, from its creation to its end.

    Attributes:
        created_at: When the request was accepted.
        id: Unique id, to be treated as opaque.
        input: Training input as it was sent.
        model: Model that is trained, as `owner/name`.
        status: The state: `starting` until the training begins, `processing` while it runs, then `succeeded`, `failed`,
            `canceled` (stopped by a request, or by its deadline while it ran) or `aborted` (stopped by its deadline
            before it ran).
        urls: URLs of the training.
        version: Id of the version that training starts from.
        completed_at: When it ended.
        error: Why it failed, null unless it did.
        logs: What the training has printed so far.
        metrics: Durations, in seconds.
        output: What the training made, once it has succeeded.
        source: Where it was created: `api` (through the API) or `web` (on the web).
        started_at: When it began.
    """

    created_at: datetime
    id: str
    input: dict[str, Any]
    model: str
    status: _models.TrainingStatus
    urls: _models.TrainingUrls
    version: str
    completed_at: datetime | None = None
    error: str | None = None
    logs: str | None = None
    metrics: _models.TrainingMetrics | None = None
    output: _models.TrainingOutput | None = None
    source: _models.TrainingSource | None = None
    started_at: datetime | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "created_at": types.Field("created_at", types.DATETIME, True),
        "id": types.Field("id", types.STRING, True),
        "input": types.Field("input", types.OBJECT, True),
        "model": types.Field("model", types.STRING, True),
        "status": types.Field("status", types.EnumOf("training_status", "TrainingStatus"), True),
        "urls": types.Field("urls", types.Nested("training_urls", "TrainingUrls"), True),
        "version": types.Field("version", types.STRING, True),
        "completed_at": types.Field("completed_at", types.AnyOf(types.DATETIME, types.NULL), False),
        "error": types.Field("error", types.AnyOf(types.STRING, types.NULL), False),
        "logs": types.Field("logs", types.AnyOf(types.STRING, types.NULL), False),
        "metrics": types.Field("metrics", types.Nested("training_metrics", "TrainingMetrics"), False),
        "output": types.Field(
            "output", types.AnyOf(types.Nested("training_output", "TrainingOutput"), types.NULL), False
        ),
        "source": types.Field("source", types.EnumOf("training_source", "TrainingSource"), False),
        "started_at": types.Field("started_at", types.AnyOf(types.DATETIME, types.NULL), False),
    }
