"""One call that waits for the rate limit of its client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicate_api.types import Request

from . import errors
from ._sansio.log import log_wait
from ._sansio.redact import request_label

if TYPE_CHECKING:
    from ._backends.base import Backend
    from ._sansio.rate_limit import RateLimiter


class RateLimitedCall:
    """A call that waits for a rate limiter before an attempt.

    Args:
        limiter: The one of the client's calls of this kind.
        request: What is to be sent.
        backend: Has the clock, and waits.
        max_wait: Seconds that the call may wait in total because the server asked for it; None for any.
        deadline: A moment on the backend's clock that no wait may exceed.
    """

    def __init__(
        self, limiter: RateLimiter, request: Request, backend: Backend, max_wait: float | None, deadline: float | None
    ) -> None:
        self._limiter, self._request, self._backend = limiter, request, backend
        self._max_wait, self._deadline = max_wait, deadline
        self._ticket: int | None = None

    async def wait(self, waited: float) -> float:
        """Wait until the limiter releases the call, and return for how long.

        Args:
            waited: Seconds that the call has waited before because the server asked for it.

        Raises:
            RateLimitError: It would take too long.
        """
        limiter, monotonic, total = self._limiter, self._backend.monotonic, 0.0
        ticket = self._ticket = limiter.enter(self._ticket)
        try:
            while (delay := limiter.delay(ticket, monotonic())) > 0:
                self._raise_if_too_long(limiter.seconds_blocked(monotonic()) or delay, waited + total)
                if not total:
                    seconds = limiter.expected_delay(ticket, monotonic())
                    log_wait(self._request.method, self._request.path, seconds, "rate limit (429)", waited)
                await self._backend.sleep(delay)
                total += delay
        finally:
            limiter.leave(ticket)
        return total

    def _raise_if_too_long(self, seconds: float, waited: float) -> None:
        is_too_late = self._deadline is not None and self._backend.monotonic() + seconds > self._deadline
        if not is_too_late and (self._max_wait is None or waited + seconds <= self._max_wait):
            return
        note = f"(this client got a 429 for another call, and may not send for {seconds:.0f} more seconds)"
        detail = " ".join(filter(None, [self._limiter.reason, note]))
        raise errors.RateLimitError(429, detail=detail, request=request_label(self._request), retry_after=seconds)
