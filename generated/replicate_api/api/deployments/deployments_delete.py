"""Delete a deployment.

The deployment must have been offline and without requests for 15 minutes. This cannot be undone.

DELETE /deployments/{deployment_owner}/{deployment_name}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender


def request(deployment_owner: str, deployment_name: str) -> types.Request:
    """Return the request; the arguments are those of `build`."""
    return types.Request(
        "DELETE",
        types.format_path(
            "/deployments/{deployment_owner}/{deployment_name}",
            deployment_owner=(types.STRING, deployment_owner),
            deployment_name=(types.STRING, deployment_name),
        ),
    )


def build(deployment_owner: str | models.Deployment, deployment_name: str | None = None) -> types.Request:
    """Return the request of `deployments.delete`.

    Args:
        deployment_owner: User or organization that the deployment belongs to. Or `"owner/name"`, or a `Deployment`,
            without `deployment_name`.
        deployment_name: Name of the deployment, without its owner.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    path = types.split_owner_and_name(
        0, ["Deployment"], deployment_owner=deployment_owner, deployment_name=deployment_name
    )
    return request(*path)


def parse(response: httpx.Response) -> None:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """


def sync_detailed(deployment_owner: str, deployment_name: str, *, client: Sender) -> types.Response[None]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(deployment_owner, deployment_name), lambda response: types.to_response(response, parse))


def sync(deployment_owner: str, deployment_name: str, *, client: Sender) -> None:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    sync_detailed(deployment_owner, deployment_name, client=client).result()


async def asyncio_detailed(deployment_owner: str, deployment_name: str, *, client: AsyncSender) -> types.Response[None]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(
        request(deployment_owner, deployment_name), lambda response: types.to_response(response, parse)
    )


async def asyncio(deployment_owner: str, deployment_name: str, *, client: AsyncSender) -> None:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    (await asyncio_detailed(deployment_owner, deployment_name, client=client)).result()
