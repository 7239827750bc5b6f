"""The operations with the tag deployments. Modules are imported on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import deployments_create as deployments_create
    from . import deployments_delete as deployments_delete
    from . import deployments_get as deployments_get
    from . import deployments_list as deployments_list
    from . import deployments_predictions_create as deployments_predictions_create
    from . import deployments_update as deployments_update

_MODULES = {
    "deployments_list",
    "deployments_create",
    "deployments_get",
    "deployments_delete",
    "deployments_update",
    "deployments_predictions_create",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
