"""Whether to retry a failed request, and after which delay. Pure decisions; `Session.send` has the loop.

A request that creates something is retried only if the server cannot have accepted it: no connection was established,
or the response is a 429, or a 503 with `Retry-After`. After any other failure (a reset, a read timeout, a 500, a 520, a
408, which gateways also send for their upstream) the job may be running, and a second one would be billed too:
Replicate has no idempotency keys (docs/api-facts.md, section 7).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple

INITIAL_BACKOFF = 0.5
"""Seconds before the first retry; doubled for each further retry, up to `MAX_BACKOFF`."""

MAX_BACKOFF = 8.0
"""Seconds."""

MAX_RETRY_AFTER_TOTAL = 120.0
"""Seconds that one call waits, in total, because the server asked for it; `max_rate_limit_wait` replaces it for 429."""


class Failure(NamedTuple):
    """One failed attempt."""

    method: str
    path: str
    not_sent: bool = False
    """Whether no connection was established."""

    status_code: int | None = None
    headers: Mapping[str, str] | None = None
    body: bytes = b""


def is_idempotent(method: str, path: str) -> bool:
    """Whether sending the request twice has the same effect as sending it once (RFC 9110, section 9.2.2).

    Canceling is a POST, yet idempotent (docs/api-facts.md, section 8). QUERY is safe by its definition
    (draft-ietf-httpbis-safe-method-w-body).
    """
    return method in {"GET", "HEAD", "OPTIONS", "QUERY", "PUT", "DELETE"} or path.endswith("/cancel")


def may_have_been_accepted(failure: Failure) -> bool:
    """Whether the server may have carried out the request."""
    if failure.not_sent:
        return False
    if failure.status_code is None:
        return True
    if failure.status_code == 503:
        return retry_after(failure) is None
    return failure.status_code == 408 or failure.status_code >= 500


def retry_delay(
    failure: Failure,
    attempt: int,
    max_retries: int,
    waited: float = 0.0,
    max_rate_limit_wait: float | None = MAX_RETRY_AFTER_TOTAL,
) -> float | None:
    """Return the seconds to wait before the next attempt, or None if there must be none.

    Waits requested by the server (`Retry-After`) do not count against `max_retries`; their total, `waited` so far, is
    capped at `max_rate_limit_wait` after a 429 (None: no cap), and else at `MAX_RETRY_AFTER_TOTAL`. `max_retries=0`
    disables both. A hint of zero counts as no hint.
    """
    status_code = failure.status_code
    is_transient = status_code is None or status_code in (408, 429) or status_code >= 500
    is_safe = is_idempotent(failure.method, failure.path) or not may_have_been_accepted(failure)
    if not max_retries or not is_transient or not is_safe or status_code == 501:
        return None
    hint = retry_after(failure)
    if hint is not None and hint >= INITIAL_BACKOFF:
        max_wait = max_rate_limit_wait if status_code == 429 else MAX_RETRY_AFTER_TOTAL
        # Never early, and with jitter, so that clients do not all retry in the same instant.
        return hint + random.uniform(0.01, 0.25) if max_wait is None or waited + hint <= max_wait else None
    if attempt > max_retries:
        return None
    backoff = min(MAX_BACKOFF, INITIAL_BACKOFF * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)
    return float(max(hint or 0.0, backoff))


def retry_after(failure: Failure) -> float | None:
    """Return the server's hint in seconds: the `Retry-After` header (RFC 9110, section 10.2.3), else the 429 body's.

    Only the body's `retry_after` was ever observed, in older responses only its text (docs/api-facts.md, section 6).
    """
    headers = failure.headers or {}
    header = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", header):
        return float(header)
    moment = parse_http_date(header)
    if moment is not None:  # relative to the server's clock: the local one may be wrong
        now = parse_http_date(headers.get("date", "")) or datetime.now(UTC)
        return max(0.0, (moment - now).total_seconds())
    if failure.status_code != 429:
        return None
    try:
        problem = json.loads(failure.body)
    except (ValueError, RecursionError):
        return None
    hint = problem.get("retry_after") if isinstance(problem, dict) else None
    if isinstance(hint, int | float) and not isinstance(hint, bool) and hint >= 0:
        return float(str(hint))  # infinite if it is too large; float(hint) would raise
    # "Expected available in 1 second", "Your rate limit resets in ~30s."
    words = re.search(r"(?:available in|resets in)\s*~?(\d+(?:\.\d+)?)", str(problem))
    return float(words[1]) if words else None


@lru_cache(16)
def parse_http_date(text: str) -> datetime | None:
    """Return the moment that a date in a header names (RFC 9110, section 5.6.7), or None if it is no date."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
