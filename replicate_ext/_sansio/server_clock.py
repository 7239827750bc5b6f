"""The server's clock, which decides whether a prediction was created before or after a request of ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from .retry import parse_http_date

DATE_PRECISION = timedelta(seconds=2)
"""The `Date` header has whole seconds, and the response takes time."""

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""By how much the server's clock is assumed to be behind ours before its first response."""


class ServerClock:
    """Converts moments of the local clock to the server's, by the `Date` of its latest response.

    RFC 9110, section 6.6.1. The header is parsed only when a moment is converted.

    Args:
        monotonic: Returns seconds on a clock that never goes backwards.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._latest: tuple[Mapping[str, str], datetime, float] | None = None
        """The headers of the latest response, and when it arrived, on both local clocks."""

        self._known: tuple[datetime, datetime, float] | None = None
        """The `Date` of the latest response that was found to have one, and when it arrived."""

    @property
    def has_observed(self) -> bool:
        """Whether a response has arrived."""
        return self._latest is not None

    def observe(self, headers: Mapping[str, str]) -> None:
        """Remember a response that just arrived."""
        self._latest = headers, datetime.now(UTC), self._monotonic()

    def earliest(self, moment: datetime) -> datetime:
        """Return the earliest time that the server's clock can have shown at a local moment."""
        offset = self._offset()
        return moment - MAX_CLOCK_SKEW if offset is None else moment + offset - DATE_PRECISION

    def lower_bound(self, moment: datetime) -> datetime | None:
        """Return a time that the server's clock had reached at a local moment, or None if its offset is unknown.

        The `Date` header is rounded down and some milliseconds old, so the bound is early, by up to about a second.
        """
        offset = self._offset()
        return None if offset is None else moment + offset

    def floor(self) -> datetime | None:
        """Return a time that the server's clock has reached by now, or None before the first response with a `Date`.

        Setting the local clock does not change it; time for which the computer is suspended may be missing.
        """
        known = self._read_date()
        return None if known is None else known[0] + timedelta(seconds=self._monotonic() - known[2])

    def _offset(self) -> timedelta | None:
        known = self._read_date()
        return None if known is None else known[0] - known[1]

    def _read_date(self) -> tuple[datetime, datetime, float] | None:
        if self._latest is not None:
            headers, received, arrived = self._latest
            date = parse_http_date(headers.get("date", ""))
            if date is not None:
                self._known = date, received, arrived
        return self._known
