"""Every operation of the OpenAPI document, grouped by tag. Modules are imported on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import account as account
    from . import collections as collections
    from . import deployments as deployments
    from . import files as files
    from . import hardware as hardware
    from . import models as models
    from . import predictions as predictions
    from . import search as search
    from . import trainings as trainings
    from . import webhooks as webhooks

OPERATIONS = {
    "account.get": "account.account_get",
    "collections.list": "collections.collections_list",
    "collections.get": "collections.collections_get",
    "deployments.list": "deployments.deployments_list",
    "deployments.create": "deployments.deployments_create",
    "deployments.get": "deployments.deployments_get",
    "deployments.delete": "deployments.deployments_delete",
    "deployments.update": "deployments.deployments_update",
    "deployments.predictions.create": "deployments.deployments_predictions_create",
    "files.list": "files.files_list",
    "files.create": "files.files_create",
    "files.get": "files.files_get",
    "files.delete": "files.files_delete",
    "files.download": "files.files_download",
    "hardware.list": "hardware.hardware_list",
    "models.list": "models.models_list",
    "models.create": "models.models_create",
    "models.search": "models.models_search",
    "models.get": "models.models_get",
    "models.delete": "models.models_delete",
    "models.update": "models.models_update",
    "models.examples.list": "models.models_examples_list",
    "models.predictions.create": "models.models_predictions_create",
    "models.readme.get": "models.models_readme_get",
    "models.versions.list": "models.models_versions_list",
    "models.versions.get": "models.models_versions_get",
    "models.versions.delete": "models.models_versions_delete",
    "trainings.create": "trainings.trainings_create",
    "trainings.list": "trainings.trainings_list",
    "trainings.get": "trainings.trainings_get",
    "trainings.cancel": "trainings.trainings_cancel",
    "predictions.list": "predictions.predictions_list",
    "predictions.create": "predictions.predictions_create",
    "predictions.get": "predictions.predictions_get",
    "predictions.cancel": "predictions.predictions_cancel",
    "search": "search.search",
    "webhooks.default.secret.get": "webhooks.webhooks_default_secret_get",
}
"""The module of each operationId, relative to this package."""

_TAGS = {module.partition(".")[0] for module in OPERATIONS.values()}


def __getattr__(name: str) -> Any:
    if name in _TAGS:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
