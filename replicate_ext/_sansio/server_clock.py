"""The server's clock, which decides whether a prediction was created before or after a request of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from .retry import parse_http_date

DATE_PRECISION = timedelta(seconds=2)
"""The `Date` header has whole seconds, and the response takes time."""

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""By how much the server's clock is assumed to be behind ours before its first response."""


class ServerClock:
    """Converts moments of the local clock to the server's, by the `Date` of its latest response.

    RFC 9110, section 6.6.1. The header is parsed only when a moment is converted.
    """

    def __init__(self) -> None:
        self._latest: tuple[Mapping[str, str], datetime] | None = None

    @property
    def has_observed(self) -> bool:
        """Whether a response has arrived."""
        return self._latest is not None

    def observe(self, headers: Mapping[str, str]) -> None:
        """Remember a response that just arrived."""
        self._latest = headers, datetime.now(UTC)

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

    def _offset(self) -> timedelta | None:
        if self._latest is None:
            return None
        headers, received = self._latest
        date = parse_http_date(headers.get("date", ""))
        return None if date is None else date - received
