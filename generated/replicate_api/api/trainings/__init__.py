"""The operations with the tag trainings. Modules are imported on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import trainings_cancel as trainings_cancel
    from . import trainings_create as trainings_create
    from . import trainings_get as trainings_get
    from . import trainings_list as trainings_list

_MODULES = {"trainings_create", "trainings_list", "trainings_get", "trainings_cancel"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
