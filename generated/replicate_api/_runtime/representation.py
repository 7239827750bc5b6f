"""Represent a model in one line: what identifies it first, long values shortened."""

from __future__ import annotations

import reprlib
from typing import Any

from .records import Record
from .values import Unset

IDENTITIES = ("id", "owner", "name", "slug", "username", "sku", "number")
"""The fields that say which object this is."""

DETAILS = ("status", "model", "size")
"""The fields to show after them."""

SECRETS = ("key", "password", "secret", "token")
"""The fields whose values are not shown."""

MAX_LENGTH = 200
"""Characters of a whole representation."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60
_short.maxlist = _short.maxdict = _short.maxlevel = 3


def represent(model: Record) -> str:
    """Return the representation of a model; never fails, whatever the model contains."""
    try:
        words = " ".join([type(model).__name__, *(_identify(model) or _list_fields(model))])
    except Exception:  # a debugger shows half-made models too
        words = type(model).__name__
    return f"<{words}>" if len(words) <= MAX_LENGTH else f"<{words[:MAX_LENGTH]}…>"


def _identify(model: Record) -> list[str]:
    """Return the words of a model that has a field which identifies it."""
    owner, name = (model[field] if field in model.fields else None for field in ("owner", "name"))
    is_pair = isinstance(owner, str) and isinstance(name, str)
    words = [f"{_word(owner)}/{_word(name)}"] if is_pair else []
    shown = [field for field in IDENTITIES if not (is_pair and field in ("owner", "name"))]
    words += [_word(model[field]) for field in shown if _has(model, field)]
    if not words:
        return []
    words += [_word(model[field]) + " bytes" * (field == "size") for field in DETAILS if _has(model, field)]
    seconds = _seconds(model["metrics"]) if _has(model, "metrics") else None
    return words if seconds is None else [*words, f"{seconds:.1f} s"]


def _list_fields(model: Record) -> list[str]:
    """Return `name=value` for each field of a model that nothing identifies."""
    return [
        f"{field}=…" if field in SECRETS else f"{field}={_short.repr(model[field])}"
        for field in model.fields
        if _has(model, field)
    ]


def _has(model: Record, field: str) -> bool:
    return field in model.fields and model[field] is not None and not isinstance(model[field], Unset)


def _word(value: Any) -> str:
    """Return a value without quotes if it is one short word."""
    is_word = isinstance(value, str) and len(value) <= 40 and value.isprintable() and " " not in value
    return str(value) if is_word else _short.repr(value)


def _seconds(metrics: Any) -> float | None:
    for field in ("predict_time", "total_time"):
        value = getattr(metrics, field, None)
        if isinstance(value, (int, float)):
            return value
    return None
