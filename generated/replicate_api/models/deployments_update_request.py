from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types
from ..types import UNSET, Unset


@define(slots=False, repr=False)
class DeploymentsUpdateRequest(types.RequestRecord):
    """The body of a request of `deployments.update`.

    Attributes:
        hardware: SKU of the hardware to run on, from `hardware.list`.
        max_instances: Maximum number of instances, 0 to 20.
        min_instances: Minimum number of instances, 0 to 5.
        version: Id of the version to run, 64 hexadecimal digits.
    """

    hardware: str | Unset = UNSET
    max_instances: int | Unset = UNSET
    min_instances: int | Unset = UNSET
    version: str | Unset = UNSET

    fields: ClassVar[Mapping[str, types.Field]] = {
        "hardware": types.Field("hardware", types.KeyOf(("sku",), "Hardware"), False),
        "max_instances": types.Field("max_instances", types.INTEGER, False),
        "min_instances": types.Field("min_instances", types.INTEGER, False),
        "version": types.Field("version", types.KeyOf(("id",), "Version"), False),
    }
