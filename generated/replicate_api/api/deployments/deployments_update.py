"""Update a deployment.

The version, the hardware and the scaling limits can be changed; fields that are left out keep their value. Every change
creates a release, whose number is one higher. The model itself cannot be changed. With both limits at 0 the deployment
goes offline, and its running predictions are canceled.

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
    """Return the request with a whole `body`; the other arguments are those of `build`."""
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
    """Return the request of `deployments.update`.

    Args:
        deployment_owner: User or organization that the deployment belongs to. Or `"owner/name"`, or a `Deployment`,
            without `deployment_name`.
        deployment_name: Name of the deployment, without its owner.
        hardware: SKU of the hardware to run on, from `hardware.list`. A `Hardware` works too.
        max_instances: Maximum number of instances, 0 to 20.
        min_instances: Minimum number of instances, 0 to 5.
        version: Id of the version to run, 64 hexadecimal digits. A `Version` works too.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    fields = {"hardware": hardware, "max_instances": max_instances, "min_instances": min_instances, "version": version}
    body = cast("models.DeploymentsUpdateRequest", _BODY.load(types.drop_omitted(fields)))
    path = types.split_owner_and_name(
        0, ["Deployment"], deployment_owner=deployment_owner, deployment_name=deployment_name
    )
    return request(*path, body=body)


def parse(response: httpx.Response) -> models.Deployment:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Deployment", types.load_response(_RESULT, response))


def sync_detailed(
    deployment_owner: str, deployment_name: str, *, client: Sender, body: models.DeploymentsUpdateRequest | None = None
) -> types.Response[models.Deployment]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(
        request(deployment_owner, deployment_name, body=body), lambda response: types.to_response(response, parse)
    )


def sync(
    deployment_owner: str, deployment_name: str, *, client: Sender, body: models.DeploymentsUpdateRequest | None = None
) -> models.Deployment:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(deployment_owner, deployment_name, client=client, body=body).result()


async def asyncio_detailed(
    deployment_owner: str,
    deployment_name: str,
    *,
    client: AsyncSender,
    body: models.DeploymentsUpdateRequest | None = None,
) -> types.Response[models.Deployment]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
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
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(deployment_owner, deployment_name, client=client, body=body)).result()
