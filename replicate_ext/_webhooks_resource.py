"""`client.webhooks.verify`: verify deliveries with the account's signing secret."""

from __future__ import annotations

from replicate_api import models, operations as op

from ._config import DEFAULT_WEBHOOK_TOLERANCE, WebhookHeaders
from ._dual import dual_method
from ._operations import Namespace
from ._send import BackendT, Session
from .errors import ResponseDecodeError, WebhookSignatureError

MIN_SECRET_AGE = 60.0
"""Seconds after which the secret is fetched again if a signature does not match: it may have been rotated."""


class WebhooksResource(Namespace[BackendT]):
    """Adds `verify` to the namespace `webhooks`."""

    def __init__(self, session: Session[BackendT]) -> None:
        super().__init__(session)
        self._secret: str | None = None
        self._fetched_at = 0.0

    @dual_method
    async def verify(
        self,
        body: bytes | str,
        headers: WebhookHeaders,
        *,
        tolerance: float | None = DEFAULT_WEBHOOK_TOLERANCE,
    ) -> models.Prediction | models.Training:
        """Return the prediction or training of an authentic delivery, verified with the account's secret.

        The secret is fetched once, and again, at most once a minute, if a signature does not match, because it may have
        been rotated.

        Args:
            body: The raw body of the request.
            headers: Its headers, in any mapping or as pairs; names in any case.
            tolerance: Seconds by which the timestamp may differ from the local clock, or None for any timestamp.

        Returns:
            The prediction or training as of the moment of the event.

        Raises:
            WebhookError: The delivery is not authentic, or its body is not the expected JSON object.
            APIStatusError, APIConnectionError, ResponseDecodeError: The secret could not be fetched.
            TypeError: An argument has another type, such as a body that is already decoded.

        Examples:
            >>> body = b'{"id": "x0fmfzfcf5rma0cq65c825tcbm", "status": "succeeded"}'
            >>> secret = client.webhooks.default.secret.get().key or ""
            >>> headers = replicate.webhooks.sign(body, secret)
            >>> print(client.webhooks.verify(body, headers).status)
            succeeded
        """
        from . import _webhook_signatures as webhooks  # rarely needed, and slow to import

        if self._secret is None:
            self._secret = await self._fetch_secret()
        try:
            return webhooks.verify(body, headers, self._secret, tolerance)
        except WebhookSignatureError:
            if self._session.backend.monotonic() < self._fetched_at + MIN_SECRET_AGE:
                raise
        self._secret = await self._fetch_secret()
        return webhooks.verify(body, headers, self._secret, tolerance)

    async def _fetch_secret(self) -> str:
        self._fetched_at = self._session.backend.monotonic()
        key = (await self._session.call(op.WEBHOOKS_DEFAULT_SECRET_GET())).key
        if not isinstance(key, str):
            raise ResponseDecodeError(f"the API sent no webhook secret: its `key` is {key!r:.20}")
        return key
