"""Whether one more create fits into the limits of a batch."""

from __future__ import annotations

import math
from typing import Any

import pytest

from replicate_api.models import Prediction
from replicate_ext._batch.budget import Budget
from replicate_ext._batch.options import Options


def half(job: Any) -> float:
    return 0.5


def budget(steps: str = "", **options: Any) -> Budget:
    """Return a budget after steps: `reserve`, `release`, or seconds and perhaps a cost, such as `2` or `2:0.5`."""
    budget = Budget(Options(**options))
    for step in steps.split():
        match step:
            case "reserve":
                budget.reserve()
            case "release":
                budget.release()
            case _:
                seconds, _, cost = step.partition(":")
                budget.settle(float(seconds), float(cost) if cost else None)
    return budget


@pytest.mark.parametrize(
    ("options", "steps", "is_refused"),
    [
        ({}, "reserve " * 1000, False),
        # max_creates: what was accepted, or may have been
        ({"max_creates": 2}, "reserve", False),
        ({"max_creates": 2}, "reserve reserve", True),
        ({"max_creates": 2}, "reserve reserve 1 1", True),
        ({"max_creates": 2}, "reserve reserve release", False),
        # max_cost with a number: known before the first run
        ({"max_cost": 1.0, "price": 0.25}, "reserve " * 3, False),
        ({"max_cost": 1.0, "price": 0.25}, "reserve " * 4, True),
        ({"max_cost": 1.0, "price": 0.25}, "reserve 1:0.25 " * 3, False),
        ({"max_cost": 1.0, "price": 0.25}, "reserve 1:0.25 " * 4, True),
        ({"max_cost": 1.0, "price": 0.25}, "reserve " * 4 + "release", False),
        ({"max_cost": 0.3, "price": 0.1}, "reserve 1:0.1 " * 2, False),
        ({"max_cost": 0.3, "price": 0.1}, "reserve 1:0.1 " * 3, True),
        ({"max_cost": 0.2, "price": 0.25}, "", True),
        ({"max_cost": 0, "price": 0.25}, "", True),
        ({"max_cost": 0, "price": 0}, "reserve 1:0 " * 3, False),
        # max_cost with a function: the first one shows what they cost, then the highest so far counts
        ({"max_cost": 1.0, "price": half}, "", False),
        ({"max_cost": 1.0, "price": half}, "reserve", True),
        ({"max_cost": 1.0, "price": half}, "reserve release", False),
        ({"max_cost": 1.0, "price": half}, "reserve 1:0.2", False),
        ({"max_cost": 1.0, "price": half}, "reserve 1:0.2 reserve reserve reserve", False),
        ({"max_cost": 1.0, "price": half}, "reserve 1:0.2 reserve reserve reserve reserve", True),
        ({"max_cost": 1.0, "price": half}, "reserve 1:0.2 reserve reserve reserve 1:0.4", True),
        ({"max_cost": 1.0, "price": half}, "reserve 1:0.2 reserve reserve reserve 1:0.1", False),
        ({"max_cost": 0, "price": half}, "", True),
        # max_seconds
        ({"max_seconds": 10}, "", False),
        ({"max_seconds": 10}, "reserve", True),
        ({"max_seconds": 10}, "reserve 4", False),
        ({"max_seconds": 10}, "reserve 4 reserve", True),
        ({"max_seconds": 10}, "reserve 4 reserve 1", False),
        ({"max_seconds": 10}, "reserve 4 reserve 3", True),
        ({"max_seconds": 0.3}, "reserve 0.1 reserve 0.1", False),
        ({"max_seconds": 0.3}, "reserve 0.1 reserve 0.1 reserve 0.1", True),
        ({"max_seconds": 0}, "", True),
    ],
)
def test_refusal(options: dict[str, Any], steps: str, is_refused: bool) -> None:
    refusal = budget(steps, **options).refusal()
    assert (refusal is not None) == is_refused
    if refusal is not None:
        assert refusal.option == next(iter(options))
        assert refusal.option in refusal.reason


@pytest.mark.parametrize(
    ("options", "steps", "is_waiting"),
    [
        ({"max_creates": 1}, "reserve", False),
        ({"max_cost": 1.0, "price": 0.5}, "reserve reserve", False),
        ({"max_cost": 1.0, "price": half}, "reserve", True),
        ({"max_cost": 1.0, "price": half}, "reserve 1:0.5 reserve", True),
        ({"max_cost": 1.0, "price": half}, "reserve 1:0.5 reserve 1:0.5", False),
        ({"max_seconds": 10}, "reserve", True),
        ({"max_seconds": 10}, "reserve 2 reserve", False),
    ],
)
def test_budget_waits_for_metrics_only_if_they_decide(options: dict[str, Any], steps: str, is_waiting: bool) -> None:
    assert budget(steps, **options).needs_metrics == is_waiting


@pytest.mark.parametrize(
    ("options", "attempt", "creates", "seconds", "cost"),
    [
        ({}, ("refused", None, None), 0, 0, 0),
        ({}, ("succeeded", 2.0, None), 1, 2, 0),
        ({"price": half}, ("succeeded", 2.0, 0.7), 1, 2, 0.7),
        ({"price": half}, ("failed", 2.0, 0.7), 1, 2, 0.7),
        ({"price": half}, ("succeeded", 2.0, None), 1, 2, 0),  # of a session without `price`: it is fetched again
        ({"price": 0.25}, ("succeeded", 2.0, None), 1, 2, 0.25),
        ({"price": 0.25}, ("succeeded", None, None), 1, 0, 0),
        ({"price": 0.25}, ("uncertain", None, None), 1, 0, 0),
        ({"price": 0.25}, (None, None, None), 1, 0, 0),
    ],
)
def test_purchases_of_earlier_sessions_count(
    options: dict[str, Any], attempt: Any, creates: int, seconds: float, cost: float
) -> None:
    loaded = budget(**options)
    loaded.load([attempt])
    assert (loaded.creates, loaded.seconds, loaded.cost) == (creates, seconds, cost)


@pytest.mark.parametrize(
    ("options", "is_refused"),
    [
        ({"max_creates": 3}, True),
        ({"max_creates": 4}, False),
        ({"max_cost": 1.6, "price": half}, False),  # 0.4 were spent, and two may cost 0.4 each
        ({"max_cost": 1.5, "price": half}, True),
        ({"max_seconds": 8}, False),
        ({"max_seconds": 7}, True),
    ],
)
def test_what_is_running_or_uncertain_since_an_earlier_session_is_reserved(
    options: dict[str, Any], is_refused: bool
) -> None:
    loaded = budget(**options)
    loaded.load([("succeeded", 2.0, 0.4), ("uncertain", None, None), (None, None, None), ("refused", None, None)])
    assert (loaded.refusal() is not None) == is_refused


@pytest.mark.parametrize(
    ("price", "status", "expected"),
    [
        (None, "succeeded", None),
        (0.25, "succeeded", 0.25),
        (0.25, "failed", 0.25),
        (0.25, "canceled", 0.25),
        (0.25, "aborted", 0.0),
        (None, "aborted", None),
        (half, "succeeded", 0.5),
        (half, "aborted", 0.5),
        (lambda job: 3, "succeeded", 3.0),
    ],
)
def test_price_of_a_prediction(price: Any, status: str, expected: float | None) -> None:
    assert budget(price=price).price_of(Prediction.from_dict({"id": "x", "status": status})) == expected


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.1, None, "much"])
def test_price_that_returns_no_amount_raises(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        budget(price=lambda job: wrong).price_of(Prediction.from_dict({"id": "x"}))
