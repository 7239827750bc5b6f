"""Webhooks: verify that a delivery is from Replicate, and read it.

`body` must be the raw bytes of the request: JSON that was decoded and encoded again has another signature. The secret
is `webhooks.default.secret.get().key`; `client.webhooks.verify(body, headers)` fetches it once. Deliveries are retried
and may arrive out of order: be idempotent on `prediction.id`, and ignore everything after a terminal status.

`webhooks.default` is that of the client behind the module-level functions.

https://replicate.com/docs/topics/webhooks/verify-webhook, https://www.standardwebhooks.com

Examples:
    >>> secret = client.webhooks.default.secret.get().key or ""
    >>> body = b'{"id": "x0fmfzfcf5rma0cq65c825tcbm", "status": "succeeded"}'
    >>> replicate.webhooks.verify(body, replicate.webhooks.sign(body, secret), secret).id
    'x0fmfzfcf5rma0cq65c825tcbm'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._webhook_signatures import sign as sign, verify as verify

if TYPE_CHECKING:
    from ._backends.sync import SyncBackend
    from ._generated.resources import WebhooksDefault

    default: WebhooksDefault[SyncBackend]
else:

    def __getattr__(name: str) -> Any:
        """Return an operation of the default client, `webhooks.default`."""
        if name.startswith("_"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from ._default_client import webhooks

        return getattr(webhooks, name)
