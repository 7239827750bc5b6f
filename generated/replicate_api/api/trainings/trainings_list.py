"""List the account's trainings.

They are listed newest first, 100 on a page, whether made through the API or on the web.

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
    """Return the request; the arguments are those of `build`."""
    return types.Request("GET", "/trainings")


def build() -> types.Request:
    """Return the request of `trainings.list`."""
    return request()


def parse(response: httpx.Response) -> models.PageOfTrainings:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.PageOfTrainings", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[models.PageOfTrainings]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(), lambda response: types.to_response(response, parse))


def sync(*, client: Sender) -> models.PageOfTrainings:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[models.PageOfTrainings]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender) -> models.PageOfTrainings:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(client=client)).result()
