"""List hardware

GET /hardware
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.ListOf(types.Nested("hardware", "Hardware"))


def request() -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request("GET", "/hardware")


def build() -> types.Request:
    """List hardware

    Returns every kind of hardware that models and deployments can run on, as a plain array and not in pages.
    """
    return request()


def parse(response: httpx.Response) -> list[models.Hardware]:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("list[models.Hardware]", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[list[models.Hardware]]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(), lambda response: types.to_response(response, parse))


def sync(*, client: Sender) -> list[models.Hardware]:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[list[models.Hardware]]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender) -> list[models.Hardware]:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client)).result()
