"""Look up a deployment

GET /deployments/{deployment_owner}/{deployment_name}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("deployment", "Deployment")


def request(deployment_owner: str, deployment_name: str) -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request(
        "GET",
        types.format_path(
            "/deployments/{deployment_owner}/{deployment_name}",
            deployment_owner=(types.STRING, deployment_owner),
            deployment_name=(types.STRING, deployment_name),
        ),
    )


def build(deployment_owner: str | models.Deployment, deployment_name: str | None = None) -> types.Request:
    """Look up a deployment

    Returns a deployment with the release that it runs now.

    Args:
        deployment_owner: User or organization that the deployment belongs to. Or `"owner/name"`, or a
            `Deployment`, without `deployment_name`.
        deployment_name: Name of the deployment, without its owner.
    """
    path = types.split_owner_and_name(
        0, ["Deployment"], deployment_owner=deployment_owner, deployment_name=deployment_name
    )
    return request(*path)


def parse(response: httpx.Response) -> models.Deployment:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.Deployment", types.load_response(_RESULT, response))


def sync_detailed(deployment_owner: str, deployment_name: str, *, client: Sender) -> types.Response[models.Deployment]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(deployment_owner, deployment_name), lambda response: types.to_response(response, parse))


def sync(deployment_owner: str, deployment_name: str, *, client: Sender) -> models.Deployment:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(deployment_owner, deployment_name, client=client).result()


async def asyncio_detailed(
    deployment_owner: str, deployment_name: str, *, client: AsyncSender
) -> types.Response[models.Deployment]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(
        request(deployment_owner, deployment_name), lambda response: types.to_response(response, parse)
    )


async def asyncio(deployment_owner: str, deployment_name: str, *, client: AsyncSender) -> models.Deployment:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(deployment_owner, deployment_name, client=client)).result()
