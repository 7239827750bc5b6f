from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types
from ..types import UNSET, Unset


@define(slots=False)
class Hardware(types.Record):
    """One kind of hardware.

    Attributes:
        name: Name for people.
        sku: Identifier to send as `hardware`.
    """

    name: str | Unset = UNSET
    sku: str | Unset = UNSET

    fields: ClassVar[Mapping[str, types.Field]] = {
        "name": types.Field("name", types.STRING, False),
        "sku": types.Field("sku", types.STRING, False),
    }
