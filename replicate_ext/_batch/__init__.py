"""`map`: many inputs, each bought once, in a folder that survives the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .batch import AsyncBatch as AsyncBatch, Batch as Batch
    from .item import Item as Item
    from .progress import Status as Status
    from .rows import DataFrame as DataFrame

_MODULES = {"AsyncBatch": "batch", "Batch": "batch", "DataFrame": "rows", "Item": "item", "Status": "progress"}


def __getattr__(name: str) -> Any:
    """Import the classes when they are used: a client that maps nothing does without, and without SQLite."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
