"""Look up a collection with its models

GET /collections/{collection_slug}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender
    from ...models.collection import Collection

_RESULT = types.Nested("collection", "Collection")


def request(collection_slug: str) -> types.Request:
    """Write the call. Arguments as in `build`."""
    return types.Request(
        "GET", types.path("/collections/{collection_slug}", collection_slug=(types.TEXT, collection_slug))
    )


def build(collection_slug: str) -> types.Request:
    """Look up a collection with its models

    Returns one collection with full objects for all its models in a single reply, not in pages.

    Args:
        collection_slug: Short name from the collection's URL, lower case with hyphens.
    """
    return request(collection_slug)


def parse(response: httpx.Response) -> Collection:
    """Read a successful answer; ValueError where the body cannot be read."""
    return cast("Collection", types.read(_RESULT, response))


def sync_detailed(collection_slug: str, *, client: Sender) -> types.Response[Collection]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(client.send(request(collection_slug)), parse)


def sync(collection_slug: str, *, client: Sender) -> Collection:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    return sync_detailed(collection_slug, client=client).result()


async def asyncio_detailed(collection_slug: str, *, client: AsyncSender) -> types.Response[Collection]:
    """Send the call and return the whole answer, whatever its status. Arguments as in `build`."""
    return types.answer(await client.asend(request(collection_slug)), parse)


async def asyncio(collection_slug: str, *, client: AsyncSender) -> Collection:
    """Send the call and return what it answers; raise `UnexpectedStatus` on a failure. Arguments as in `build`."""
    answer = await asyncio_detailed(collection_slug, client=client)
    return answer.result()
