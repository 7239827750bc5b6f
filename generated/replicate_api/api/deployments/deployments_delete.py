"""Remove a deployment

DELETE /deployments/{deployment_owner}/{deployment_name}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender


def request(deployment_owner: str, deployment_name: str) -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request(
        "DELETE",
        types.format_path(
            "/deployments/{deployment_owner}/{deployment_name}",
            deployment_owner=(types.STRING, deployment_owner),
            deployment_name=(types.STRING, deployment_name),
        ),
    )


def build(deployment_owner: str | models.Deployment, deployment_name: str | None = None) -> types.Request:
    """Remove a deployment

    Removes a deployment for good. It must have been offline and without requests for 15 minutes.

    Args:
        deployment_owner: User or organization that the deployment belongs to. Or `"owner/name"`, or a
            `Deployment`, without `deployment_name`.
        deployment_name: Name of the deployment, without its owner.
    """
    path = types.split_owner_and_name(
        0, ["Deployment"], deployment_owner=deployment_owner, deployment_name=deployment_name
    )
    return request(*path)


def parse(response: httpx.Response) -> None:
    """Parse a successful response; ValueError if the body has an unexpected type."""


def sync_detailed(deployment_owner: str, deployment_name: str, *, client: Sender) -> types.Response[None]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(deployment_owner, deployment_name), lambda response: types.to_response(response, parse))


def sync(deployment_owner: str, deployment_name: str, *, client: Sender) -> None:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    sync_detailed(deployment_owner, deployment_name, client=client).result()


async def asyncio_detailed(deployment_owner: str, deployment_name: str, *, client: AsyncSender) -> types.Response[None]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(
        request(deployment_owner, deployment_name), lambda response: types.to_response(response, parse)
    )


async def asyncio(deployment_owner: str, deployment_name: str, *, client: AsyncSender) -> None:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    (await asyncio_detailed(deployment_owner, deployment_name, client=client)).result()
