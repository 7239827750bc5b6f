"""Look up a training

GET /trainings/{training_id}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender
    from ...models.training import Training

_RESULT = types.Nested("training", "Training")


def request(training_id: str) -> types.Request:
    """Write the call. Arguments as in `build`."""
    return types.Request("GET", types.path("/trainings/{training_id}", training_id=(types.TEXT, training_id)))


def build(training_id: str) -> types.Request:
    """Look up a training

    Returns a training as it is now; poll until its status is `succeeded`, `failed`, `canceled` or `aborted`.
    After success `output.version` names the version it made.

    Args:
        training_id: Id of the training.
    """
    return request(training_id)


def parse(response: httpx.Response) -> Training:
    """Read a successful answer; ValueError where the body cannot be read."""
    return cast("Training", types.read(_RESULT, response))


def sync_detailed(training_id: str, *, client: Sender) -> types.Response[Training]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request(training_id)), parse)


def sync(training_id: str, *, client: Sender) -> Training:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(training_id, client=client).result()


async def asyncio_detailed(training_id: str, *, client: AsyncSender) -> types.Response[Training]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request(training_id)), parse)


async def asyncio(training_id: str, *, client: AsyncSender) -> Training:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(training_id, client=client)
    return answer.result()
