"""What `client.webhooks` does besides the operations of the document: it checks deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from replicate_api import operations as op

from ._config import TOLERANCE
from ._dual import Namespace, W, both
from ._send import send
from .errors import BadWebhookSignature, ResponseError

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training


SECRET_LASTS = 60.0
"""Seconds before the secret is asked for again, should a signature not fit: the account may have a new one."""


class Verifying(Namespace[W]):
    """A namespace that verifies deliveries with the secret of the account."""

    def __init__(self, wire: W) -> None:
        super().__init__(wire)
        self._secret: str | None = None
        self._since = 0.0

    @both
    async def verify(
        self,
        body: bytes | str,
        headers: Mapping[str, str],
        *,
        tolerance: float | None = TOLERANCE,
    ) -> Prediction | Training:
        """Return the prediction or training of a genuine delivery, checked with the secret of the account.

        The secret is fetched once, and again, at most once a minute, when a signature does not fit: it may have been
        renewed. The arguments and errors are those of `replicate_ext.webhooks.verify`.
        """
        from . import webhooks  # few need it, and it takes a while

        if self._secret is None:
            self._secret = await self._fetched()
        try:
            return webhooks.verify(body, headers, self._secret, tolerance)
        except BadWebhookSignature:
            if self._wire.now() < self._since + SECRET_LASTS:
                raise
        self._secret = await self._fetched()
        return webhooks.verify(body, headers, self._secret, tolerance)

    async def _fetched(self) -> str:
        self._since = self._wire.now()
        key = (await send(self._wire, op.WEBHOOKS_DEFAULT_SECRET_GET())).key
        if not isinstance(key, str):
            raise ResponseError(f"the API sent no secret for webhooks: its `key` is {key!r:.20}")
        return key
