"""The rate limiter, without a clock: the time is an argument."""

import heapq
from collections.abc import Callable

import pytest

from replicate_ext._sansio.rate_limit import RateLimiter
from replicate_ext._sansio.retry import MAX_RETRY_AFTER_TOTAL
from replicate_ext.emulator.rate_limit import TokenBucket


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)


def blocked(*hints: float, now: float = 1000.0) -> RateLimiter:
    limiter = RateLimiter()
    for hint in hints:
        limiter.block(now, hint, "slow down", has_waited=False)
    return limiter


def test_nobody_waits_before_the_first_429() -> None:
    assert not RateLimiter().must_wait(1000)


def test_all_calls_wait_for_the_longest_hint() -> None:
    limiter = blocked(10, 7)
    assert limiter.must_wait(1009)
    assert limiter.delay(limiter.enter(None), 1004) == 6
    assert limiter.reason == "slow down"
    assert not blocked(10, 7).must_wait(1010)


def test_waiting_calls_are_released_in_order_of_arrival_at_the_pace_of_the_hint() -> None:
    limiter = blocked(10)
    first, second, third = (limiter.enter(None) for _ in range(3))
    assert [limiter.expected_delay(ticket, 1000) for ticket in (first, second, third)] == [10, 20, 30]
    assert limiter.delay(second, 1010) > 0
    assert limiter.delay(first, 1010) == 0
    assert limiter.delay(third, 1020) > 0
    assert limiter.delay(second, 1020) == 0
    assert limiter.must_wait(1029), "the third one waits"
    assert limiter.delay(third, 1030) == 0


def test_refused_call_returns_to_its_place() -> None:
    limiter = blocked(10)
    first, second = limiter.enter(None), limiter.enter(None)
    assert limiter.delay(first, 1010) == 0
    limiter.block(1010, 3, None, has_waited=True)
    assert limiter.enter(first) == first
    assert limiter.delay(second, 1013) > 0
    assert limiter.delay(first, 1013) == 0


def test_call_that_leaves_the_queue_does_not_hold_up_the_others() -> None:
    limiter = blocked(10)
    first, second = limiter.enter(None), limiter.enter(None)
    limiter.leave(first)
    assert limiter.delay(second, 1010) == 0
    limiter.leave(second)
    assert not limiter.must_wait(1020)


def test_pace_is_forgotten_when_nobody_waits() -> None:
    limiter = blocked(10)
    assert limiter.delay(limiter.enter(None), 1010) == 0
    assert limiter.must_wait(1019)
    assert not limiter.must_wait(1020)
    assert not limiter.must_wait(1020.1)


@pytest.mark.parametrize("hint", [3601, 86400, 10**9, float("inf")])
def test_absurd_hint_blocks_other_calls_for_a_limited_time(hint: float) -> None:
    limiter = blocked(hint)
    tickets = [limiter.enter(None) for _ in range(3)]
    assert limiter.seconds_blocked(1000) == limiter.delay(tickets[0], 1000) == MAX_RETRY_AFTER_TOTAL
    assert limiter.expected_delay(tickets[2], 1000) < MAX_RETRY_AFTER_TOTAL + 1
    assert not blocked(hint).must_wait(1000 + MAX_RETRY_AFTER_TOTAL)


def test_long_hint_is_reported_but_asked_again_earlier() -> None:
    limiter = blocked(700)
    assert limiter.seconds_blocked(1100) == 600
    assert not limiter.must_wait(1000 + MAX_RETRY_AFTER_TOTAL)


def simulate(calls: int, bucket: Callable[[Callable[[], float]], TokenBucket], *, sends_headers: bool = True):
    """Send calls that all arrive at once through a limiter; return the moments of acceptance, and of all requests."""
    now = 0.0
    limiter, server = RateLimiter(), bucket(lambda: now)
    agenda = [(0.0, number) for number in range(calls)]
    tickets: dict[int, int] = {}
    accepted: list[tuple[float, int]] = []
    sent: list[float] = []
    while agenda:
        now, number = heapq.heappop(agenda)
        if number in tickets and (delay := limiter.delay(tickets[number], now)):
            heapq.heappush(agenda, (now + delay, number))
            continue
        sent.append(now)
        hint = server.take()
        if hint is None:
            accepted.append((now, number))
            if number in tickets:
                limiter.accept(server.headers()["ratelimit-remaining"] if sends_headers else None)
            continue
        limiter.block(now, hint, None, has_waited=number in tickets)
        tickets[number] = limiter.enter(tickets.get(number))
        heapq.heappush(agenda, (now + limiter.delay(tickets[number], now), number))
    return accepted, sent


def test_low_credit_account_gets_one_request_for_each_waiting_call() -> None:
    accepted, sent = simulate(30, lambda time: TokenBucket(1, 0.1, time))
    assert [number for _, number in accepted] == list(range(30))
    assert accepted[-1][0] == pytest.approx(290, abs=5)
    assert len(sent) == 30 + 29, "each of the 29 that were refused at first is sent once more"


@pytest.mark.parametrize("sends_headers", [True, False])
def test_calls_beyond_the_documented_limit_are_paced(sends_headers: bool) -> None:
    accepted, sent = simulate(700, lambda time: TokenBucket(600, 10, time), sends_headers=sends_headers)
    assert [number for _, number in accepted] == list(range(700))
    assert len(sent) <= 700 + 100 + 5
    assert accepted[-1][0] < (20 if sends_headers else 110)


def test_pace_adapts_to_another_process_with_the_same_account() -> None:
    """The hint of the first 429 is short, because another process used the limit some seconds ago."""
    limiter = blocked(7)
    first, second, third = (limiter.enter(None) for _ in range(3))
    assert limiter.delay(first, 1007) == 0
    limiter.accept(None)
    assert limiter.delay(second, 1014) == 0
    limiter.block(1014, 3, None, has_waited=True)
    limiter.enter(second)
    assert limiter.delay(second, 1017) == 0
    assert limiter.expected_delay(third, 1017) == 10


@pytest.mark.parametrize("hint", [10, 300, 86400, float("inf")])
def test_after_a_429_calls_are_available_one_by_one(hint: float) -> None:
    limiter = RateLimiter()
    limiter.finish(limiter.start(), 999, 999, {"ratelimit-remaining": "50", "ratelimit-reset": "55"})
    limiter.block(1000, hint, None, has_waited=False)
    assert limiter.available(1001) == 0
    seconds = min(hint, MAX_RETRY_AFTER_TOTAL)
    assert limiter.available(1000 + seconds) == pytest.approx(1)
    limiter.start()
    assert limiter.available(1000 + seconds) == 0


def test_no_calls_are_available_while_one_waits() -> None:
    limiter = blocked(10)
    ticket = limiter.enter(None)
    assert limiter.available(1100) == 0
    limiter.leave(ticket)
    assert limiter.available(1100) >= 1
