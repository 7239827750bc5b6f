"""An estimate of the server's token bucket: how many calls can be sent now without a 429."""

from __future__ import annotations

import math
from collections.abc import Mapping

CAPACITY = 600
"""Tokens of a full bucket for creates (docs/api-facts.md, section 6)."""

MIN_INTERVAL = 0.1
"""Seconds per token: the bucket for creates is refilled with 10 a second (docs/api-facts.md, section 6)."""

REFILL_PERIOD = 1.0
"""Seconds between two refills of a bucket (docs/api-facts.md, section 6)."""

MIN_EXACT_RESET, MIN_EXACT_DIFFERENCE = 3, 30
"""Seconds and tokens from which on their quotient is the rate: `ratelimit-reset` has whole seconds, rounded up."""

MAX_RESET = 60
"""Seconds until any bucket is full: the limits are per minute (docs/api-facts.md, section 6)."""


class BucketEstimate:
    """Estimates the tokens of a bucket from the calls that were sent and from the headers of their responses.

    `ratelimit-remaining` is the number of tokens left, `ratelimit-reset` the seconds until the bucket is full
    (docs/api-facts.md, section 6). They are read only when the estimate is asked for.
    """

    def __init__(self) -> None:
        self._sent = 0
        self._outstanding: dict[int, int] = {}
        """How many others were outstanding when a call was sent, by its number."""

        self._latest: tuple[float, Mapping[str, str], float, int, int] | None = None
        """When the latest call was sent, its headers, when they arrived, calls sent since, calls outstanding then."""

        self._latest_number = 0
        self._is_known = self._is_unlimited = False
        self._tokens, self._updated_at = 0.0, 0.0
        self._counted = 0
        """How many calls have taken their tokens."""

        self._capacity, self._max_seen = CAPACITY, 1
        self._interval = MIN_INTERVAL
        """Seconds per token."""

        self._pace = 0.0
        """Seconds per token by the hints of 429s, until more tokens remain."""

    def start(self) -> int:
        """Count a call that is about to be sent, and return its number."""
        self._sent += 1
        self._outstanding[self._sent] = len(self._outstanding)
        return self._sent

    def finish(self, number: int, sent_at: float, now: float, headers: Mapping[str, str] | None) -> None:
        """Count a call as over; `headers` are those of its response if it was accepted."""
        earlier = self._outstanding.pop(number)
        if headers is not None and number > self._latest_number:  # else later calls have shown more
            self._latest_number = number
            self._latest = sent_at, headers, now, self._sent - number, earlier

    def refuse(self, now: float, interval: float) -> None:
        """Record a 429: no token is left, and refilling one takes as long as its hint shows."""
        self._read_latest()
        self._latest_number = self._sent
        self._is_known = True
        self._tokens, self._updated_at, self._counted = 0.0, now, self._sent
        self._pace = max(self._pace, interval)
        self._interval = max(self._interval, self._pace, MIN_INTERVAL)

    def available(self, now: float) -> float:
        """Return how many calls can be sent now without a 429, as far as known.

        It is 1 until the first response, which shows the limit, and infinite if that shows none.
        """
        self._read_latest()
        if not self._is_known:
            return math.inf if self._is_unlimited else max(0.0, 1.0 - len(self._outstanding))
        self._advance(now, self._sent)
        return max(0.0, self._tokens)

    def _advance(self, now: float, sent: int) -> None:
        """Refill the bucket until now, and take a token for every call sent by now."""
        refilled = min(self._capacity, self._tokens + (now - self._updated_at) / self._interval)
        self._tokens, self._updated_at = refilled - (sent - self._counted), now
        self._counted = sent

    def _read_latest(self) -> None:
        """Correct the estimate by the latest response."""
        if self._latest is None:
            return
        sent_at, headers, arrived_at, sent_since, earlier = self._latest
        self._latest = None
        remaining, reset = (_parse(headers.get(name)) for name in ("ratelimit-remaining", "ratelimit-reset"))
        if remaining != 0:
            self._pace /= 2
        if remaining is None:
            self._is_unlimited, self._interval = True, max(self._pace, MIN_INTERVAL)
            return
        self._measure(remaining, reset)
        sent = self._latest_number + sent_since
        # The tokens were counted between the two moments. Calls may overtake each other: each of the later ones, and of
        # those that were outstanding when it was sent, may have been counted before or after it.
        refilled = max(0.0, arrived_at - sent_at - REFILL_PERIOD) / self._interval
        highest = remaining - sent_since + refilled
        lowest = remaining - sent_since - earlier
        if self._is_known:
            self._advance(arrived_at, sent)
        else:
            self._is_known, self._tokens, self._updated_at, self._counted = True, highest, arrived_at, sent
        self._tokens = max(lowest, min(self._tokens, highest))

    def _measure(self, remaining: int, reset: int | None) -> None:
        """Set how large the bucket is, and how long refilling one token takes."""
        self._max_seen = max(self._max_seen, remaining + 1)
        self._capacity, self._interval = max(self._capacity, self._max_seen), max(self._pace, MIN_INTERVAL)
        if reset is None or reset > MAX_RESET:
            return
        if reset + 1 < (self._capacity - remaining) * MIN_INTERVAL:  # full sooner than the documented bucket can be
            self._capacity = self._max_seen
        # Accounts may have higher limits than the documented ones; then `reset` shows that, once it is exact enough.
        is_exact = reset >= MIN_EXACT_RESET and self._max_seen - remaining >= MIN_EXACT_DIFFERENCE
        floor = self._pace if is_exact else max(self._pace, MIN_INTERVAL)
        self._interval = max(floor, reset / (self._capacity - remaining))


def _parse(header: str | None) -> int | None:
    return int(header) if header and header.isdecimal() and len(header) < 10 else None
