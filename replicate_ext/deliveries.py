"""What `client.webhooks` does besides the operations of the document: it checks deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from replicate_api import operations as op

from ._bridge import Namespace, W, both
from ._exchange import send
from ._settings import TOLERANCE

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training


class Verifying(Namespace[W]):
    """A namespace that verifies deliveries with the secret of the account."""

    def __init__(self, wire: W) -> None:
        super().__init__(wire)
        self._secret: str | None = None

    @both
    async def verify(
        self,
        body: bytes | str,
        headers: Mapping[str, str],
        *,
        tolerance: float | None = TOLERANCE,
    ) -> Prediction | Training:
        """Return the prediction or training of a genuine delivery, checked with the secret of the account.

        The secret is fetched once; the arguments and errors are those of `replicate_ext.webhooks.verify`.
        """
        from . import webhooks  # few need it, and it takes a while

        if self._secret is None:
            self._secret = str((await send(self._wire, op.WEBHOOKS_DEFAULT_SECRET_GET())).key)
        return webhooks.verify(body, headers, self._secret, tolerance)
