"""One call under the rate limit of its client: it waits, and shows the client what the server allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from replicate_api.types import Request

from . import errors
from ._sansio.log import log_wait
from ._sansio.redact import request_label

if TYPE_CHECKING:
    from ._backends.base import Backend
    from ._sansio.rate_limit import RateLimiter


class RateLimitedCall:
    """Waits for a rate limiter before each attempt of a call.

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
        self._number, self._sent_at = 0, 0.0
        self.waited = 0.0
        """Seconds that the call has waited because the server asked for it."""

    async def wait(self) -> None:
        """Wait until the limiter releases the call; RateLimitError if that would take too long."""
        limiter, monotonic = self._limiter, self._backend.monotonic
        if not limiter.must_wait(monotonic()):
            return
        ticket = self._ticket = limiter.enter(self._ticket)
        waited_before = self.waited
        try:
            while (delay := limiter.delay(ticket, monotonic())) > 0:
                self._raise_if_too_long(limiter.seconds_blocked(monotonic()) or delay)
                if self.waited == waited_before:
                    seconds = limiter.expected_delay(ticket, monotonic())
                    log_wait(self._request.method, self._request.path, seconds, "rate limit (429)", waited_before)
                await self._backend.sleep(delay)
                self.waited += delay
        finally:
            limiter.leave(ticket)

    def _raise_if_too_long(self, seconds: float) -> None:
        is_too_late = self._deadline is not None and self._backend.monotonic() + seconds > self._deadline
        if not is_too_late and (self._max_wait is None or self.waited + seconds <= self._max_wait):
            return
        note = f"(this client got a 429 for another call, and may not send for {seconds:.0f} more seconds)"
        detail = " ".join(filter(None, [self._limiter.reason, note]))
        raise errors.RateLimitError(429, detail=detail, request=request_label(self._request), retry_after=seconds)

    def start(self) -> None:
        """Record that an attempt is about to be sent."""
        self._number, self._sent_at = self._limiter.start(), self._backend.monotonic()

    def finish(self, headers: Mapping[str, str] | None) -> None:
        """Record the end of an attempt; `headers` are those of its response if it was accepted."""
        self._limiter.finish(self._number, self._sent_at, self._backend.monotonic(), headers)
        if headers is not None and self._ticket is not None:
            self._limiter.accept(headers.get("ratelimit-remaining"))

    def refuse(self, hint: float, reason: str | None) -> None:
        """Record a 429 and its hint in seconds."""
        self._limiter.block(self._backend.monotonic(), hint, reason, has_waited=self._ticket is not None)
