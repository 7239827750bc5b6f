"""The data of the API. Models are imported on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .account import Account as Account
    from .account_type import AccountType as AccountType
    from .collection import Collection as Collection
    from .collection_list_item import CollectionListItem as CollectionListItem
    from .deployment import Deployment as Deployment
    from .deployments_create_request import DeploymentsCreateRequest as DeploymentsCreateRequest
    from .deployments_update_request import DeploymentsUpdateRequest as DeploymentsUpdateRequest
    from .file import File as File
    from .file_checksums import FileChecksums as FileChecksums
    from .file_urls import FileUrls as FileUrls
    from .files_create_request import FilesCreateRequest as FilesCreateRequest
    from .hardware import Hardware as Hardware
    from .model import Model as Model
    from .model_visibility import ModelVisibility as ModelVisibility
    from .models_create_request import ModelsCreateRequest as ModelsCreateRequest
    from .models_list_sort_by import ModelsListSortBy as ModelsListSortBy
    from .models_list_sort_direction import ModelsListSortDirection as ModelsListSortDirection
    from .models_update_request import ModelsUpdateRequest as ModelsUpdateRequest
    from .page_of_collections import PageOfCollections as PageOfCollections
    from .page_of_deployments import PageOfDeployments as PageOfDeployments
    from .page_of_files import PageOfFiles as PageOfFiles
    from .page_of_models import PageOfModels as PageOfModels
    from .page_of_predictions import PageOfPredictions as PageOfPredictions
    from .page_of_trainings import PageOfTrainings as PageOfTrainings
    from .page_of_versions import PageOfVersions as PageOfVersions
    from .prediction import Prediction as Prediction
    from .prediction_metrics import PredictionMetrics as PredictionMetrics
    from .prediction_request import PredictionRequest as PredictionRequest
    from .prediction_source import PredictionSource as PredictionSource
    from .prediction_status import PredictionStatus as PredictionStatus
    from .prediction_urls import PredictionUrls as PredictionUrls
    from .predictions_list_source import PredictionsListSource as PredictionsListSource
    from .problem import Problem as Problem
    from .release import Release as Release
    from .release_configuration import ReleaseConfiguration as ReleaseConfiguration
    from .release_created_by import ReleaseCreatedBy as ReleaseCreatedBy
    from .release_created_by_type import ReleaseCreatedByType as ReleaseCreatedByType
    from .search_collection import SearchCollection as SearchCollection
    from .search_model import SearchModel as SearchModel
    from .search_model_metadata import SearchModelMetadata as SearchModelMetadata
    from .search_page import SearchPage as SearchPage
    from .search_results import SearchResults as SearchResults
    from .training import Training as Training
    from .training_metrics import TrainingMetrics as TrainingMetrics
    from .training_output import TrainingOutput as TrainingOutput
    from .training_request import TrainingRequest as TrainingRequest
    from .training_source import TrainingSource as TrainingSource
    from .training_status import TrainingStatus as TrainingStatus
    from .training_urls import TrainingUrls as TrainingUrls
    from .version import Version as Version
    from .version_prediction_request import VersionPredictionRequest as VersionPredictionRequest
    from .webhook_event import WebhookEvent as WebhookEvent
    from .webhook_secret import WebhookSecret as WebhookSecret

_MODULES = {
    "Account": "account",
    "AccountType": "account_type",
    "Collection": "collection",
    "CollectionListItem": "collection_list_item",
    "Deployment": "deployment",
    "DeploymentsCreateRequest": "deployments_create_request",
    "DeploymentsUpdateRequest": "deployments_update_request",
    "File": "file",
    "FileChecksums": "file_checksums",
    "FileUrls": "file_urls",
    "FilesCreateRequest": "files_create_request",
    "Hardware": "hardware",
    "Model": "model",
    "ModelVisibility": "model_visibility",
    "ModelsCreateRequest": "models_create_request",
    "ModelsListSortBy": "models_list_sort_by",
    "ModelsListSortDirection": "models_list_sort_direction",
    "ModelsUpdateRequest": "models_update_request",
    "PageOfCollections": "page_of_collections",
    "PageOfDeployments": "page_of_deployments",
    "PageOfFiles": "page_of_files",
    "PageOfModels": "page_of_models",
    "PageOfPredictions": "page_of_predictions",
    "PageOfTrainings": "page_of_trainings",
    "PageOfVersions": "page_of_versions",
    "Prediction": "prediction",
    "PredictionMetrics": "prediction_metrics",
    "PredictionRequest": "prediction_request",
    "PredictionSource": "prediction_source",
    "PredictionStatus": "prediction_status",
    "PredictionUrls": "prediction_urls",
    "PredictionsListSource": "predictions_list_source",
    "Problem": "problem",
    "Release": "release",
    "ReleaseConfiguration": "release_configuration",
    "ReleaseCreatedBy": "release_created_by",
    "ReleaseCreatedByType": "release_created_by_type",
    "SearchCollection": "search_collection",
    "SearchModel": "search_model",
    "SearchModelMetadata": "search_model_metadata",
    "SearchPage": "search_page",
    "SearchResults": "search_results",
    "Training": "training",
    "TrainingMetrics": "training_metrics",
    "TrainingOutput": "training_output",
    "TrainingRequest": "training_request",
    "TrainingSource": "training_source",
    "TrainingStatus": "training_status",
    "TrainingUrls": "training_urls",
    "Version": "version",
    "VersionPredictionRequest": "version_prediction_request",
    "WebhookEvent": "webhook_event",
    "WebhookSecret": "webhook_secret",
}

__all__ = [
    "Account",
    "AccountType",
    "Collection",
    "CollectionListItem",
    "Deployment",
    "DeploymentsCreateRequest",
    "DeploymentsUpdateRequest",
    "File",
    "FileChecksums",
    "FilesCreateRequest",
    "FileUrls",
    "Hardware",
    "Model",
    "ModelsCreateRequest",
    "ModelsListSortBy",
    "ModelsListSortDirection",
    "ModelsUpdateRequest",
    "ModelVisibility",
    "PageOfCollections",
    "PageOfDeployments",
    "PageOfFiles",
    "PageOfModels",
    "PageOfPredictions",
    "PageOfTrainings",
    "PageOfVersions",
    "Prediction",
    "PredictionMetrics",
    "PredictionRequest",
    "PredictionsListSource",
    "PredictionSource",
    "PredictionStatus",
    "PredictionUrls",
    "Problem",
    "Release",
    "ReleaseConfiguration",
    "ReleaseCreatedBy",
    "ReleaseCreatedByType",
    "SearchCollection",
    "SearchModel",
    "SearchModelMetadata",
    "SearchPage",
    "SearchResults",
    "Training",
    "TrainingMetrics",
    "TrainingOutput",
    "TrainingRequest",
    "TrainingSource",
    "TrainingStatus",
    "TrainingUrls",
    "Version",
    "VersionPredictionRequest",
    "WebhookEvent",
    "WebhookSecret",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    if name[:1].isupper():
        raise AttributeError(f"the OpenAPI document that this client was generated from has no model {name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
