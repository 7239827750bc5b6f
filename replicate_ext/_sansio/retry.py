"""Whether a failed request may be sent again, and after how long. Pure decisions; the loop is in `_exchange.exchange`.

The rule that matters: a request that creates something is repeated only when the server cannot have accepted it.
That is so when no connection came about, on 429, and on a 503 that says when to come back (`Retry-After`); after
anything else (a reset, a read timeout, a 500, a 520) the job may be running, and a second one would be paid for too.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

FIRST_DELAY = 0.5
"""Seconds before the first repetition; doubled each time, up to `LONGEST_DELAY`."""

LONGEST_DELAY = 8.0

LONGEST_WAIT = 120.0
"""Seconds that one call waits because the server said so, all in all; what asks for more is told to the caller."""


class Failure(NamedTuple):
    """One attempt that did not succeed."""

    method: str
    path: str
    unsent: bool = False
    """No connection came about."""

    status: int | None = None
    headers: Mapping[str, str] | None = None
    body: bytes = b""


class Limiter:
    """What the server said to one call about waiting, shared with all calls of a client, in threads and tasks alike.

    Creates and other requests have limits of their own (https://replicate.com/docs/reference/http#rate-limits).
    """

    def __init__(self) -> None:
        self._until = {True: 0.0, False: 0.0}
        self._reason: dict[bool, str | None] = {}

    def hold(self, request: tuple[str, str], until: float, reason: str | None = None) -> None:
        """Let no request of this kind go before a moment."""
        kind = is_repeatable(*request)
        self._until[kind] = max(self._until[kind], until)
        self._reason[kind] = reason

    def reason(self, request: tuple[str, str]) -> str | None:
        """Return what the server said about it."""
        return self._reason.get(is_repeatable(*request))

    def pause(self, request: tuple[str, str], now: float) -> float:
        """Return the seconds that a request of this kind has to wait."""
        return max(0.0, self._until[is_repeatable(*request)] - now)


def is_repeatable(method: str, path: str) -> bool:
    """Whether sending the request twice does what sending it once does."""
    return method in {"GET", "HEAD", "OPTIONS", "QUERY", "PUT", "DELETE"} or path.endswith("/cancel")


def maybe_accepted(failure: Failure) -> bool:
    """Whether the server may have done what the request asked for."""
    if failure.unsent:
        return False
    if failure.status is None:
        return True
    if failure.status == 503:
        return retry_after(failure) is None
    return failure.status >= 500


def delay(failure: Failure, attempt: int, max_retries: int, waited: float = 0.0) -> float | None:
    """Return the seconds to wait before the next attempt, or None where there must be none.

    A server that says when to come back is not in trouble: such waits are limited by their sum (`waited` so far, up to
    `LONGEST_WAIT`) and not by their number, unless `max_retries` is 0. One that says "at once" has said nothing.
    """
    transient = failure.status is None or failure.status in (408, 429) or failure.status >= 500
    repeatable = is_repeatable(failure.method, failure.path) or not maybe_accepted(failure)
    if not max_retries or not transient or not repeatable or failure.status == 501:
        return None
    hint = retry_after(failure)
    if hint is not None and hint >= FIRST_DELAY:
        # Never early. A little more than asked, and not all at once.
        return hint + random.uniform(0.01, 0.25) if waited + hint <= LONGEST_WAIT else None
    if attempt > max_retries:
        return None
    backoff = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)
    return float(max(hint or 0.0, backoff))


def retry_after(failure: Failure) -> float | None:
    """Return the seconds that the server asks for: the header (seconds or a date), else the body's hint."""
    header = (failure.headers or {}).get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", header):
        return float(header)
    if header:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            pass
        else:
            return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    if failure.status != 429:
        return None
    try:
        problem = json.loads(failure.body)
    except ValueError:
        return None
    hint = problem.get("retry_after") if isinstance(problem, dict) else None
    if isinstance(hint, (int, float)) and not isinstance(hint, bool) and hint >= 0:
        return float(hint)
    # Older bodies only say it in words: "Expected available in 1 second", "Your rate limit resets in ~30s".
    words = re.search(r"(?:available in|resets in)\s*~?(\d+(?:\.\d+)?)", str(problem))
    return float(words[1]) if words else None
