"""Page through uploaded files

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
    """Return the request. Arguments as in `build`."""
    return types.Request("GET", "/files")


def build() -> types.Request:
    """Page through uploaded files

    Returns one page of the files that the account has uploaded, newest first. The files API is experimental.
    """
    return request()


def parse(response: httpx.Response) -> models.PageOfFiles:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.PageOfFiles", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[models.PageOfFiles]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(), lambda response: types.to_response(response, parse))


def sync(*, client: Sender) -> models.PageOfFiles:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[models.PageOfFiles]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender) -> models.PageOfFiles:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client)).result()
