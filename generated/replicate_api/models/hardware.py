from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class Hardware(types.Record):
    """One kind of hardware.

    Attributes:
        name: Display name.
        sku: Id, to be sent as `hardware`.
    """

    name: str | None = None
    sku: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "name": types.Field("name", types.STRING, False),
        "sku": types.Field("sku", types.STRING, False),
    }
