"""A model as a function: `client.use`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .function import AsyncFunction as AsyncFunction, Function as Function


def __getattr__(name: str) -> Any:
    """Import the classes when they are used: a client that runs models by name does without."""
    if name in ("AsyncFunction", "Function"):
        from . import function

        return getattr(function, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
