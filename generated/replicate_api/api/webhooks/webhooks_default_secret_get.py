"""Fetch the webhook signing secret

GET /webhooks/default/secret
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ... import models, types

if TYPE_CHECKING:
    import httpx

    from ...client import AsyncSender, Sender

_RESULT = types.Nested("webhook_secret", "WebhookSecret")


def request() -> types.Request:
    """Return the request. Arguments as in `build`."""
    return types.Request("GET", "/webhooks/default/secret")


def build() -> types.Request:
    """Fetch the webhook signing secret

    Returns the account's key for checking that a webhook request really comes from Replicate. It rarely
    changes: keep it rather than asking for every webhook.
    """
    return request()


def parse(response: httpx.Response) -> models.WebhookSecret:
    """Parse a successful response; ValueError if the body has an unexpected type."""
    return cast("models.WebhookSecret", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[models.WebhookSecret]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return client.send(request(), lambda response: types.to_response(response, parse))


def sync(*, client: Sender) -> models.WebhookSecret:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[models.WebhookSecret]:
    """Send the request and return the response, whatever its status. Arguments as in `build`."""
    return await client.asend(request(), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender) -> models.WebhookSecret:
    """Send the request and return the parsed response; `UnexpectedStatus` on failure. Arguments as in `build`."""
    return (await asyncio_detailed(client=client)).result()
