"""Remove a deployment

DELETE /deployments/{deployment_owner}/{deployment_name}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender


def request(deployment_owner: str, deployment_name: str) -> types.Request:
    """Write the call. Arguments as in `build`."""
    return types.Request(
        "DELETE",
        types.path(
            "/deployments/{deployment_owner}/{deployment_name}",
            deployment_owner=(types.TEXT, deployment_owner),
            deployment_name=(types.TEXT, deployment_name),
        ),
    )


def build(deployment_owner: str, deployment_name: str) -> types.Request:
    """Remove a deployment

    Removes a deployment for good. It must have been offline and without requests for 15 minutes.

    Args:
        deployment_owner: User or organization that the deployment belongs to.
        deployment_name: Name of the deployment, without its owner.
    """
    return request(deployment_owner, deployment_name)


def parse(response: httpx.Response) -> None:
    """Read a successful answer; ValueError where the body cannot be read."""


def sync_detailed(deployment_owner: str, deployment_name: str, *, client: Sender) -> types.Response[None]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request(deployment_owner, deployment_name)), parse)


def sync(deployment_owner: str, deployment_name: str, *, client: Sender) -> None:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    sync_detailed(deployment_owner, deployment_name, client=client).result()


async def asyncio_detailed(deployment_owner: str, deployment_name: str, *, client: AsyncSender) -> types.Response[None]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request(deployment_owner, deployment_name)), parse)


async def asyncio(deployment_owner: str, deployment_name: str, *, client: AsyncSender) -> None:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(deployment_owner, deployment_name, client=client)
    answer.result()
