"""What a caller puts into an input, made ready for JSON before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def prepare(input: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the input as JSON values in containers of its own.

    Raises:
        TypeError, ValueError: Something in it has no JSON form; the message names the place.
    """
    if not isinstance(input, Mapping | None):
        raise TypeError(f"input must be a dict of the model's inputs by name, not {type(input).__name__}")
    return {str(name): _json(value, f"input.{name}") for name, value in (input or {}).items()}


def _json(value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} is {value}, which JSON cannot say")
    if value is None or isinstance(value, str | int | float):
        return str(value) if isinstance(value, str) else value
    raise TypeError(
        f"{where} is a {type(value).__name__}, which JSON cannot say; give a file as a URL: "
        "client.files.create(content=open(path, 'rb')).urls.get"
    )
