"""Show the account behind the token

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
    """Return the request. Arguments as in `build`."""
    return types.Request("GET", "/account")


def build() -> types.Request:
    """Show the account behind the token

    Tells which user or organization the API token belongs to. A cheap way to check that a token works.
    """
    return request()


def parse(response: httpx.Response) -> models.Account:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.Account", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[models.Account]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(), lambda response: types.to_response(response, parse))


def sync(*, client: Sender) -> models.Account:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[models.Account]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender) -> models.Account:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client)).result()
