"""The clients behind the module-level functions.

They read the environment when one of the functions is first called: REPLICATE_API_TOKEN may be set after the import.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ._client import AsyncReplicate, Replicate

_client = Replicate._from_environment()


@cache
def _async_client() -> AsyncReplicate:
    return AsyncReplicate._from_environment()  # and with it asyncio, which sync callers do not need


if TYPE_CHECKING:
    async_run = _async_client().run
    async_stream = _async_client().stream
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
    save = _client.save
    search = _client.search
    stream = _client.stream
    trainings = _client.trainings
    wait = _client.wait
else:

    def __getattr__(name: str) -> Any:
        """Return an attribute of the default client; an operation that does not exist raises when it is accessed."""
        if name in ("async_run", "async_stream"):
            return getattr(_async_client(), name.removeprefix("async_"))
        return getattr(_client, name)
