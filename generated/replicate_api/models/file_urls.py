from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class FileUrls(types.Record):
    """Addresses of the file.

    Attributes:
        get: Address of this description; put it into a model's input to pass the file.
    """

    get: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {"get": types.Field("get", types.STRING, False)}
