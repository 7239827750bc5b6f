"""Search models, collections and pages (beta)

GET /search
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("search_results", "SearchResults")


def request(*, query: str, limit: int | None = None) -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request(
        "GET",
        "/search",
        params=types.dump_params(query=("query", types.STRING, query), limit=("limit", types.INTEGER, limit)),
    )


def build(*, query: str, limit: int | None = None) -> types.Request:
    """Search models, collections and pages (beta)

    Finds public models, collections and documentation pages for a text. Works without a token. In beta: the
    response may still change.

    Args:
        query: Text to search for.
        limit: Most models to return, 1 to 50 and 20 by default; collections and pages are not limited by
            it.
    """
    return request(query=query, limit=limit)


def parse(response: httpx.Response) -> models.SearchResults:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.SearchResults", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender, query: str, limit: int | None = None) -> types.Response[models.SearchResults]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(query=query, limit=limit), lambda response: types.to_response(response, parse))


def sync(*, client: Sender, query: str, limit: int | None = None) -> models.SearchResults:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client, query=query, limit=limit).result()


async def asyncio_detailed(
    *, client: AsyncSender, query: str, limit: int | None = None
) -> types.Response[models.SearchResults]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(query=query, limit=limit), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender, query: str, limit: int | None = None) -> models.SearchResults:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client, query=query, limit=limit)).result()
