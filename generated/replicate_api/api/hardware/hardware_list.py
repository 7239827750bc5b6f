"""List hardware

GET /hardware
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender
    from ...models.hardware import Hardware

_RESULT = types.Each(types.Nested("hardware", "Hardware"))


def request() -> types.Request:
    """Write the call. Arguments as in `build`."""
    return types.Request("GET", "/hardware")


def build() -> types.Request:
    """List hardware

    Returns every kind of hardware that models and deployments can run on, as a plain array and not in pages.
    """
    return request()


def parse(response: httpx.Response) -> list[Hardware]:
    """Read a successful answer; ValueError where the body cannot be read."""
    return cast("list[Hardware]", types.read(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[list[Hardware]]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request()), parse)


def sync(*, client: Sender) -> list[Hardware]:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[list[Hardware]]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request()), parse)


async def asyncio(*, client: AsyncSender) -> list[Hardware]:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(client=client)
    return answer.result()
