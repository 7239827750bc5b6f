"""Deploy a model version

POST /deployments
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender
    from ...models.deployment import Deployment
    from ...models.deployments_create_request import DeploymentsCreateRequest

_BODY = types.Nested("deployments_create_request", "DeploymentsCreateRequest")
_RESULT = types.Nested("deployment", "Deployment")


def request(*, body: DeploymentsCreateRequest) -> types.Request:
    """Write the call, with its body as one object. Arguments as in `build`."""
    return types.Request("POST", "/deployments", json=_BODY.write(body, ""))


def build(
    *, hardware: str, max_instances: int, min_instances: int, model: str, name: str, version: str
) -> types.Request:
    """Deploy a model version

    Puts a model version on hardware of its own, with limits for automatic scaling, under the account of the
    token. All six fields are required. With `min_instances` above 0 instances stay up, and cost money, even
    while idle.

    Args:
        hardware: Hardware to run on, one of the SKUs from hardware.list.
        max_instances: Most instances that scaling may start, 0 to 20.
        min_instances: Fewest instances kept running, 0 to 5; 0 lets the deployment go to sleep.
        model: Model to run, as `owner/name`.
        name: Name of the new deployment, without an owner.
        version: Id of the version to run, 64 hexadecimal digits.
    """
    fields = {
        "hardware": hardware,
        "max_instances": max_instances,
        "min_instances": min_instances,
        "model": model,
        "name": name,
        "version": version,
    }
    body = cast(
        "DeploymentsCreateRequest", _BODY.read({name: value for name, value in fields.items() if value is not None})
    )
    return request(body=body)


def parse(response: httpx.Response) -> Deployment:
    """Read a successful answer; ValueError where the body cannot be read."""
    return cast("Deployment", types.read(_RESULT, response))


def sync_detailed(*, client: Sender, body: DeploymentsCreateRequest) -> types.Response[Deployment]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request(body=body)), parse)


def sync(*, client: Sender, body: DeploymentsCreateRequest) -> Deployment:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(client=client, body=body).result()


async def asyncio_detailed(*, client: AsyncSender, body: DeploymentsCreateRequest) -> types.Response[Deployment]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request(body=body)), parse)


async def asyncio(*, client: AsyncSender, body: DeploymentsCreateRequest) -> Deployment:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(client=client, body=body)
    return answer.result()
