"""The server's clock, by the `Date` of its responses."""

from datetime import UTC, datetime, timedelta, tzinfo
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


DATE = "Wed, 25 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("responses", "now", "floor"),
    [
        ([], 1000, None),
        ([(1000, {})], 1000, None),
        ([(1000, {"date": "yesterday"})], 1000, None),
        ([(1000, {"date": DATE})], 1000, "10:00:00"),
        ([(1000, {"date": DATE})], 1090.5, "10:01:30.500000"),
        ([(1000, {"date": DATE}), (1100, {"date": DATE.replace("10:00", "10:02")})], 1101, "10:02:01"),
        ([(1000, {}), (1000, {"date": DATE})], 1000, "10:00:00"),
        ([(1000, {"date": DATE}), (1050, {})], 1060, "10:01:00"),
    ],
)
def test_floor_is_the_latest_date_and_the_seconds_since(
    responses: list[tuple[float, dict[str, str]]], now: float, floor: str | None
) -> None:
    monotonic = 0.0
    clock = ServerClock(lambda: monotonic)
    for arrived, headers in responses:
        monotonic = arrived
        clock.observe(headers)
        clock.floor()
    monotonic = now
    assert clock.floor() == (floor and datetime.fromisoformat(f"2026-11-25T{floor}+00:00"))


@pytest.mark.parametrize("change", [-365, -1, 0, 1, 365])
def test_floor_does_not_depend_on_the_local_clock(monkeypatch: pytest.MonkeyPatch, change: int) -> None:
    class ChangedClock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(days=change)

    clock = ServerClock(lambda: 1000.0)
    clock.observe({"date": DATE})
    before = clock.floor()
    monkeypatch.setattr("replicate_ext._sansio.server_clock.datetime", ChangedClock)
    assert clock.floor() == before == datetime(2026, 11, 25, 10, tzinfo=UTC)


def test_response_without_a_date_does_not_make_the_skew_unknown() -> None:
    clock, now = ServerClock(), datetime.now(UTC)
    clock.observe({"date": format_datetime(now + timedelta(hours=1), usegmt=True)})
    assert clock.earliest(now) > now
    clock.observe({})
    assert clock.earliest(now) > now
