"""Compare the keywords of schemas by what they allow: a higher `maximum` allows more, a `pattern` less than none."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Shift(Enum):
    """How the values that a place allows have changed. Requests break if fewer are allowed, responses if more are."""

    SAME = "same"
    """The same values, or a change that breaks nobody."""
    WIDER = "wider"
    NARROWER = "narrower"
    BOTH = "both"


UPPER = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"})
LOWER = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"})

PYTHON_FORMATS = ("binary", "date", "date-time", "uuid")
"""Formats with a Python type of their own: the type of an argument or attribute changes with them."""

ANNOTATIONS = frozenset({"deprecated", "readOnly", "writeOnly", "xml", "discriminator", "contentMediaType"})
"""Keywords that allow no fewer values (https://json-schema.org/draft/2020-12/json-schema-validation, section 9)."""


def compare_keyword(key: str, old: Any, new: Any) -> Shift:
    """Return how a keyword changed what is allowed; None stands for an absent keyword."""
    if key in ANNOTATIONS or key.startswith("x-"):
        return Shift.SAME
    if key == "format":
        if old in PYTHON_FORMATS or new in PYTHON_FORMATS:
            return Shift.BOTH
        return Shift.SAME if new is None else Shift.NARROWER  # for readers it is only an annotation
    if key == "default":  # the same call means something else, unless the default was not documented before
        return Shift.SAME if old is None else Shift.BOTH
    if old is None or new is None:
        return Shift.NARROWER if old is None else Shift.WIDER
    if key in UPPER | LOWER and _is_number(old) and _is_number(new):
        return Shift.WIDER if (new > old) is (key in UPPER) else Shift.NARROWER
    return Shift.BOTH


def tighten(key: str, a: Any, b: Any) -> Any:
    """Return the value of a keyword where both values apply."""
    if key in UPPER | LOWER and _is_number(a) and _is_number(b):
        return min(a, b) if key in UPPER else max(a, b)
    return a if a == b else [a, b]


def loosen(key: str, a: Any, b: Any) -> Any:
    """Return the value of a keyword where one of the values applies."""
    if key in UPPER | LOWER and _is_number(a) and _is_number(b):
        return max(a, b) if key in UPPER else min(a, b)
    return a if a == b else [a, b]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
