"""The account of the token, and its secret for webhooks."""

from __future__ import annotations

from typing import Any

from .context import Context, handles


@handles("account.get")
async def get(context: Context) -> Any:
    """Return the account."""
    return {"type": "user", "username": context.state.username, "name": "Acme, Inc."}


@handles("webhooks.default.secret.get")
async def get_webhook_secret(context: Context) -> Any:
    """Return the secret that signs webhooks."""
    return {"key": context.state.webhook_secret}
