"""The operations with the tag predictions. Modules are imported on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import predictions_cancel as predictions_cancel
    from . import predictions_create as predictions_create
    from . import predictions_get as predictions_get
    from . import predictions_list as predictions_list

_MODULES = {"predictions_list", "predictions_create", "predictions_get", "predictions_cancel"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
