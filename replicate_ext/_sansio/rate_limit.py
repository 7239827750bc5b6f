"""The rate limit of one client, as far as the server has reported it."""

from __future__ import annotations


class RateLimiter:
    """Blocks the requests of a client, in all its threads and tasks, after one of them got a 429.

    Prediction creates and all other requests have separate limits
    (https://replicate.com/docs/reference/http#rate-limits), so the two classes are blocked separately.
    """

    def __init__(self) -> None:
        self._blocked_until = {True: 0.0, False: 0.0}
        self._reasons: dict[bool, str | None] = {}

    def block_until(self, is_idempotent: bool, moment: float, reason: str | None = None) -> None:
        """Block one class of requests until a moment on the backend's clock; `reason` is the server's explanation."""
        self._blocked_until[is_idempotent] = max(self._blocked_until[is_idempotent], moment)
        self._reasons[is_idempotent] = reason

    def reason(self, is_idempotent: bool) -> str | None:
        """Return the server's explanation of the latest block."""
        return self._reasons.get(is_idempotent)

    def seconds_to_wait(self, is_idempotent: bool, now: float) -> float:
        """Return the seconds that a request of this class has to wait."""
        return max(0.0, self._blocked_until[is_idempotent] - now)
