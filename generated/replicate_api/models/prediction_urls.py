from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class PredictionUrls(types.Record):
    """Addresses for this prediction.

    Attributes:
        cancel: API URL that cancels it, with POST.
        get: API URL of its current state.
        stream: Source of server-sent events with its output, absent where the model cannot stream.
        web: Its page for people.
    """

    cancel: str
    get: str
    stream: str | None = None
    web: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "cancel": types.Field("cancel", types.STRING, True),
        "get": types.Field("get", types.STRING, True),
        "stream": types.Field("stream", types.STRING, False),
        "web": types.Field("web", types.STRING, False),
    }
