from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class Problem(types.Record):
    """The body of an error response.

    Attributes:
        detail: What went wrong, as a sentence.
    """

    detail: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {"detail": types.Field("detail", types.STRING, False)}
