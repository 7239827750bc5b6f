"""Get a collection with its models.

All models of the collection are in one response, without pages.

GET /collections/{collection_slug}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("collection", "Collection")


def request(collection_slug: str | models.Collection | models.CollectionListItem) -> types.Request:
    """Return the request; the arguments are those of `build`."""
    return types.Request(
        "GET",
        types.format_path(
            "/collections/{collection_slug}",
            collection_slug=(types.KeyOf(("slug",), "Collection", "CollectionListItem"), collection_slug),
        ),
    )


def build(collection_slug: str | models.Collection | models.CollectionListItem) -> types.Request:
    """Return the request of `collections.get`.

    Args:
        collection_slug: Short name from the collection's URL, lower case with hyphens. A `Collection` or
            `CollectionListItem` works too.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    return request(collection_slug)


def parse(response: httpx.Response) -> models.Collection:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Collection", types.load_response(_RESULT, response))


def sync_detailed(
    collection_slug: str | models.Collection | models.CollectionListItem, *, client: Sender
) -> types.Response[models.Collection]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(collection_slug), lambda response: types.to_response(response, parse))


def sync(collection_slug: str | models.Collection | models.CollectionListItem, *, client: Sender) -> models.Collection:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(collection_slug, client=client).result()


async def asyncio_detailed(
    collection_slug: str | models.Collection | models.CollectionListItem, *, client: AsyncSender
) -> types.Response[models.Collection]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(collection_slug), lambda response: types.to_response(response, parse))


async def asyncio(
    collection_slug: str | models.Collection | models.CollectionListItem, *, client: AsyncSender
) -> models.Collection:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(collection_slug, client=client)).result()
