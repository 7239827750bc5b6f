"""The clients behind the functions of the package.

They read the environment when one of the functions is called first: REPLICATE_API_TOKEN may be set after the import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .client import AsyncReplicate, Replicate

_client = Replicate._of_environment()
_async_client = AsyncReplicate._of_environment()

async_run = _async_client.run
async_stream = _async_client.stream

if TYPE_CHECKING:
    account = _client.account
    collections = _client.collections
    deployments = _client.deployments
    files = _client.files
    hardware = _client.hardware
    models = _client.models
    paginate = _client.paginate
    predictions = _client.predictions
    request = _client.request
    run = _client.run
    search = _client.search
    stream = _client.stream
    trainings = _client.trainings
    wait = _client.wait
else:

    def __getattr__(name: str) -> Any:
        """Return what the blocking client has: what the document lacks is told when it is asked for."""
        return getattr(_client, name)
