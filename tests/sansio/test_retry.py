"""Retry decisions, as tables: which failures are retried, and after how long."""

import json
import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from replicate_ext._sansio import retry
from replicate_ext._sansio.retry import Failure


def create_failure(**fields) -> Failure:
    return Failure("POST", "/predictions", **fields)


@pytest.mark.parametrize(
    ("method", "path", "is_idempotent"),
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
def test_is_idempotent(method: str, path: str, is_idempotent: bool) -> None:
    assert retry.is_idempotent(method, path) is is_idempotent


@pytest.mark.parametrize(
    ("failure", "may_have_been_accepted"),
    [
        (create_failure(not_sent=True), False),
        (create_failure(), True),
        (create_failure(status_code=429), False),
        (create_failure(status_code=422), False),
        (create_failure(status_code=503, headers={"retry-after": "2"}), False),
        (create_failure(status_code=503), True),
        (create_failure(status_code=408), True),
        (create_failure(status_code=500), True),
        (create_failure(status_code=502), True),
        (create_failure(status_code=520), True),
    ],
)
def test_create_is_retried_only_if_it_cannot_have_been_accepted(failure: Failure, may_have_been_accepted: bool) -> None:
    assert retry.may_have_been_accepted(failure) is may_have_been_accepted
    is_retried = retry.retry_delay(failure, 1, 5) is not None
    assert is_retried is (not may_have_been_accepted and failure.status_code != 422)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 422, 501])
def test_statuses_that_are_not_retried(status: int) -> None:
    assert retry.retry_delay(Failure("GET", "/x", status_code=status), 1, 5) is None


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 529, None])
def test_reads_are_retried_up_to_max_retries(status: int | None) -> None:
    assert retry.retry_delay(Failure("GET", "/x", status_code=status), 1, 5) is not None
    assert retry.retry_delay(Failure("GET", "/x", status_code=status), 6, 5) is None
    assert retry.retry_delay(Failure("GET", "/x", status_code=status), 1, 0) is None


def test_backoff_grows_with_jitter_up_to_a_maximum() -> None:
    failure = Failure("GET", "/x", status_code=500)
    for attempt, maximum in enumerate([0.5, 1, 2, 4, 8, 8, 8], start=1):
        delays = {retry.retry_delay(failure, attempt, 99) for _ in range(50)}
        assert all(maximum / 2 <= delay <= maximum for delay in delays)
        assert len(delays) > 1


def http_date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, {}, 7),
        ({"retry-after": "0"}, {}, 0),
        ({"retry-after": "1.5"}, {}, 1.5),
        ({"retry-after": "3"}, {"retry_after": 9}, 3),
        ({"retry-after": "soon"}, {"retry_after": 9}, 9),
        ({"retry-after": "1e999"}, {"retry_after": 9}, 9),
        ({}, {"retry_after": 7}, 7),
        ({}, {"retry_after": True, "detail": "no number"}, None),
        ({}, {"detail": "Request was throttled. Expected available in 1 second."}, 1),
        ({}, {"detail": "Request was throttled. Your rate limit resets in ~30s."}, 30),
        ({}, {"detail": "slow down"}, None),
        ({}, ["not an object"], None),
    ],
)
def test_retry_after_from_header_or_body(headers: dict, body: object, seconds: float | None) -> None:
    failure = create_failure(status_code=429, headers=headers, body=json.dumps(body).encode())
    assert retry.retry_after(failure) == seconds
    if seconds is not None:
        delay = retry.retry_delay(failure, 1, 5)
        assert delay is not None
        assert seconds <= delay <= max(seconds + 0.25, retry.INITIAL_BACKOFF)


def test_retry_after_date_is_relative_to_now_and_never_negative() -> None:
    future = create_failure(status_code=429, headers={"retry-after": http_date(30)})
    assert retry.retry_after(future) == pytest.approx(30, abs=2)
    past = create_failure(status_code=429, headers={"retry-after": http_date(-30)})
    assert retry.retry_after(past) == 0
    assert retry.retry_after(create_failure(status_code=429, body=b"<html>")) is None


@pytest.mark.parametrize("skew", [-86400, 0, 86400 * 365])
def test_retry_after_date_is_relative_to_the_date_of_the_response(skew: float) -> None:
    headers = {"retry-after": http_date(skew + 30), "date": http_date(skew)}
    assert retry.retry_after(create_failure(status_code=429, headers=headers)) == 30


@pytest.mark.parametrize("date", ["", "today", "Mon, 99 Jan 99999 00:00:00 GMT"])
def test_retry_after_date_without_a_valid_date_of_the_response_is_relative_to_now(date: str) -> None:
    headers = {"retry-after": http_date(30), "date": date}
    assert retry.retry_after(create_failure(status_code=429, headers=headers)) == pytest.approx(30, abs=2)


@pytest.mark.parametrize("hint", ["1e999", "1" + "0" * 400, "1" + "0" * 4000])
def test_retry_after_of_any_size_is_a_number(hint: str) -> None:
    assert retry.retry_after(create_failure(status_code=429, body=b'{"retry_after": %s}' % hint.encode())) == math.inf
    header = create_failure(status_code=429, headers={"retry-after": "9" * 400})
    assert retry.retry_after(header) == math.inf
    assert retry.retry_delay(header, 1, 5) is None


def test_retry_after_in_a_deeply_nested_body_is_ignored() -> None:
    assert retry.retry_after(create_failure(status_code=429, body=b"[" * 100_000)) is None


@pytest.mark.parametrize(
    ("status", "hint", "waited", "max_wait", "is_retried"),
    [
        (429, 121, 0, 120.0, False),
        (429, 121, 0, 300.0, True),
        (429, 121, 200, 300.0, False),
        (429, 86400, 10**6, None, True),
        (429, 1, 0, 0.0, False),
        (503, 121, 0, None, False),
        (503, 1, 0, 0.0, True),
    ],
)
def test_max_rate_limit_wait_limits_waits_after_429_only(status, hint, waited, max_wait, is_retried: bool) -> None:
    failure = create_failure(status_code=status, headers={"retry-after": str(hint)})
    assert (retry.retry_delay(failure, 1, 5, waited, max_wait) is not None) is is_retried


def test_retry_after_is_limited_in_total() -> None:
    def delay(seconds: int, waited: float = 0, attempt: int = 1, max_retries: int = 5) -> float | None:
        failure = create_failure(status_code=429, headers={"retry-after": str(seconds)})
        return retry.retry_delay(failure, attempt, max_retries, waited)

    assert delay(121) is None
    assert delay(120) is not None
    assert delay(20, waited=101) is None
    assert delay(20, waited=99, attempt=17) is not None
    assert delay(1, max_retries=0) is None


@pytest.mark.parametrize("header", ["0", "0.1", http_date(-30)], ids=["zero", "a tenth", "a date in the past"])
def test_retry_after_near_zero_backs_off_and_counts_against_max_retries(header: str) -> None:
    failure = create_failure(status_code=429, headers={"retry-after": header})
    delays = [retry.retry_delay(failure, attempt, 3) for attempt in (1, 2, 3, 4)]
    assert delays[3] is None
    assert all(delay and delay >= 0.25 for delay in delays[:3])
