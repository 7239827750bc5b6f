from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class TrainingOutput(types.Record):
    """What the training made, once it has succeeded.

    Attributes:
        version: The new version, as `owner/name:id`.
        weights: URL of the trained weights.
    """

    version: str | None = None
    weights: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "version": types.Field("version", types.STRING, False),
        "weights": types.Field("weights", types.STRING, False),
    }
