"""Change a deployment

PATCH /deployments/{deployment_owner}/{deployment_name}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_BODY = types.Nested("deployments_update_request", "DeploymentsUpdateRequest")
_RESULT = types.Nested("deployment", "Deployment")


def request(
    deployment_owner: str, deployment_name: str, *, body: models.DeploymentsUpdateRequest | None = None
) -> types.Request:
    """Return the request, given the whole body. Other arguments as in `build`."""
    return types.Request(
        "PATCH",
        types.format_path(
            "/deployments/{deployment_owner}/{deployment_name}",
            deployment_owner=(types.STRING, deployment_owner),
            deployment_name=(types.STRING, deployment_name),
        ),
        json=_BODY.dump(body, "") if body is not None else types.UNSET,
    )


def build(
    deployment_owner: str | models.Deployment,
    deployment_name: str | None = None,
    *,
    hardware: str | models.Hardware | None = None,
    max_instances: int | None = None,
    min_instances: int | None = None,
    version: str | models.Version | None = None,
) -> types.Request:
    """Change a deployment

    Changes version, hardware or scaling limits; fields left out keep their value. Every change makes a new
    release, whose number is one higher. The model itself cannot be changed. Setting both limits to 0 takes
    the deployment offline and cancels what it is running.

    Args:
        deployment_owner: User or organization that the deployment belongs to. Or `"owner/name"`, or a
            `Deployment`, without `deployment_name`.
        deployment_name: Name of the deployment, without its owner.
        hardware: SKU of the hardware to move to, from hardware.list. A `Hardware` works too.
        max_instances: Most instances that scaling may start, 0 to 20.
        min_instances: Fewest instances kept running, 0 to 5.
        version: Id of the version to run from now on. A `Version` works too.
    """
    fields = {"hardware": hardware, "max_instances": max_instances, "min_instances": min_instances, "version": version}
    body = cast("models.DeploymentsUpdateRequest", _BODY.load(types.drop_omitted(fields)))
    path = types.split_owner_and_name(
        0, ["Deployment"], deployment_owner=deployment_owner, deployment_name=deployment_name
    )
    return request(*path, body=body)


def parse(response: httpx.Response) -> models.Deployment:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.Deployment", types.load_response(_RESULT, response))


def sync_detailed(
    deployment_owner: str, deployment_name: str, *, client: Sender, body: models.DeploymentsUpdateRequest | None = None
) -> types.Response[models.Deployment]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(
        request(deployment_owner, deployment_name, body=body), lambda response: types.to_response(response, parse)
    )


def sync(
    deployment_owner: str, deployment_name: str, *, client: Sender, body: models.DeploymentsUpdateRequest | None = None
) -> models.Deployment:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(deployment_owner, deployment_name, client=client, body=body).result()


async def asyncio_detailed(
    deployment_owner: str,
    deployment_name: str,
    *,
    client: AsyncSender,
    body: models.DeploymentsUpdateRequest | None = None,
) -> types.Response[models.Deployment]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(
        request(deployment_owner, deployment_name, body=body), lambda response: types.to_response(response, parse)
    )


async def asyncio(
    deployment_owner: str,
    deployment_name: str,
    *,
    client: AsyncSender,
    body: models.DeploymentsUpdateRequest | None = None,
) -> models.Deployment:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(deployment_owner, deployment_name, client=client, body=body)).result()
