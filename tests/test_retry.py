"""The decisions, as tables."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from replicate_ext._sansio import retry
from replicate_ext._sansio.retry import Failure


def create(**fields) -> Failure:
    return Failure("POST", "/predictions", **fields)


@pytest.mark.parametrize(
    ("method", "path", "repeatable"),
    [
        ("GET", "/predictions", True),
        ("QUERY", "/models", True),
        ("DELETE", "/files/x", True),
        ("POST", "/predictions/x/cancel", True),
        ("POST", "/predictions", False),
        ("POST", "/files", False),
        ("PATCH", "/deployments/a/b", False),
    ],
)
def test_what_may_be_sent_twice(method: str, path: str, repeatable: bool) -> None:
    assert retry.is_repeatable(method, path) is repeatable


@pytest.mark.parametrize(
    ("failure", "accepted"),
    [
        (create(unsent=True), False),
        (create(), True),
        (create(status=429), False),
        (create(status=422), False),
        (create(status=503, headers={"retry-after": "2"}), False),
        (create(status=503), True),
        (create(status=500), True),
        (create(status=502), True),
        (create(status=520), True),
    ],
)
def test_a_create_is_repeated_only_when_it_cannot_have_been_accepted(failure: Failure, accepted: bool) -> None:
    assert retry.maybe_accepted(failure) is accepted
    repeated = retry.delay(failure, 1, 5) is not None
    assert repeated is (not accepted and failure.status != 422)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 422, 501])
def test_what_would_fail_again_is_not_repeated(status: int) -> None:
    assert retry.delay(Failure("GET", "/x", status=status), 1, 5) is None


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 529, None])
def test_what_may_pass_is_repeated_for_reads(status: int | None) -> None:
    assert retry.delay(Failure("GET", "/x", status=status), 1, 5) is not None
    assert retry.delay(Failure("GET", "/x", status=status), 6, 5) is None
    assert retry.delay(Failure("GET", "/x", status=status), 1, 0) is None


def test_delays_grow_with_jitter_up_to_a_cap() -> None:
    failure = Failure("GET", "/x", status=500)
    for attempt, longest in enumerate([0.5, 1, 2, 4, 8, 8, 8], start=1):
        delays = {retry.delay(failure, attempt, 99) for _ in range(50)}
        assert all(longest / 2 <= delay <= longest for delay in delays)
        assert len(delays) > 1


def date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, {}, 7),
        ({"retry-after": "0"}, {}, 0),
        ({"retry-after": "1.5"}, {}, 1.5),
        ({"retry-after": "3"}, {"retry_after": 9}, 3),
        ({"retry-after": "soon"}, {"retry_after": 9}, 9),
        ({}, {"retry_after": 7}, 7),
        ({}, {"retry_after": True, "detail": "no hint"}, None),
        ({}, {"detail": "Request was throttled. Expected available in 1 second."}, 1),
        ({}, {"detail": "Request was throttled. Your rate limit resets in ~30s."}, 30),
        ({}, {"detail": "slow down"}, None),
        ({}, ["odd"], None),
    ],
)
def test_a_server_says_in_many_ways_when_to_come_back(headers: dict, body: object, seconds: float | None) -> None:
    failure = create(status=429, headers=headers, body=json.dumps(body).encode())
    assert retry.retry_after(failure) == seconds
    if seconds is not None:
        delay = retry.delay(failure, 1, 5)
        assert delay is not None
        assert seconds <= delay <= max(seconds + 0.25, retry.FIRST_DELAY)


def test_a_date_counts_from_now_and_never_backwards() -> None:
    assert retry.retry_after(create(status=429, headers={"retry-after": date(30)})) == pytest.approx(30, abs=2)
    assert retry.retry_after(create(status=429, headers={"retry-after": date(-30)})) == 0
    assert retry.retry_after(create(status=429, body=b"<html>")) is None


def test_waits_that_add_up_beyond_the_limit_are_told_instead() -> None:
    def delay(seconds: int, waited: float = 0, attempt: int = 1, max_retries: int = 5) -> float | None:
        failure = create(status=429, headers={"retry-after": str(seconds)})
        return retry.delay(failure, attempt, max_retries, waited)

    assert delay(121) is None
    assert delay(120) is not None
    assert delay(20, waited=101) is None
    assert delay(20, waited=99, attempt=17) is not None
    assert delay(1, max_retries=0) is None


@pytest.mark.parametrize("header", ["0", "0.1", date(-30)], ids=["zero", "a tenth", "a date that is over"])
def test_a_server_that_says_at_once_is_not_asked_without_end(header: str) -> None:
    failure = create(status=429, headers={"retry-after": header})
    delays = [retry.delay(failure, attempt, 3) for attempt in (1, 2, 3, 4)]
    assert delays[3] is None
    assert all(delay and delay >= 0.25 for delay in delays[:3])


def test_the_two_kinds_of_requests_have_limits_of_their_own() -> None:
    limiter = retry.Limiter()
    limiter.hold(("POST", "/predictions"), 10)
    limiter.hold(("POST", "/predictions"), 7)
    assert limiter.pause(("POST", "/models/a/b/predictions"), 4) == 6
    assert limiter.pause(("POST", "/predictions"), 11) == 0
    assert limiter.pause(("GET", "/predictions/x"), 4) == 0
    assert limiter.pause(("POST", "/predictions/x/cancel"), 4) == 0
