"""A Python client for Replicate's HTTP API.

The names below are loaded on first use, so importing the package is fast. The module-level functions share a client
that is made on their first use, with the token in REPLICATE_API_TOKEN.

Examples:
    >>> import replicate_ext as replicate
    >>> [image] = replicate.run("black-forest-labs/flux-schnell", {"prompt": "a lighthouse", "output_format": "png"})
    >>> path = image.save("lighthouse.png")
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:  # for type checkers; `_EXPORTS` has the same names at run time
    from replicate_api.models import (
        Account as Account,
        Collection as Collection,
        Deployment as Deployment,
        File as File,
        Hardware as Hardware,
        Model as Model,
        Prediction as Prediction,
        PredictionStatus as PredictionStatus,
        SearchResults as SearchResults,
        Training as Training,
        TrainingStatus as TrainingStatus,
        Version as Version,
        WebhookEvent as WebhookEvent,
        WebhookSecret as WebhookSecret,
    )
    from replicate_api.types import UNSET as UNSET, Unset as Unset, Upload as Upload

    from . import errors as errors, webhooks as webhooks
    from ._batch.batch import AsyncBatch as AsyncBatch, Batch as Batch
    from ._batch.item import Item as Item
    from ._batch.progress import Status as Status
    from ._batch.report import Report as Report
    from ._client import AsyncReplicate as AsyncReplicate, Replicate as Replicate
    from ._default_client import (
        account as account,
        async_run as async_run,
        async_stream as async_stream,
        collections as collections,
        deployments as deployments,
        files as files,
        hardware as hardware,
        map as map,
        models as models,
        output as output,
        paginate as paginate,
        predictions as predictions,
        request as request,
        run as run,
        save as save,
        search as search,
        stream as stream,
        submit as submit,
        trainings as trainings,
        use as use,
        wait as wait,
    )
    from ._display.outputs import Outputs as Outputs
    from ._files.file_input import FileInput as FileInput
    from ._files.outputs import AsyncFileOutput as AsyncFileOutput, FileOutput as FileOutput
    from ._functions.function import AsyncFunction as AsyncFunction, Function as Function
    from ._pagination import Page as Page
    from ._predictions.stream import AsyncStream as AsyncStream, Stream as Stream
    from ._progress import Progress as Progress, progress_of as progress_of
    from ._sansio.model_ref import ModelRef as ModelRef
    from ._sansio.sse import Event as Event
    from .errors import (
        APIConnectionError as APIConnectionError,
        APIStatusError as APIStatusError,
        APITimeoutError as APITimeoutError,
        AuthenticationError as AuthenticationError,
        BatchLockedError as BatchLockedError,
        BatchStoppedError as BatchStoppedError,
        InvalidInputError as InvalidInputError,
        InvalidRequestError as InvalidRequestError,
        MissingWebhookHeaderError as MissingWebhookHeaderError,
        ModelError as ModelError,
        NotFoundError as NotFoundError,
        PaymentRequiredError as PaymentRequiredError,
        PermissionDeniedError as PermissionDeniedError,
        PredictionAbortedError as PredictionAbortedError,
        PredictionCanceledError as PredictionCanceledError,
        RateLimitError as RateLimitError,
        ReplicateError as ReplicateError,
        ResponseDecodeError as ResponseDecodeError,
        ServerError as ServerError,
        StaleWebhookError as StaleWebhookError,
        StreamError as StreamError,
        WaitTimeoutError as WaitTimeoutError,
        WebhookError as WebhookError,
        WebhookSignatureError as WebhookSignatureError,
    )

_EXPORTS = {
    "replicate_api.models": (
        "Account Collection Deployment File Hardware Model Prediction PredictionStatus SearchResults Training "
        "TrainingStatus Version WebhookEvent WebhookSecret"
    ),
    "replicate_api.types": "UNSET Unset Upload",
    "replicate_ext._batch.batch": "AsyncBatch Batch",
    "replicate_ext._batch.item": "Item",
    "replicate_ext._batch.progress": "Status",
    "replicate_ext._batch.report": "Report",
    "replicate_ext._client": "AsyncReplicate Replicate",
    "replicate_ext._default_client": (
        "account async_run async_stream collections deployments files hardware map models output paginate predictions "
        "request run save search stream submit trainings use wait"
    ),
    "replicate_ext._display.outputs": "Outputs",
    "replicate_ext._files.file_input": "FileInput",
    "replicate_ext._files.outputs": "AsyncFileOutput FileOutput",
    "replicate_ext._functions.function": "AsyncFunction Function",
    "replicate_ext._pagination": "Page",
    "replicate_ext._predictions.stream": "AsyncStream Stream",
    "replicate_ext._progress": "Progress progress_of",
    "replicate_ext._sansio.model_ref": "ModelRef",
    "replicate_ext._sansio.sse": "Event",
    "replicate_ext.errors": (
        "APIConnectionError APIStatusError APITimeoutError AuthenticationError BatchLockedError BatchStoppedError "
        "InvalidInputError InvalidRequestError MissingWebhookHeaderError ModelError NotFoundError "
        "PaymentRequiredError PermissionDeniedError PredictionAbortedError PredictionCanceledError RateLimitError "
        "ReplicateError ResponseDecodeError ServerError StaleWebhookError StreamError WaitTimeoutError WebhookError "
        "WebhookSignatureError"
    ),
}
_PUBLIC_MODULES = ("errors", "webhooks")
_MODULE_OF = {name: module for module, names in _EXPORTS.items() for name in names.split()}

__all__ = sorted((*_MODULE_OF, *_PUBLIC_MODULES))  # pyright: ignore[reportUnsupportedDunderAll]  # a test compares them


def __getattr__(name: str) -> Any:
    if name in _PUBLIC_MODULES:
        return import_module(f"replicate_ext.{name}")
    if name in _MODULE_OF:
        value = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
        return value
    namespaces = {id.partition(".")[0].replace("-", "_") for id in import_module("replicate_api.api").OPERATIONS}
    if name.rstrip("_") in namespaces:  # of an OpenAPI document that is newer than this file
        return getattr(import_module("replicate_ext._default_client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


if "IPython" in sys.modules:
    import_module("replicate_ext._display.ipython").register()
