"""Get the account of the API token.

The user or organization that the token belongs to. Also a way to check a token, without side effects.

GET /account
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("account", "Account")


def request() -> types.Request:
    """Return the request; the arguments are those of `build`."""
    return types.Request("GET", "/account")


def build() -> types.Request:
    """Return the request of `account.get`."""
    return request()


def parse(response: httpx.Response) -> models.Account:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.Account", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[models.Account]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(), lambda response: types.to_response(response, parse))


def sync(*, client: Sender) -> models.Account:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[models.Account]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender) -> models.Account:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(client=client)).result()
