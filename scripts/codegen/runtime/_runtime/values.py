"""The values that fields can have besides plain JSON: `UNSET`, and members of open enums."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self


class Unset:
    """The type of `UNSET`, the value of an argument that is omitted. It is falsy.

    Examples:
        >>> bool(replicate.UNSET)
        False
    """

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Unset = Unset()
"""The value of a field that is not sent; None is sent as null."""


class OpenEnum(StrEnum):
    """The strings that the OpenAPI document lists, and any other string that a later server sends.

    `PredictionStatus("paused")` returns a new member, equal to `"paused"`, although the OpenAPI document does not list
    that status; `is_known` tells listed values from others. A caller may only send listed values.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether the OpenAPI document lists this value."""
        return self._name_ in type(self).__members__
