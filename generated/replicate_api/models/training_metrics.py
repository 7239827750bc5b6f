from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class TrainingMetrics(types.Record):
    """Durations.

    Attributes:
        predict_time: Seconds of computing, without waiting for hardware.
        total_time: Seconds from creation to end.
    """

    predict_time: float | None = None
    total_time: float | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "predict_time": types.Field("predict_time", types.NUMBER, False),
        "total_time": types.Field("total_time", types.NUMBER, False),
    }
