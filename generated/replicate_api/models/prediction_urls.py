from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class PredictionUrls(types.Record):
    """URLs of the prediction.

    Attributes:
        cancel: API URL that cancels it, with a POST.
        get: API URL of its current state.
        stream: URL of server-sent events with its output, absent if the model cannot stream.
        web: URL of its page on Replicate's website.
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
