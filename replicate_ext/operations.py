"""The 37 generated operations, each as one object: what it takes, what it sends, what it returns.

This is where generated code enters the upper floor; no other file imports `replicate_api.api`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from replicate_api.api.account import account_get
from replicate_api.api.collections import collections_get, collections_list
from replicate_api.api.deployments import (
    deployments_create,
    deployments_delete,
    deployments_get,
    deployments_list,
    deployments_predictions_create,
    deployments_update,
)
from replicate_api.api.files import files_create, files_delete, files_download, files_get, files_list
from replicate_api.api.hardware import hardware_list
from replicate_api.api.models import (
    models_create,
    models_delete,
    models_examples_list,
    models_get,
    models_list,
    models_predictions_create,
    models_readme_get,
    models_search,
    models_update,
    models_versions_delete,
    models_versions_get,
    models_versions_list,
)
from replicate_api.api.predictions import predictions_cancel, predictions_create, predictions_get, predictions_list
from replicate_api.api.search import search
from replicate_api.api.trainings import trainings_cancel, trainings_create, trainings_get, trainings_list
from replicate_api.api.webhooks import webhooks_default_secret_get
from replicate_api.types import Request

if TYPE_CHECKING:
    import httpx

P = ParamSpec("P")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Call(Generic[T_co]):
    """One request, ready to be sent, and how to read its answer."""

    request: Request
    parse: Callable[[httpx.Response], T_co]

    def at(self, path: str) -> Call[T_co]:
        """Return a call of the same kind that GETs another path, such as that of the next page."""
        return Call(Request("GET", path), self.parse)


@dataclass(frozen=True)
class Operation(Generic[P, T_co]):
    """A generated couple: `build` writes the request from flat arguments, `parse` reads a successful answer."""

    build: Callable[P, Request]
    parse: Callable[[httpx.Response], T_co]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[T_co]:
        """Check the arguments and write the request; TypeError or ValueError names what is wrong."""
        return Call(self.build(*args, **kwargs), self.parse)


ACCOUNT_GET = Operation(account_get.build, account_get.parse)
COLLECTIONS_GET = Operation(collections_get.build, collections_get.parse)
COLLECTIONS_LIST = Operation(collections_list.build, collections_list.parse)
DEPLOYMENTS_CREATE = Operation(deployments_create.build, deployments_create.parse)
DEPLOYMENTS_DELETE = Operation(deployments_delete.build, deployments_delete.parse)
DEPLOYMENTS_GET = Operation(deployments_get.build, deployments_get.parse)
DEPLOYMENTS_LIST = Operation(deployments_list.build, deployments_list.parse)
DEPLOYMENTS_PREDICTIONS_CREATE = Operation(deployments_predictions_create.build, deployments_predictions_create.parse)
DEPLOYMENTS_UPDATE = Operation(deployments_update.build, deployments_update.parse)
FILES_CREATE = Operation(files_create.build, files_create.parse)
FILES_DELETE = Operation(files_delete.build, files_delete.parse)
FILES_DOWNLOAD = Operation(files_download.build, files_download.parse)
FILES_GET = Operation(files_get.build, files_get.parse)
FILES_LIST = Operation(files_list.build, files_list.parse)
HARDWARE_LIST = Operation(hardware_list.build, hardware_list.parse)
MODELS_CREATE = Operation(models_create.build, models_create.parse)
MODELS_DELETE = Operation(models_delete.build, models_delete.parse)
MODELS_EXAMPLES_LIST = Operation(models_examples_list.build, models_examples_list.parse)
MODELS_GET = Operation(models_get.build, models_get.parse)
MODELS_LIST = Operation(models_list.build, models_list.parse)
MODELS_PREDICTIONS_CREATE = Operation(models_predictions_create.build, models_predictions_create.parse)
MODELS_README_GET = Operation(models_readme_get.build, models_readme_get.parse)
MODELS_SEARCH = Operation(models_search.build, models_search.parse)
MODELS_UPDATE = Operation(models_update.build, models_update.parse)
MODELS_VERSIONS_DELETE = Operation(models_versions_delete.build, models_versions_delete.parse)
MODELS_VERSIONS_GET = Operation(models_versions_get.build, models_versions_get.parse)
MODELS_VERSIONS_LIST = Operation(models_versions_list.build, models_versions_list.parse)
PREDICTIONS_CANCEL = Operation(predictions_cancel.build, predictions_cancel.parse)
PREDICTIONS_CREATE = Operation(predictions_create.build, predictions_create.parse)
PREDICTIONS_GET = Operation(predictions_get.build, predictions_get.parse)
PREDICTIONS_LIST = Operation(predictions_list.build, predictions_list.parse)
SEARCH = Operation(search.build, search.parse)
TRAININGS_CANCEL = Operation(trainings_cancel.build, trainings_cancel.parse)
TRAININGS_CREATE = Operation(trainings_create.build, trainings_create.parse)
TRAININGS_GET = Operation(trainings_get.build, trainings_get.parse)
TRAININGS_LIST = Operation(trainings_list.build, trainings_list.parse)
WEBHOOKS_DEFAULT_SECRET_GET = Operation(webhooks_default_secret_get.build, webhooks_default_secret_get.parse)
