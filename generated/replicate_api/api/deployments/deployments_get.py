"""Look up a deployment

GET /deployments/{deployment_owner}/{deployment_name}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender
    from ...models.deployment import Deployment

_RESULT = types.Nested("deployment", "Deployment")


def request(deployment_owner: str, deployment_name: str) -> types.Request:
    """Write the call. Arguments as in `build`."""
    return types.Request(
        "GET",
        types.path(
            "/deployments/{deployment_owner}/{deployment_name}",
            deployment_owner=(types.TEXT, deployment_owner),
            deployment_name=(types.TEXT, deployment_name),
        ),
    )


def build(deployment_owner: str, deployment_name: str) -> types.Request:
    """Look up a deployment

    Returns a deployment with the release that it runs now.

    Args:
        deployment_owner: User or organization that the deployment belongs to.
        deployment_name: Name of the deployment, without its owner.
    """
    return request(deployment_owner, deployment_name)


def parse(response: httpx.Response) -> Deployment:
    """Read a successful answer; ValueError where the body cannot be read."""
    return cast("Deployment", types.read(_RESULT, response))


def sync_detailed(deployment_owner: str, deployment_name: str, *, client: Sender) -> types.Response[Deployment]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request(deployment_owner, deployment_name)), parse)


def sync(deployment_owner: str, deployment_name: str, *, client: Sender) -> Deployment:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(deployment_owner, deployment_name, client=client).result()


async def asyncio_detailed(
    deployment_owner: str, deployment_name: str, *, client: AsyncSender
) -> types.Response[Deployment]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request(deployment_owner, deployment_name)), parse)


async def asyncio(deployment_owner: str, deployment_name: str, *, client: AsyncSender) -> Deployment:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(deployment_owner, deployment_name, client=client)
    return answer.result()
