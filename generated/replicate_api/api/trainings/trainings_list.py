"""Page through trainings

GET /trainings
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("page_of_trainings", "PageOfTrainings")


def request() -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request("GET", "/trainings")


def build() -> types.Request:
    """Page through trainings

    Returns one page of the account's trainings, 100 at a time, newest first, whether started through the API
    or on the web.
    """
    return request()


def parse(response: httpx.Response) -> models.PageOfTrainings:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.PageOfTrainings", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[models.PageOfTrainings]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(), lambda response: types.to_response(response, parse))


def sync(*, client: Sender) -> models.PageOfTrainings:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[models.PageOfTrainings]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender) -> models.PageOfTrainings:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client)).result()
