"""Page through deployments

GET /deployments
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("page_of_deployments", "PageOfDeployments")


def request() -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request("GET", "/deployments")


def build() -> types.Request:
    """Page through deployments

    Returns one page of the account's deployments, newest first, each with the release it runs now.
    """
    return request()


def parse(response: httpx.Response) -> models.PageOfDeployments:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.PageOfDeployments", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[models.PageOfDeployments]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(), lambda response: types.to_response(response, parse))


def sync(*, client: Sender) -> models.PageOfDeployments:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[models.PageOfDeployments]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender) -> models.PageOfDeployments:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client)).result()
