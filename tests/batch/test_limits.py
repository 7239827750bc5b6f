"""`max_creates`, `max_cost` and `max_seconds` are totals of the folder, and are never exceeded."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import json_response
from fake_platform import MODEL, FakePlatform, Plan, platform_fixture
from replicate_ext import Batch, BatchStoppedError, Item

platform = platform_fixture()


def rows(count: int, **input: Any) -> list[dict[str, Any]]:
    return [{"text": f"row {number}", **input} for number in range(count)]


def run(batch: Batch) -> tuple[list[Item], str | None]:
    """Return the items of a batch, and why it stopped."""
    items = []
    try:
        for item in batch:
            items.append(item)
    except BatchStoppedError as error:
        return items, str(error)
    return items, None


LIMITS: dict[str, dict[str, Any]] = {
    "max_creates": {"max_creates": 25},
    "max_cost, a number": {"max_cost": 2.5, "price": 0.1},
    "max_cost, a function": {"max_cost": 2.5, "price": lambda job: job.metrics.predict_time / 20},
    "max_seconds": {"max_seconds": 50},
}
"""Limits of 25 predictions of 2 seconds."""


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("concurrency", [1, 100])
def test_limit_is_reached_and_never_exceeded(
    platform: FakePlatform, tmp_path: Path, limit: str, concurrency: int
) -> None:
    options = LIMITS[limit]
    batch = platform.client().map(MODEL, rows(40, seconds=2), tmp_path, concurrency=concurrency, **options)
    items, reason = run(batch)
    assert len(platform.bought) == 25
    assert [item.status for item in items] == ["succeeded"] * 25
    assert next(iter(options)) in str(reason)
    assert "resume" in str(reason)
    report = batch.report()
    assert (report.creates, report.done, report.rows) == (25, 25, 40)


def test_limit_is_a_total_over_sessions_and_is_raised_by_resume(platform: FakePlatform, tmp_path: Path) -> None:
    client = platform.client()

    def bought_after(batch: Batch) -> tuple[int, bool]:
        _, reason = run(batch)
        return len(platform.bought), reason is not None

    assert bought_after(client.map(MODEL, rows(9), tmp_path, max_creates=4)) == (4, True)
    assert bought_after(client.map(MODEL, rows(9), tmp_path, max_creates=4)) == (4, True)
    assert bought_after(Batch.open(tmp_path, client).resume()) == (4, True)
    assert bought_after(Batch.open(tmp_path, client).resume(max_creates=6)) == (6, True)
    assert bought_after(Batch.open(tmp_path, client).resume()) == (6, True)
    assert bought_after(Batch.open(tmp_path, client).resume(max_creates=None)) == (9, False)
    assert set(platform.purchases().values()) == {1}


@pytest.mark.parametrize("option", ["max_cost", "max_seconds"])
def test_cost_and_seconds_are_totals_over_sessions(platform: FakePlatform, tmp_path: Path, option: str) -> None:
    client = platform.client()
    price = lambda job: job.metrics.predict_time  # noqa: E731
    options: dict[str, Any] = {"price": price} if option == "max_cost" else {}
    for limit, bought in ((6, 3), (6, 3), (13, 6), (16, 8)):
        _, reason = run(client.map(MODEL, rows(9, seconds=2), tmp_path, **options, **{option: limit}))
        assert len(platform.bought) == bought
        assert f"resume({option}=…" in str(reason)


@pytest.mark.parametrize("price", [2.0, lambda job: job.metrics.predict_time])
def test_purchases_of_a_session_without_price_count(platform: FakePlatform, tmp_path: Path, price: Any) -> None:
    client = platform.client()
    run(client.map(MODEL, rows(9, seconds=2), tmp_path, max_creates=3))
    run(Batch.open(tmp_path, client).resume(max_creates=None, max_cost=10, price=price))
    assert len(platform.bought) == 5
    assert Batch.open(tmp_path, client).report().predict_seconds == 10


def test_limit_stays_when_map_is_called_without_it(platform: FakePlatform, tmp_path: Path) -> None:
    run(platform.client().map(MODEL, rows(5), tmp_path, max_creates=2))
    _, reason = run(platform.client().map(MODEL, rows(5), tmp_path))
    assert "max_creates=2 is reached" in str(reason)
    items, reason = run(Batch.open(tmp_path, platform.client()).resume(max_creates=None))
    assert (len(items), reason) == (3, None)


def test_price_that_is_a_function_has_to_be_given_again(platform: FakePlatform, tmp_path: Path) -> None:
    client = platform.client()
    _, reason = run(client.map(MODEL, rows(3, seconds=2), tmp_path, max_cost=2, price=lambda job: 2))
    assert "resume(max_cost=…, price=…)" in str(reason)
    with pytest.raises(ValueError, match="max_cost needs price"):
        run(Batch.open(tmp_path, client).resume(max_cost=4))
    run(Batch.open(tmp_path, client).resume(max_cost=4, price=lambda job: 2))
    assert len(platform.bought) == 2


def test_create_without_a_response_counts(platform: FakePlatform, tmp_path: Path) -> None:
    lost = ["row 1", "row 2"]

    def lose(request: httpx.Request) -> Exception | None:
        is_lost = any(f'"{text}"' in request.content.decode() for text in lost)
        return httpx.ReadError("reset") if is_lost else None

    platform.lose = lose
    items, _ = run(platform.client().map(MODEL, rows(9), tmp_path, max_creates=5))
    assert len(platform.bought) == 5
    assert [item.status for item in items] == ["succeeded"] * 5


def test_create_that_was_surely_refused_does_not_count(platform: FakePlatform, tmp_path: Path) -> None:
    refusals = [httpx.ConnectError("refused"), json_response({"detail": "overloaded"}, 503), httpx.ReadError("reset")]

    def refuse(request: httpx.Request) -> Any:
        return refusals.pop() if request.method == "POST" and platform.bought and refusals else None

    platform.refuse = refuse
    items, _ = run(platform.client().map(MODEL, rows(9), tmp_path, max_creates=5))
    assert refusals == []
    assert (len(platform.bought), len(items)) == (5, 5)


def test_repeated_runs_count(platform: FakePlatform, tmp_path: Path) -> None:
    platform.plan = lambda input: Plan(status="aborted" if input["text"] == "row 1" else "succeeded")
    batch = platform.client().map(MODEL, rows(9), tmp_path, max_creates=5, concurrency=1)
    items, _ = run(batch)
    assert [(item.status, item.attempts) for item in items] == [
        ("succeeded", 1), ("aborted", 2), ("succeeded", 1), ("succeeded", 1)
    ]  # fmt: skip
    assert batch.report().creates == 5


def test_running_predictions_are_reserved_at_the_highest_cost_so_far(platform: FakePlatform, tmp_path: Path) -> None:
    """The first one, which runs alone, is the most expensive one."""
    seconds = [3.0, *(0.5 + number % 6 / 2 for number in range(200))]
    input = [{"text": str(number), "seconds": value} for number, value in enumerate(seconds)]
    batch = platform.client().map(MODEL, input, tmp_path, max_cost=60, price=lambda job: job.metrics.predict_time)
    run(batch)
    spent = sum(job.plan.seconds for job in platform.bought)
    assert 57 < spent <= 60
    assert batch.report().cost == pytest.approx(spent)


@pytest.mark.parametrize("lag", [0.0, 1.0])
def test_first_cost_is_known_before_the_others_are_bought(platform: FakePlatform, tmp_path: Path, lag: float) -> None:
    """The response to a held create has no metrics: without them, the whole concurrency would be spent."""
    platform.completion_lag = lag
    platform.plan = lambda input: Plan(seconds=3)
    run(platform.client().map(MODEL, rows(200), tmp_path, max_cost=3, price=lambda job: 1.0))
    assert len(platform.bought) == 3
    first, second = platform.bought[:2]
    assert first.ended_at < second.created_at < first.ended_at + 3


@pytest.mark.parametrize("wrong", [None, math.nan, -1.0, ZeroDivisionError("no")])
def test_price_that_fails_stops_the_batch_and_is_computed_by_resume(
    platform: FakePlatform, tmp_path: Path, wrong: Any
) -> None:
    def price(job: Any) -> Any:
        if isinstance(wrong, Exception):
            raise wrong
        return wrong

    client = platform.client()
    items, reason = run(client.map(MODEL, rows(5), tmp_path, max_cost=4, price=price, save=False))
    assert [item.status for item in items] == ["succeeded"]
    assert "price raised" in str(reason)
    run(Batch.open(tmp_path, client).resume(price=lambda job: 1.0))
    assert len(platform.bought) == 4
    assert Batch.open(tmp_path, client).report().cost == 4
