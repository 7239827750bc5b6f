"""Look up a training

GET /trainings/{training_id}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("training", "Training")


def request(training_id: str | models.Training) -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request(
        "GET",
        types.format_path("/trainings/{training_id}", training_id=(types.KeyOf(("id",), "Training"), training_id)),
    )


def build(training_id: str | models.Training) -> types.Request:
    """Look up a training

    Returns a training as it is now; poll until its status is `succeeded`, `failed`, `canceled` or `aborted`.
    After success `output.version` names the version it made.

    Args:
        training_id: Id of the training. A `Training` works too.
    """
    return request(training_id)


def parse(response: httpx.Response) -> models.Training:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.Training", types.load_response(_RESULT, response))


def sync_detailed(training_id: str | models.Training, *, client: Sender) -> types.Response[models.Training]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(training_id), lambda response: types.to_response(response, parse))


def sync(training_id: str | models.Training, *, client: Sender) -> models.Training:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(training_id, client=client).result()


async def asyncio_detailed(
    training_id: str | models.Training, *, client: AsyncSender
) -> types.Response[models.Training]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(training_id), lambda response: types.to_response(response, parse))


async def asyncio(training_id: str | models.Training, *, client: AsyncSender) -> models.Training:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(training_id, client=client)).result()
