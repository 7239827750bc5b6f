"""A Python client for Replicate's HTTP API.

    import replicate_ext as replicate

    replicate.run("acme/painter", {"prompt": "a lighthouse"})[0].save("lighthouse.png")

The names below load when they are first used; importing the package costs next to nothing. The functions of the
module use a client that is made on their first use, with the token in REPLICATE_API_TOKEN.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from replicate_api.models import (
        Account,
        Collection,
        Deployment,
        File,
        Hardware,
        Model,
        Prediction,
        PredictionStatus,
        SearchResults,
        Training,
        TrainingStatus,
        Version,
        WebhookEvent,
        WebhookSecret,
    )
    from replicate_api.types import UNSET, Unset, Upload

    from . import errors, webhooks
    from ._client import AsyncReplicate, Replicate
    from ._default_client import (
        account,
        async_run,
        async_stream,
        collections,
        deployments,
        files,
        hardware,
        models,
        paginate,
        predictions,
        request,
        run,
        search,
        stream,
        trainings,
        wait,
    )
    from ._files.outputs import AsyncFileOutput, FileOutput
    from ._pagination import Page
    from ._predictions.stream import AsyncStream, Stream
    from ._sansio.model_ref import ModelRef
    from ._sansio.sse import Event
    from .errors import (
        APIStatusError,
        AuthenticationError,
        BadWebhookSignature,
        ConnectionFailed,
        InvalidRequest,
        MissingWebhookHeader,
        ModelError,
        NotFound,
        PaymentRequired,
        PermissionDenied,
        PredictionAborted,
        PredictionCanceled,
        RateLimited,
        ReplicateError,
        ResponseError,
        ServerError,
        StaleWebhook,
        StreamError,
        TimedOut,
        WaitTimeout,
        WebhookError,
    )


__all__ = [
    "APIStatusError",
    "Account",
    "AsyncFileOutput",
    "AsyncReplicate",
    "AsyncStream",
    "AuthenticationError",
    "BadWebhookSignature",
    "Collection",
    "ConnectionFailed",
    "Deployment",
    "Event",
    "File",
    "FileOutput",
    "Hardware",
    "InvalidRequest",
    "MissingWebhookHeader",
    "Model",
    "ModelError",
    "ModelRef",
    "NotFound",
    "Page",
    "PaymentRequired",
    "PermissionDenied",
    "Prediction",
    "PredictionAborted",
    "PredictionCanceled",
    "PredictionStatus",
    "RateLimited",
    "Replicate",
    "ReplicateError",
    "ResponseError",
    "SearchResults",
    "ServerError",
    "StaleWebhook",
    "Stream",
    "StreamError",
    "TimedOut",
    "Training",
    "TrainingStatus",
    "UNSET",
    "Unset",
    "Upload",
    "Version",
    "WaitTimeout",
    "WebhookError",
    "WebhookEvent",
    "WebhookSecret",
    "account",
    "async_run",
    "async_stream",
    "collections",
    "deployments",
    "errors",
    "files",
    "hardware",
    "models",
    "paginate",
    "predictions",
    "request",
    "run",
    "search",
    "stream",
    "trainings",
    "wait",
    "webhooks",
]

_ERRORS = (
    "APIStatusError",
    "AuthenticationError",
    "BadWebhookSignature",
    "ConnectionFailed",
    "InvalidRequest",
    "MissingWebhookHeader",
    "ModelError",
    "NotFound",
    "PaymentRequired",
    "PermissionDenied",
    "PredictionAborted",
    "PredictionCanceled",
    "RateLimited",
    "ReplicateError",
    "ResponseError",
    "ServerError",
    "StaleWebhook",
    "StreamError",
    "TimedOut",
    "WaitTimeout",
    "WebhookError",
)
_MODELS = (
    "Account",
    "Collection",
    "Deployment",
    "File",
    "Hardware",
    "Model",
    "Prediction",
    "PredictionStatus",
    "SearchResults",
    "Training",
    "TrainingStatus",
    "Version",
    "WebhookEvent",
    "WebhookSecret",
)
_MODULES = ("errors", "webhooks")
_OF_DEFAULT_CLIENT = (
    "account",
    "async_run",
    "async_stream",
    "collections",
    "deployments",
    "files",
    "hardware",
    "models",
    "paginate",
    "predictions",
    "request",
    "run",
    "search",
    "stream",
    "trainings",
    "wait",
)
_MODULE_OF = {
    **dict.fromkeys(_ERRORS, "replicate_ext.errors"),
    **dict.fromkeys(_MODELS, "replicate_api.models"),
    **dict.fromkeys(("UNSET", "Unset", "Upload"), "replicate_api.types"),
    **dict.fromkeys(("AsyncReplicate", "Replicate"), "replicate_ext._client"),
    **dict.fromkeys(("AsyncFileOutput", "FileOutput"), "replicate_ext._files.outputs"),
    **dict.fromkeys(_OF_DEFAULT_CLIENT, "replicate_ext._default_client"),
    **dict.fromkeys(("AsyncStream", "Stream"), "replicate_ext._predictions.stream"),
    "Event": "replicate_ext._sansio.sse",
    "ModelRef": "replicate_ext._sansio.model_ref",
    "Page": "replicate_ext._pagination",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"replicate_ext.{name}")
    if name in _MODULE_OF:
        value = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
        return value
    words = {id.partition(".")[0].replace("-", "_") for id in import_module("replicate_api.api").OPERATIONS}
    if name.rstrip("_") in words:  # newer than this file
        return getattr(import_module("replicate_ext._default_client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
