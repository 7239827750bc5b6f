"""The rate limit of one client, as far as the server has reported it: who waits, for how long, and in which order."""

from __future__ import annotations

import random
import threading
from bisect import bisect_left, insort
from collections.abc import Mapping
from itertools import count

from .retry import MAX_RETRY_AFTER_TOTAL
from .token_bucket import MIN_INTERVAL, BucketEstimate

MAX_CREDIBLE_HINT = 3600.0
"""Seconds; a longer hint is a mistake, since Replicate's limits count requests per second and per minute
(docs/api-facts.md, section 6)."""

CHECK_INTERVAL = 1.0
"""Seconds after which a call that waits behind others checks whether the pace has changed."""


class RateLimiter:
    """Makes the calls of a client, in all its threads and tasks, wait after one of them got a 429.

    Waiting calls are released one by one, first come, first served. The pace is what the server's hints allow: the
    seconds between two releases are those after which the server offered the next request. They grow if a call was
    still too early, and shrink while responses report that more requests remain.

    Prediction creates and all other requests have separate limits
    (https://replicate.com/docs/reference/http#rate-limits), so each of the two has a limiter of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tickets = count()
        self._waiting: list[int] = []
        self._blocked_until = 0.0
        self._next_release = 0.0
        self._interval = 0.0
        self._is_pace_confirmed = False
        self._bucket = BucketEstimate()
        self.reason: str | None = None
        """The server's explanation of the latest 429."""

    def must_wait(self, now: float) -> bool:
        """Whether a call has to wait; if not, nobody waits, and the pace is forgotten."""
        if self._is_blocking(now):
            return True
        self._interval = 0.0
        return False

    def _is_blocking(self, now: float) -> bool:
        return bool(self._waiting) or now < self._next_release

    def available(self, now: float) -> float:
        """Return how many calls can be sent now without a 429, as far as known: see `BucketEstimate`."""
        with self._lock:
            return 0.0 if self._is_blocking(now) else self._bucket.available(now)

    def start(self) -> int:
        """Count a call that is about to be sent, and return its number."""
        with self._lock:
            return self._bucket.start()

    def finish(self, number: int, sent_at: float, now: float, headers: Mapping[str, str] | None) -> None:
        """Count a call as over; `headers` are those of its response if it was accepted."""
        with self._lock:
            self._bucket.finish(number, sent_at, now, headers)

    def enter(self, ticket: int | None) -> int:
        """Join the queue and return a ticket; a call that was refused returns to its old place with its ticket."""
        with self._lock:
            ticket = next(self._tickets) if ticket is None else ticket
            insort(self._waiting, ticket)
            return ticket

    def leave(self, ticket: int) -> None:
        """Leave the queue, released or not."""
        with self._lock:
            if ticket in self._waiting:
                self._waiting.remove(ticket)

    def delay(self, ticket: int, now: float) -> float:
        """Return 0 if the call is released; otherwise the seconds after which to ask again."""
        with self._lock:
            position, first = bisect_left(self._waiting, ticket), max(0.0, self._next_release - now)
            if position == 0 and first == 0:
                self._waiting.remove(ticket)
                self._next_release = now + max(self._interval, MIN_INTERVAL)
                return 0.0
        return first if position == 0 else max(first, min(self.expected_delay(ticket, now), CHECK_INTERVAL))

    def expected_delay(self, ticket: int, now: float) -> float:
        """Return the seconds until the call is released, if the pace stays the same."""
        with self._lock:
            first = max(0.0, self._next_release - now)
            return first + bisect_left(self._waiting, ticket) * max(self._interval, MIN_INTERVAL)

    def seconds_blocked(self, now: float) -> float:
        """Return the seconds for which the server announced to refuse requests."""
        return max(0.0, self._blocked_until - now)

    def block(self, now: float, hint: float, reason: str | None, *, has_waited: bool) -> None:
        """Record a 429 and its hint in seconds; `has_waited` tells whether the call had been released by this queue.

        Calls ask again after `MAX_RETRY_AFTER_TOTAL` at the latest, whatever the hint was.
        """
        with self._lock:
            self.reason = reason
            if hint <= MAX_RETRY_AFTER_TOTAL:
                # A call that came too early after an accepted one came too early by the hint.
                is_too_fast = has_waited and self._is_pace_confirmed
                interval = self._interval + hint if is_too_fast else max(self._interval, hint)
                self._interval = min(interval, MAX_RETRY_AFTER_TOTAL)
                self._is_pace_confirmed = False
            elif hint > MAX_CREDIBLE_HINT:
                hint = MAX_RETRY_AFTER_TOTAL
            self._bucket.refuse(now, max(self._interval, min(hint, MAX_RETRY_AFTER_TOTAL)))
            self._blocked_until = max(self._blocked_until, now + hint)
            # With jitter, so that the clients of an account do not all retry in the same instant.
            earliest = min(self._blocked_until + random.uniform(0.01, 0.25), now + MAX_RETRY_AFTER_TOTAL)
            self._next_release = earliest if has_waited else max(self._next_release, earliest)

    def accept(self, remaining: str | None) -> None:
        """Record that a call was accepted after it had waited; `remaining` is the header `ratelimit-remaining`."""
        with self._lock:
            self._is_pace_confirmed = True
            if remaining is not None and remaining.isdecimal() and remaining.strip("0"):
                self._interval /= 2
