"""Search models, collections and pages (beta)

GET /search
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender
    from ...models.search_results import SearchResults

_RESULT = types.Nested("search_results", "SearchResults")


def request(*, query: str, limit: int | None = None) -> types.Request:
    """Write the call. Arguments as in `build`."""
    return types.Request(
        "GET", "/search", params=types.given(query=("query", types.TEXT, query), limit=("limit", types.INTEGER, limit))
    )


def build(*, query: str, limit: int | None = None) -> types.Request:
    """Search models, collections and pages (beta)

    Finds public models, collections and documentation pages for a text. Works without a token. In beta: the
    reply may still change.

    Args:
        query: Text to look for.
        limit: Most models to return, 1 to 50 and 20 by default; collections and pages are not limited by
            it.
    """
    return request(query=query, limit=limit)


def parse(response: httpx.Response) -> SearchResults:
    """Read a successful answer; ValueError where the body cannot be read."""
    return cast("SearchResults", types.read(_RESULT, response))


def sync_detailed(*, client: Sender, query: str, limit: int | None = None) -> types.Response[SearchResults]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request(query=query, limit=limit)), parse)


def sync(*, client: Sender, query: str, limit: int | None = None) -> SearchResults:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(client=client, query=query, limit=limit).result()


async def asyncio_detailed(
    *, client: AsyncSender, query: str, limit: int | None = None
) -> types.Response[SearchResults]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request(query=query, limit=limit)), parse)


async def asyncio(*, client: AsyncSender, query: str, limit: int | None = None) -> SearchResults:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(client=client, query=query, limit=limit)
    return answer.result()
