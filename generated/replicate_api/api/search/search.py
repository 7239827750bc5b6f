"""Search models, collections and pages (beta).

It finds public models, collections and pages of the documentation. The response may still change.

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
    """Return the request; the arguments are those of `build`."""
    return types.Request(
        "GET",
        "/search",
        params=types.dump_params(query=("query", types.STRING, query), limit=("limit", types.INTEGER, limit)),
    )


def build(*, query: str, limit: int | None = None) -> types.Request:
    """Return the request of `search`.

    Args:
        query: Text to search for.
        limit: Maximum number of models, 1 to 50; 20 by default. It does not limit collections and pages.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    return request(query=query, limit=limit)


def parse(response: httpx.Response) -> models.SearchResults:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.SearchResults", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender, query: str, limit: int | None = None) -> types.Response[models.SearchResults]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(query=query, limit=limit), lambda response: types.to_response(response, parse))


def sync(*, client: Sender, query: str, limit: int | None = None) -> models.SearchResults:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(client=client, query=query, limit=limit).result()


async def asyncio_detailed(
    *, client: AsyncSender, query: str, limit: int | None = None
) -> types.Response[models.SearchResults]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(query=query, limit=limit), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender, query: str, limit: int | None = None) -> models.SearchResults:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(client=client, query=query, limit=limit)).result()
