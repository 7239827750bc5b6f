"""Search public models.

The HTTP method is QUERY, and the body is the text itself, not JSON. The operation `search` is newer, and finds
collections and pages too.

QUERY /models
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_BODY = types.STRING
_RESULT = types.Nested("page_of_models", "PageOfModels")


def request(*, body: str) -> types.Request:
    """Return the request with a whole `body`; the other arguments are those of `build`."""
    return types.Request(
        "QUERY", "/models", headers={"Content-Type": "text/plain; charset=utf-8"}, content=_BODY.dump(body, "body")
    )


def build(body: str) -> types.Request:
    """Return the request of `models.search`.

    Args:
        body: Text to search for, sent as plain text without JSON quotes.

    Raises:
        TypeError, ValueError: An argument is invalid.
    """
    return request(body=body)


def parse(response: httpx.Response) -> models.PageOfModels:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.PageOfModels", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender, body: str) -> types.Response[models.PageOfModels]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(body=body), lambda response: types.to_response(response, parse))


def sync(*, client: Sender, body: str) -> models.PageOfModels:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(client=client, body=body).result()


async def asyncio_detailed(*, client: AsyncSender, body: str) -> types.Response[models.PageOfModels]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(body=body), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender, body: str) -> models.PageOfModels:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(client=client, body=body)).result()
