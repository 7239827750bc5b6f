"""Rate limits as token buckets, refilled continuously (docs/api-facts.md, section 6)."""

from __future__ import annotations

import math
from collections.abc import Callable


class TokenBucket:
    """Allows a burst of `capacity` requests, and `rate` requests per second after that."""

    def __init__(self, capacity: int, rate: float, time: Callable[[], float]) -> None:
        self.capacity, self.rate, self._time = capacity, rate, time
        self._tokens, self._updated_at = float(capacity), time()

    def take(self) -> int | None:
        """Take one token and return None; if the bucket is empty, return the seconds until the next token instead."""
        now = self._time()
        self._tokens = min(self.capacity, self._tokens + (now - self._updated_at) * self.rate)
        self._updated_at = now
        if self._tokens < 1:
            return math.ceil((1 - self._tokens) / self.rate)
        self._tokens -= 1
        return None

    def headers(self) -> dict[str, str]:
        """Return the rate limit headers: remaining tokens, and seconds until the bucket is full again."""
        reset = math.ceil((self.capacity - self._tokens) / self.rate)
        return {"ratelimit-remaining": str(max(0, int(self._tokens))), "ratelimit-reset": str(reset)}
