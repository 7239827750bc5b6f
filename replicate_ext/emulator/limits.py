"""Rate limits: a bucket of tokens that refills by the second, for creating predictions and for everything else."""

from __future__ import annotations

import math
from collections.abc import Callable


class Bucket:
    """So many requests at once, and so many a second after that."""

    def __init__(self, capacity: int, rate: float, now: Callable[[], float]) -> None:
        self.capacity, self.rate, self.now = capacity, rate, now
        self._left, self._at = float(capacity), now()

    def take(self) -> int | None:
        """Use one token; where there is none, return the whole seconds until there is."""
        now = self.now()
        self._left = min(self.capacity, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1:
            return math.ceil((1 - self._left) / self.rate)
        self._left -= 1
        return None

    def headers(self) -> dict[str, str]:
        """Return what replies say: tokens left, and seconds until the bucket is full again."""
        reset = math.ceil((self.capacity - self._left) / self.rate)
        return {"ratelimit-remaining": str(max(0, int(self._left))), "ratelimit-reset": str(reset)}
