"""Every operation of the OpenAPI document, as an object. Each imports its endpoint module on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import api
from .types import Operation

ACCOUNT_GET = Operation("account.get", lambda: api.account.account_get)
COLLECTIONS_LIST = Operation("collections.list", lambda: api.collections.collections_list)
COLLECTIONS_GET = Operation("collections.get", lambda: api.collections.collections_get)
DEPLOYMENTS_LIST = Operation("deployments.list", lambda: api.deployments.deployments_list)
DEPLOYMENTS_CREATE = Operation("deployments.create", lambda: api.deployments.deployments_create)
DEPLOYMENTS_GET = Operation("deployments.get", lambda: api.deployments.deployments_get)
DEPLOYMENTS_DELETE = Operation("deployments.delete", lambda: api.deployments.deployments_delete)
DEPLOYMENTS_UPDATE = Operation("deployments.update", lambda: api.deployments.deployments_update)
DEPLOYMENTS_PREDICTIONS_CREATE = Operation(
    "deployments.predictions.create", lambda: api.deployments.deployments_predictions_create
)
FILES_LIST = Operation("files.list", lambda: api.files.files_list)
FILES_CREATE = Operation("files.create", lambda: api.files.files_create)
FILES_GET = Operation("files.get", lambda: api.files.files_get)
FILES_DELETE = Operation("files.delete", lambda: api.files.files_delete)
FILES_DOWNLOAD = Operation("files.download", lambda: api.files.files_download)
HARDWARE_LIST = Operation("hardware.list", lambda: api.hardware.hardware_list)
MODELS_LIST = Operation("models.list", lambda: api.models.models_list)
MODELS_CREATE = Operation("models.create", lambda: api.models.models_create)
MODELS_SEARCH = Operation("models.search", lambda: api.models.models_search)
MODELS_GET = Operation("models.get", lambda: api.models.models_get)
MODELS_DELETE = Operation("models.delete", lambda: api.models.models_delete)
MODELS_UPDATE = Operation("models.update", lambda: api.models.models_update)
MODELS_EXAMPLES_LIST = Operation("models.examples.list", lambda: api.models.models_examples_list)
MODELS_PREDICTIONS_CREATE = Operation("models.predictions.create", lambda: api.models.models_predictions_create)
MODELS_README_GET = Operation("models.readme.get", lambda: api.models.models_readme_get)
MODELS_VERSIONS_LIST = Operation("models.versions.list", lambda: api.models.models_versions_list)
MODELS_VERSIONS_GET = Operation("models.versions.get", lambda: api.models.models_versions_get)
MODELS_VERSIONS_DELETE = Operation("models.versions.delete", lambda: api.models.models_versions_delete)
TRAININGS_CREATE = Operation("trainings.create", lambda: api.trainings.trainings_create)
TRAININGS_LIST = Operation("trainings.list", lambda: api.trainings.trainings_list)
TRAININGS_GET = Operation("trainings.get", lambda: api.trainings.trainings_get)
TRAININGS_CANCEL = Operation("trainings.cancel", lambda: api.trainings.trainings_cancel)
PREDICTIONS_LIST = Operation("predictions.list", lambda: api.predictions.predictions_list)
PREDICTIONS_CREATE = Operation("predictions.create", lambda: api.predictions.predictions_create)
PREDICTIONS_GET = Operation("predictions.get", lambda: api.predictions.predictions_get)
PREDICTIONS_CANCEL = Operation("predictions.cancel", lambda: api.predictions.predictions_cancel)
SEARCH = Operation("search", lambda: api.search.search)
WEBHOOKS_DEFAULT_SECRET_GET = Operation("webhooks.default.secret.get", lambda: api.webhooks.webhooks_default_secret_get)

if not TYPE_CHECKING:  # a type checker would otherwise accept every name

    def __getattr__(name: str) -> Any:
        """Return an operation that raises `MissingOperation` when it is called."""
        if not name[:1].isupper():
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return Operation.missing(name.lower().replace("_", "."))
