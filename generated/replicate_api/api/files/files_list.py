"""List the account's uploaded files.

They are listed newest first. The files API is experimental.

GET /files
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("page_of_files", "PageOfFiles")


def request() -> types.Request:
    """Return the request; the arguments are those of `build`."""
    return types.Request("GET", "/files")


def build() -> types.Request:
    """Return the request of `files.list`."""
    return request()


def parse(response: httpx.Response) -> models.PageOfFiles:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.PageOfFiles", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[models.PageOfFiles]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(), lambda response: types.to_response(response, parse))


def sync(*, client: Sender) -> models.PageOfFiles:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[models.PageOfFiles]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender) -> models.PageOfFiles:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(client=client)).result()
