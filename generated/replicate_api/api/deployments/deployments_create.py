"""Deploy a model version

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
    """Return the request, given the whole body. Other arguments as in `build`."""
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
    """Deploy a model version

    Puts a model version on hardware of its own, with limits for automatic scaling, under the account of the
    token. All six fields are required. With `min_instances` above 0 instances stay up, and cost money, even
    while idle.

    Args:
        hardware: Hardware to run on, one of the SKUs from hardware.list. A `Hardware` works too.
        max_instances: Most instances that scaling may start, 0 to 20.
        min_instances: Fewest instances kept running, 0 to 5; 0 lets the deployment go to sleep.
        model: Model to run, as `owner/name`. A `Model` works too.
        name: Name of the new deployment, without an owner.
        version: Id of the version to run, 64 hexadecimal digits. A `Version` works too.
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
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.Deployment", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender, body: models.DeploymentsCreateRequest) -> types.Response[models.Deployment]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(body=body), lambda response: types.to_response(response, parse))


def sync(*, client: Sender, body: models.DeploymentsCreateRequest) -> models.Deployment:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client, body=body).result()


async def asyncio_detailed(
    *, client: AsyncSender, body: models.DeploymentsCreateRequest
) -> types.Response[models.Deployment]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(body=body), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender, body: models.DeploymentsCreateRequest) -> models.Deployment:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client, body=body)).result()
