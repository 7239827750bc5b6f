"""The estimate of the server's token bucket, without a clock: the time is an argument."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

import pytest

from replicate_ext._sansio.rate_limit import RateLimiter
from replicate_ext._sansio.token_bucket import BucketEstimate
from replicate_ext.emulator.rate_limit import TokenBucket


def headers(remaining: object, reset: object = None) -> dict[str, str]:
    values = {"ratelimit-remaining": remaining, "ratelimit-reset": reset}
    return {name: str(value) for name, value in values.items() if value is not None}


def after_one_call(remaining: object, reset: object = None) -> BucketEstimate:
    """Return the estimate after a response at 1000.5 to a call that was sent at 1000."""
    estimate = BucketEstimate()
    estimate.finish(estimate.start(), 1000.0, 1000.5, headers(remaining, reset))
    return estimate


def test_first_call_is_sent_alone() -> None:
    estimate = BucketEstimate()
    assert estimate.available(1000) == 1
    call = estimate.start()
    assert estimate.available(1060) == 0
    estimate.finish(call, 1000, 1060, None)  # it failed
    assert estimate.available(1060) == 1
    estimate.finish(estimate.start(), 1060, 1061, {})
    assert estimate.available(1061) == inf, "the server has no such limit"


@pytest.mark.parametrize(
    ("remaining", "reset", "seconds", "available"),
    [
        (599, 1, 0, 599),
        (599, 1, 100, 600),  # the bucket is full
        (100, 50, 0, 100),
        (100, 50, 10, 200),  # 10 a second, as documented
        (0, 60, 0, 0),
        (0, 60, 3, 30),
        (0, 10, 0, 0),  # low credit: a bucket of 1 that takes 10 seconds
        (0, 10, 5, 0.5),
        (0, 10, 10, 1),
        (0, 10, 60, 1),
        (49, 5, 5, 50),  # a smaller bucket than the documented one
        (5999, 1, 0, 5999),  # a larger one
        (7, None, 1, 17),  # without `ratelimit-reset`, the documented rate
        (7, 86400, 1, 17),  # of a daily limit
        (7, 1764150000, 1, 17),  # the date of the reset, as other APIs send it
        ("-1", 1, 0, inf),
        ("many", 1, 0, inf),
        ("9" * 5000, 1, 0, inf),
    ],
)
def test_tokens_by_the_headers_of_a_response(remaining: Any, reset: Any, seconds: float, available: float) -> None:
    assert after_one_call(remaining, reset).available(1000.5 + seconds) == pytest.approx(available)


def test_higher_limit_than_the_documented_one_is_used() -> None:
    estimate = after_one_call(599, 1)
    assert estimate.available(1000.5) == 599
    estimate.finish(estimate.start(), 1001, 1001, headers(200, 4))  # 400 tokens in 4 seconds
    assert estimate.available(1003) == pytest.approx(400)


def test_calls_sent_since_take_tokens() -> None:
    estimate = after_one_call(100, 50)
    for number in range(30):
        assert estimate.available(1000.5) == 100 - number
        estimate.start()
    assert estimate.available(1001.5) == pytest.approx(80)
    for _ in range(90):
        estimate.start()
    assert estimate.available(1001.5) == 0
    assert estimate.available(1003.5) == pytest.approx(10)


def test_response_to_an_earlier_call_changes_nothing() -> None:
    estimate = BucketEstimate()
    held, quick = estimate.start(), estimate.start()
    estimate.finish(quick, 1001, 1001, headers(3, 60))
    estimate.finish(held, 1000, 1001, headers(50, 55))
    assert estimate.available(1001) == 3


def test_calls_that_may_arrive_later_are_not_forgotten() -> None:
    """The last of fifty calls is the first one that the server counts; the others will take their tokens."""
    estimate = after_one_call(50, 55)
    assert estimate.available(1001) >= 50
    calls = [estimate.start() for _ in range(50)]
    estimate.finish(calls[-1], 1001, 1001.1, headers(49, 56))
    assert estimate.available(1001.1) < 7


def test_calls_that_were_overtaken_are_not_forgotten() -> None:
    """The last of fifty calls is the first one that the server counts, and the last one whose response arrives."""
    estimate = after_one_call(50, 55)
    assert estimate.available(1001) >= 50
    calls = [estimate.start() for _ in range(50)]
    for number, call in enumerate(calls[:-1]):
        estimate.finish(call, 1001, 1001.1, headers(48 - number, 56))
    estimate.finish(calls[-1], 1001, 1001.1, headers(49, 56))
    assert estimate.available(1001.1) < 7


def test_long_response_was_counted_early() -> None:
    """Whether the server counts at the beginning or at the end of a held call is unknown."""
    estimate = after_one_call(5, 60)
    estimate.available(1001)
    held = estimate.start()
    estimate.finish(held, 1001, 1031, headers(0, 60))
    assert estimate.available(1031) == pytest.approx(290, abs=10)


def test_other_processes_take_tokens_too() -> None:
    estimate = after_one_call(500, 10)
    assert estimate.available(1001) >= 500
    estimate.finish(estimate.start(), 1001, 1001.1, headers(20, 58))
    assert estimate.available(1001.1) == 20


def test_429_empties_the_bucket_and_its_hint_is_the_pace() -> None:
    estimate = after_one_call(3, 60)
    estimate.refuse(1001, 10)
    assert estimate.available(1001) == 0
    assert estimate.available(1006) == pytest.approx(0.5)
    late = BucketEstimate()
    sent = [late.start(), late.start()]
    late.finish(sent[0], 1000, 1001, None)
    late.refuse(1001, 10)
    late.finish(sent[1], 1000, 1002, headers(5, 60))
    assert late.available(1002) < 1, "it was sent before the 429"


def test_pace_of_a_429_holds_until_tokens_remain() -> None:
    estimate = BucketEstimate()
    estimate.refuse(1000, 8)
    estimate.finish(estimate.start(), 1008, 1008, headers(0, 60))
    assert estimate.available(1016) == pytest.approx(1)
    for _ in range(10):
        estimate.finish(estimate.start(), 1016, 1016, headers(1, 60))
        estimate.available(1016)
    assert estimate.available(1017) == pytest.approx(11, abs=0.1)


def test_pace_of_a_429_recovers_without_headers() -> None:
    estimate = BucketEstimate()
    estimate.refuse(1000, 8)
    for _ in range(10):
        estimate.finish(estimate.start(), 1008, 1008, {})
        estimate.available(1008)
    before = estimate.available(1009)
    assert estimate.available(1010) - before == pytest.approx(10)


# Simulations: 100 slots, one server


class Outcome(NamedTuple):
    refused: int
    seconds: float
    max_concurrency: int


def simulate(
    calls: int,
    bucket: Callable[[Callable[[], float]], TokenBucket],
    *,
    latency: tuple[float, float] = (0.05, 0.6),
    slots: int = 100,
    tokens: int | None = None,
) -> Outcome:
    """Send calls whenever the limiter expects that they are accepted, and return what came of it."""
    now, chance, numbers = 0.0, random.Random(1), itertools.count()
    limiter, server = RateLimiter(), bucket(lambda: now)
    server._tokens = server._tokens if tokens is None else tokens
    agenda: list[tuple[float, int, Callable[[], None]]] = []
    outcome, running, ended, unsent = Outcome(0, 0.0, 0), 0, 0, calls

    def after(seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(agenda, (now + seconds, next(numbers), event))

    def send(ticket: int | None = None) -> None:
        call, sent_at, seconds = limiter.start(), now, chance.uniform(*latency)
        outward = min(seconds, 0.6) / 2

        def arrive() -> None:
            hint, sent = server.take(), server.headers()
            after(seconds - outward, lambda: accept(sent) if hint is None else refuse(hint))

        def accept(sent: dict[str, str]) -> None:
            nonlocal running, ended
            limiter.finish(call, sent_at, now, sent)
            if ticket is not None:
                limiter.accept(sent["ratelimit-remaining"])
            running, ended = running - 1, ended + 1

        def refuse(hint: float) -> None:
            nonlocal outcome
            outcome = outcome._replace(refused=outcome.refused + 1)
            limiter.finish(call, sent_at, now, None)
            limiter.block(now, hint, None, has_waited=ticket is not None)
            wait(limiter.enter(ticket))

        after(outward, arrive)

    def wait(ticket: int) -> None:
        delay = limiter.delay(ticket, now)
        if delay:
            after(delay, lambda: wait(ticket))
        else:
            send(ticket)

    def turn() -> None:
        after(0.1, turn)

    turn()
    while ended < calls:
        now, _, event = heapq.heappop(agenda)
        event()
        for _ in range(min(int(min(limiter.available(now), calls)), slots - running, unsent)):
            running, unsent = running + 1, unsent - 1
            send()
        outcome = outcome._replace(seconds=now, max_concurrency=max(outcome.max_concurrency, running))
        assert now < 10_000
    return outcome


@pytest.mark.parametrize("latency", [(0.1, 0.1), (0.05, 0.6), (0.1, 30.0)], ids=["steady", "jitter", "held"])
@pytest.mark.parametrize("tokens", [600, 50, 1])
def test_documented_limit_is_used_up_without_a_429(tokens: int, latency: tuple[float, float]) -> None:
    outcome = simulate(800, lambda time: TokenBucket(600, 10, time), tokens=tokens, latency=latency, slots=300)
    assert outcome.refused == 0
    assert outcome.seconds < (800 - tokens) / 10 + 5 + 1.5 * latency[1]


@pytest.mark.parametrize("latency", [(0.1, 0.1), (0.05, 0.6), (0.1, 30.0)], ids=["steady", "jitter", "held"])
def test_low_credit_account_has_one_create_at_a_time(latency: tuple[float, float]) -> None:
    outcome = simulate(20, lambda time: TokenBucket(1, 0.1, time), latency=latency)
    assert outcome.refused == 0
    assert outcome.max_concurrency <= 1 + latency[1] // 10
    assert outcome.seconds < 20 * (10 + 1) + latency[1]


@pytest.mark.parametrize(("capacity", "rate"), [(100, 10.0), (60, 1.0), (6000, 100.0)])
def test_other_limits_are_respected_and_used(capacity: int, rate: float) -> None:
    calls = 2 * capacity
    outcome = simulate(calls, lambda time: TokenBucket(capacity, rate, time), slots=1000)
    assert outcome.refused == 0
    assert outcome.seconds < 1.5 * (calls - capacity) / rate + 60


def test_used_up_limit_costs_one_429() -> None:
    outcome = simulate(300, lambda time: TokenBucket(600, 10, time), tokens=-20)
    assert outcome.refused == 1
    assert outcome.seconds < 40
