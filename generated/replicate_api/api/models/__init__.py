"""The operations with the tag models. Modules are imported on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import models_create as models_create
    from . import models_delete as models_delete
    from . import models_examples_list as models_examples_list
    from . import models_get as models_get
    from . import models_list as models_list
    from . import models_predictions_create as models_predictions_create
    from . import models_readme_get as models_readme_get
    from . import models_search as models_search
    from . import models_update as models_update
    from . import models_versions_delete as models_versions_delete
    from . import models_versions_get as models_versions_get
    from . import models_versions_list as models_versions_list

_MODULES = {
    "models_list",
    "models_create",
    "models_search",
    "models_get",
    "models_delete",
    "models_update",
    "models_examples_list",
    "models_predictions_create",
    "models_readme_get",
    "models_versions_list",
    "models_versions_get",
    "models_versions_delete",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
