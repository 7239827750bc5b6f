"""The server's clock, by the `Date` of its responses."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from replicate_ext._sansio.server_clock import DATE_PRECISION, MAX_CLOCK_SKEW, ServerClock


@pytest.mark.parametrize("skew", [-3600, -30, 0, 30, 3600])
def test_moments_are_converted_to_the_clock_of_the_server(skew: int) -> None:
    clock, now = ServerClock(), datetime.now(UTC)
    clock.observe({"date": format_datetime(now + timedelta(seconds=skew), usegmt=True)})
    earliest = clock.earliest(now)
    assert earliest <= now + timedelta(seconds=skew)
    assert earliest >= now + timedelta(seconds=skew) - DATE_PRECISION - timedelta(seconds=2)


@pytest.mark.parametrize("headers", [None, {}, {"date": "yesterday"}])
def test_unknown_skew_is_assumed_to_be_large(headers: dict[str, str] | None) -> None:
    clock, now = ServerClock(), datetime.now(UTC)
    if headers is not None:
        clock.observe(headers)
    assert clock.earliest(now) == now - MAX_CLOCK_SKEW
