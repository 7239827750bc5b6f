from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class DeploymentsCreateRequest(types.RequestRecord):
    """The body of a request of `deployments.create`.

    Attributes:
        hardware: SKU of the hardware to run on, from `hardware.list`.
        max_instances: Maximum number of instances, 0 to 20.
        min_instances: Minimum number of instances, 0 to 5; with 0 the deployment scales to none while idle.
        model: Model to run, as `owner/name`.
        name: Name of the new deployment, without an owner.
        version: Id of the version to run, 64 hexadecimal digits.
    """

    hardware: str
    max_instances: int
    min_instances: int
    model: str
    name: str
    version: str

    fields: ClassVar[Mapping[str, types.Field]] = {
        "hardware": types.Field("hardware", types.KeyOf(("sku",), "Hardware"), True),
        "max_instances": types.Field("max_instances", types.INTEGER, True),
        "min_instances": types.Field("min_instances", types.INTEGER, True),
        "model": types.Field("model", types.KeyOf(("owner", "name"), "Model"), True),
        "name": types.Field("name", types.STRING, True),
        "version": types.Field("version", types.KeyOf(("id",), "Version"), True),
    }
