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
        max_instances: Maximum number of instances.
        min_instances: Minimum number of instances; with 0 the deployment scales to none while idle.
    """

    hardware: str | None = None
    max_instances: int | None = None
    min_instances: int | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "hardware": types.Field("hardware", types.STRING, False),
        "max_instances": types.Field("max_instances", types.INTEGER, False),
        "min_instances": types.Field("min_instances", types.INTEGER, False),
    }
