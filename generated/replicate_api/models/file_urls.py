from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class FileUrls(types.Record):
    """URLs of the file.

    Attributes:
        get: API URL of these details; as an input of a model it stands for the file.
    """

    get: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {"get": types.Field("get", types.STRING, False)}
