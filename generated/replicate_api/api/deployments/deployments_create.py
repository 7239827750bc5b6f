"""Create a deployment.

A deployment runs one model version on hardware of its own, with limits for automatic scaling, in the account of the
token. With `min_instances` above 0, instances run, and cost money, even while idle.

POST /deployments
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_BODY = types.Nested("deployments_create_request", "DeploymentsCreateRequest")
_RESULT = types.Nested("deployment", "Deployment")


def request(*, body: models.DeploymentsCreateRequest) -> types.Request:
    """Return the request with a whole `body`; the other arguments are those of `build`."""
    return types.Request("POST", "/deployments", json=_BODY.dump(body, ""))


def build(
    *,
    hardware: str | models.Hardware,
    max_instances: int,
    min_instances: int,
    model: str | models.Model,
    name: str,
    version: str | models.Version,
) -> types.Request:
    """Return the request of `deployments.create`.

    Args:
        hardware: SKU of the hardware to run on, from `hardware.list`. A `Hardware` works too.
        max_instances: Maximum number of instances, 0 to 20.
        min_instances: Minimum number of instances, 0 to 5; with 0 the deployment scales to none while idle.
        model: Model to run, as `owner/name`. A `Model` works too.
        name: Name of the new deployment, without an owner.
        version: Id of the version to run, 64 hexadecimal digits. A `Version` works too.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    fields = {
        "hardware": hardware,
        "max_instances": max_instances,
        "min_instances": min_instances,
        "model": model,
        "name": name,
        "version": version,
    }
    body = cast("models.DeploymentsCreateRequest", _BODY.load(types.drop_omitted(fields)))
    return request(body=body)


def parse(response: httpx.Response) -> models.Deployment:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Deployment", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender, body: models.DeploymentsCreateRequest) -> types.Response[models.Deployment]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(body=body), lambda response: types.to_response(response, parse))


def sync(*, client: Sender, body: models.DeploymentsCreateRequest) -> models.Deployment:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(client=client, body=body).result()


async def asyncio_detailed(
    *, client: AsyncSender, body: models.DeploymentsCreateRequest
) -> types.Response[models.Deployment]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(body=body), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender, body: models.DeploymentsCreateRequest) -> models.Deployment:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(client=client, body=body)).result()
