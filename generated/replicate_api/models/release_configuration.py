from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class ReleaseConfiguration(types.Record):
    """Hardware and scaling limits.

    Attributes:
        hardware: SKU of the hardware it runs on.
        max_instances: Most instances that scaling may start.
        min_instances: Fewest instances kept running; 0 lets it go to sleep.
    """

    hardware: str | None = None
    max_instances: int | None = None
    min_instances: int | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "hardware": types.Field("hardware", types.STRING, False),
        "max_instances": types.Field("max_instances", types.INTEGER, False),
        "min_instances": types.Field("min_instances", types.INTEGER, False),
    }
