from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class TrainingUrls(types.Record):
    """URLs of the training.

    Attributes:
        cancel: API URL that cancels it, with a POST.
        get: API URL of its current state.
    """

    cancel: str | None = None
    get: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "cancel": types.Field("cancel", types.STRING, False),
        "get": types.Field("get", types.STRING, False),
    }
