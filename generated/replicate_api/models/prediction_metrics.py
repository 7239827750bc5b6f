from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class PredictionMetrics(types.Record):
    """Measurements, which differ between models.

    Attributes:
        total_time: Seconds from its creation to its end.
        predict_time: Seconds that the model itself ran.
    """

    total_time: float | None = None
    predict_time: float | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "total_time": types.Field("total_time", types.NUMBER, False),
        "predict_time": types.Field("predict_time", types.NUMBER, False),
    }
