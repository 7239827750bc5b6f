"""The clients behind the module-level functions.

They read the environment when one of the functions is first called: REPLICATE_API_TOKEN may be set after the import.
"""

from __future__ import annotations

import gc
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from ._client import AsyncReplicate, Replicate
from ._config import load_config
from ._predictions.predictions import Predictions
from ._send import Session

_client = Replicate._from_environment()


@cache
def _async_client() -> AsyncReplicate:
    return AsyncReplicate._from_environment()  # and with it asyncio, which sync callers do not need


def reset() -> None:
    """Let the default clients read the environment again, on their next use, over new connections; for tests.

    They stay the same objects, since callers may have imported `run` or `predictions` by name.
    """
    for client in (_client, _async_client()):
        session: Session[Any] = client._session
        if session.backend._config is None:
            continue  # never used
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):
            vars(session).clear()
            gc.collect()  # closes the connections: async ones cannot be closed once their event loop has ended
        Session.__init__(session, client._make_backend(load_config))
        Predictions.__init__(client._predictions, session)


if TYPE_CHECKING:
    async_run = _async_client().run
    async_stream = _async_client().stream
    account = _client.account
    collections = _client.collections
    deployments = _client.deployments
    files = _client.files
    hardware = _client.hardware
    map = _client.map
    models = _client.models
    output = _client.output
    paginate = _client.paginate
    predictions = _client.predictions
    request = _client.request
    run = _client.run
    save = _client.save
    search = _client.search
    stream = _client.stream
    submit = _client.submit
    trainings = _client.trainings
    use = _client.use
    wait = _client.wait
else:

    def __getattr__(name: str) -> Any:
        """Return an attribute of the default client; an operation that does not exist raises when it is accessed."""
        if name in ("async_run", "async_stream"):
            return getattr(_async_client(), name.removeprefix("async_"))
        return getattr(_client, name)
