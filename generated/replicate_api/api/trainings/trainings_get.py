"""Get a training.

Poll until its status is `succeeded`, `failed`, `canceled` or `aborted`. After success, `output.version` names the
version that it made.

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
    """Return the request; the arguments are those of `build`."""
    return types.Request(
        "GET",
        types.format_path("/trainings/{training_id}", training_id=(types.KeyOf(("id",), "Training"), training_id)),
    )


def build(training_id: str | models.Training) -> types.Request:
    """Return the request of `trainings.get`.

    Args:
        training_id: Id of the training. A `Training` works too.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    return request(training_id)


def parse(response: httpx.Response) -> models.Training:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Training", types.load_response(_RESULT, response))


def sync_detailed(training_id: str | models.Training, *, client: Sender) -> types.Response[models.Training]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(training_id), lambda response: types.to_response(response, parse))


def sync(training_id: str | models.Training, *, client: Sender) -> models.Training:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(training_id, client=client).result()


async def asyncio_detailed(
    training_id: str | models.Training, *, client: AsyncSender
) -> types.Response[models.Training]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(training_id), lambda response: types.to_response(response, parse))


async def asyncio(training_id: str | models.Training, *, client: AsyncSender) -> models.Training:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(training_id, client=client)).result()
