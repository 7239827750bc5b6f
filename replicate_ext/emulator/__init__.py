"""A local server that implements Replicate's API, with models that really compute: no token, no internet, no cost.

Requires the extra: `pip install 'replicate-ext[emulator]'`. On the command line: `replicate-emulator`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers; `_MODULE_OF` has the same names at run time
    from .builtin_models import model as model
    from .catalog import Catalog as Catalog
    from .clock import Clock as Clock
    from .execution import log as log, now as now, sleep as sleep
    from .faults import Faults as Faults
    from .schema import Field as Field, Secret as Secret
    from .server import TOKEN as TOKEN, Emulator as Emulator
    from .service import RecordedRequest as RecordedRequest
    from .webhooks import Delivery as Delivery

_MODULE_OF = {
    "Catalog": "catalog",
    "Clock": "clock",
    "Delivery": "webhooks",
    "Emulator": "server",
    "Faults": "faults",
    "Field": "schema",
    "RecordedRequest": "service",
    "Secret": "schema",
    "TOKEN": "server",
    "log": "execution",
    "model": "builtin_models",
    "now": "execution",
    "sleep": "execution",
}

__all__ = list(_MODULE_OF)  # pyright: ignore[reportUnsupportedDunderAll]  # a test compares them


def __getattr__(name: str) -> Any:
    """Load a name on first use: the extra may not be installed, and then the command must be able to say so."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = globals()[name] = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    except ModuleNotFoundError as error:
        raise ImportError(f"{error}; the emulator requires: pip install 'replicate-ext[emulator]'") from error
    return value
