"""The operations with the tag files. Modules are imported on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import files_create as files_create
    from . import files_delete as files_delete
    from . import files_download as files_download
    from . import files_get as files_get
    from . import files_list as files_list

_MODULES = {"files_list", "files_create", "files_get", "files_delete", "files_download"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
