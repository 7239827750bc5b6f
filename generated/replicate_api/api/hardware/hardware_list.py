"""List hardware.

These are all kinds of hardware that models and deployments can run on, in one response without pages.

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
    """Return the request; the arguments are those of `build`."""
    return types.Request("GET", "/hardware")


def build() -> types.Request:
    """Return the request of `hardware.list`."""
    return request()


def parse(response: httpx.Response) -> list[models.Hardware]:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("list[models.Hardware]", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[list[models.Hardware]]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(), lambda response: types.to_response(response, parse))


def sync(*, client: Sender) -> list[models.Hardware]:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[list[models.Hardware]]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender) -> list[models.Hardware]:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(client=client)).result()
