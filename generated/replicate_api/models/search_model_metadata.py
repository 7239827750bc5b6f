from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class SearchModelMetadata(types.Record):
    """What a search adds to a model.

    Attributes:
        generated_description: Long text about the model, written by AI; null if there is none.
        score: How well the model matches, null if there is no score.
        tags: Keywords for the model.
    """

    generated_description: str | None = None
    score: float | None = None
    tags: list[str] | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "generated_description": types.Field("generated_description", types.AnyOf(types.STRING, types.NULL), False),
        "score": types.Field("score", types.AnyOf(types.NUMBER, types.NULL), False),
        "tags": types.Field("tags", types.ListOf(types.STRING), False),
    }
