"""Page through trainings

GET /trainings
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender
    from ...models.page_of_trainings import PageOfTrainings

_RESULT = types.Nested("page_of_trainings", "PageOfTrainings")


def request() -> types.Request:
    """Write the call. Arguments as in `build`."""
    return types.Request("GET", "/trainings")


def build() -> types.Request:
    """Page through trainings

    Returns one page of the account's trainings, 100 at a time, newest first, whether started through the API
    or on the web.
    """
    return request()


def parse(response: httpx.Response) -> PageOfTrainings:
    """Read a successful answer; ValueError where the body cannot be read."""
    return cast("PageOfTrainings", types.read(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[PageOfTrainings]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request()), parse)


def sync(*, client: Sender) -> PageOfTrainings:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[PageOfTrainings]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request()), parse)


async def asyncio(*, client: AsyncSender) -> PageOfTrainings:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(client=client)
    return answer.result()
