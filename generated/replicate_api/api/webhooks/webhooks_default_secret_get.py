"""Get the signing secret of webhooks.

Deliveries to your webhooks are signed with this secret of the account. It rarely changes: keep it instead of requesting
it for every delivery.

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
    """Return the request; the arguments are those of `build`."""
    return types.Request("GET", "/webhooks/default/secret")


def build() -> types.Request:
    """Return the request of `webhooks.default.secret.get`."""
    return request()


def parse(response: httpx.Response) -> models.WebhookSecret:
    """Parse the body of a successful response.

    Raises:
        ValueError: The body has an unexpected type.
    """
    return cast("models.WebhookSecret", types.load_response(_RESULT, response))


def sync_detailed(*, client: Sender) -> types.Response[models.WebhookSecret]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return client.send(request(), lambda response: types.to_response(response, parse))


def sync(*, client: Sender) -> models.WebhookSecret:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return sync_detailed(client=client).result()


async def asyncio_detailed(*, client: AsyncSender) -> types.Response[models.WebhookSecret]:
    """Send the request and return the response, whatever its status. Arguments as in `request`."""
    return await client.asend(request(), lambda response: types.to_response(response, parse))


async def asyncio(*, client: AsyncSender) -> models.WebhookSecret:
    """Send the request and return the parsed response. Arguments as in `request`.

    Raises:
        UnexpectedStatus: The response is not successful.
    """
    return (await asyncio_detailed(client=client)).result()
