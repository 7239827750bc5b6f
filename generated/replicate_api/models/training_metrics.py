from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class TrainingMetrics(types.Record):
    """Durations, in seconds.

    Attributes:
        predict_time: Seconds that it ran, without the wait for hardware.
        total_time: Seconds from its creation to its end.
    """

    predict_time: float | None = None
    total_time: float | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "predict_time": types.Field("predict_time", types.NUMBER, False),
        "total_time": types.Field("total_time", types.NUMBER, False),
    }
