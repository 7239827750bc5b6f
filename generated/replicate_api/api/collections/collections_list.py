"""Page through collections

GET /collections
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("page_of_collections", "PageOfCollections")


def request() -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request("GET", "/collections")


def build() -> types.Request:
    """Page through collections

    Returns one page of the model collections that Replicate curates by topic, without their models;
    collections.get has those.
    """
    return request()


def parse(response: httpx.Response) -> models.PageOfCollections:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.PageOfCollections", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[models.PageOfCollections]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(), lambda response: types.to_response(response, parse))


def sync(*, client: Sender) -> models.PageOfCollections:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[models.PageOfCollections]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender) -> models.PageOfCollections:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client)).result()
