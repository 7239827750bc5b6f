"""How many requests waiting costs, and how many creates the rate limit refuses."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import json_response
from fake_platform import MODEL, FakePlatform, Plan, platform_fixture

platform = platform_fixture()


def run(platform: FakePlatform, folder: Path, count: int, **options: Any) -> float:
    """Run so many rows, with metrics, and return the number of requests for each."""
    rows = ({"text": str(number)} for number in range(count))
    batch = platform.client().map(MODEL, rows, folder, **options)
    assert [item.status for item in batch] == ["succeeded"] * count
    report = batch.report()
    assert report.creates == count
    assert report.predict_seconds == pytest.approx(sum(job.plan.seconds for job in platform.bought))
    return (len(platform.requests) + len(platform.throttled)) / count


def test_held_runs_cost_one_request_and_their_share_of_a_page_with_metrics(
    platform: FakePlatform, tmp_path: Path
) -> None:
    platform.completion_lag = 0.5
    assert run(platform, tmp_path, 300) <= 1.1  # the promise: 1.3
    assert platform.count("GET /predictions/.*") <= 1, "that of the first one, which runs alone"


def test_thousand_long_runs_are_watched_by_pages_of_the_list(platform: FakePlatform, tmp_path: Path) -> None:
    platform.plan = lambda input: Plan(60)
    assert run(platform, tmp_path, 1100, concurrency=1000) <= 1.1  # the promise: 2.2
    assert platform.max_running() == 1000


def test_runs_of_very_different_durations(platform: FakePlatform, tmp_path: Path) -> None:
    chance = random.Random(1)
    platform.plan = lambda input: Plan(chance.uniform(30, 120))
    assert run(platform, tmp_path, 300, concurrency=300) <= 1.6
    ended = max(job.ended_at for job in platform.bought)
    assert platform.clock.time < ended + 15, "the last end is noticed soon"


def test_runs_that_are_longer_than_the_hold(platform: FakePlatform, tmp_path: Path) -> None:
    platform.plan = lambda input: Plan(90)
    assert run(platform, tmp_path, 300) <= 1.1


@pytest.mark.parametrize(("seconds", "concurrency"), [(5, 100), (60, 300)], ids=["held", "long"])
def test_predictions_of_other_programs_fill_the_list(
    platform: FakePlatform, tmp_path: Path, seconds: float, concurrency: int
) -> None:
    platform.foreign_rate = 20
    platform.plan = lambda input: Plan(seconds)
    assert run(platform, tmp_path, 300, concurrency=concurrency) <= 1.2
    assert len(platform.jobs) > 2 * 300


def test_few_runs_among_many_of_other_programs_are_fetched_one_by_one(platform: FakePlatform, tmp_path: Path) -> None:
    """A page of the list shows two seconds, in which the batch has created nothing or one."""
    platform.foreign_rate = 50
    platform.limit_creates(1, 0.1)
    platform.plan = lambda input: Plan(70)
    assert run(platform, tmp_path, 30) <= 2.2


def test_stragglers_cost_few_requests(platform: FakePlatform, tmp_path: Path) -> None:
    platform.plan = lambda input: Plan(1800 if input["text"][-2:] == "77" else 20)
    assert run(platform, tmp_path, 300) <= 2.2


def test_list_that_is_late(platform: FakePlatform, tmp_path: Path) -> None:
    platform.list_lag = 8
    platform.plan = lambda input: Plan(5 if int(input["text"]) % 2 else 50)
    assert run(platform, tmp_path, 200) <= 2.2


def test_list_that_ignores_the_date_of_creation(platform: FakePlatform, tmp_path: Path) -> None:
    list_predictions = platform._list
    platform._list = lambda params: list_predictions(params.remove("created_before"))  # type: ignore[method-assign]
    platform.foreign_rate = 20
    platform.plan = lambda input: Plan(50)
    assert run(platform, tmp_path, 200) <= 2.2


def test_held_creates_leave_half_of_the_connections(
    platform: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the 256 open files that macOS allows, a client has 128 connections."""
    held: list[float] = []

    def note(request: httpx.Request) -> None:
        if "prefer" in request.headers:
            held.append(platform.clock.time)

    monkeypatch.setattr("replicate_ext._batch.buyer.max_connections", lambda: 20)
    platform.refuse, platform.plan = note, lambda input: Plan(20)
    run(platform, tmp_path, 51, concurrency=50)
    assert len(held) == 1 + 10


# Rate limits


def test_limit_of_600_a_minute_refuses_nothing(platform: FakePlatform, tmp_path: Path) -> None:
    platform.limit_creates(600, 10)
    run(platform, tmp_path, 750, concurrency=1000)
    assert platform.throttled == []
    assert platform.clock.time - 1000 < 1 + 150 / 10 + 10, "and it is used up"


def test_limit_of_low_credit_refuses_nothing(platform: FakePlatform, tmp_path: Path) -> None:
    platform.limit_creates(1, 0.1)
    assert run(platform, tmp_path, 40) <= 1.1
    assert platform.throttled == []
    assert platform.clock.time - 1000 < 40 * 11 + 10


def test_other_programs_use_half_of_the_limit(platform: FakePlatform, tmp_path: Path) -> None:
    def create_elsewhere(request: httpx.Request) -> None:
        nonlocal elsewhere
        while elsewhere + 2 <= platform.clock.time:
            elsewhere += 2
            platform._creates.take()

    elsewhere = platform.clock.time
    platform.limit_creates(60, 1)
    platform.refuse = create_elsewhere
    run(platform, tmp_path, 160)
    seconds = platform.clock.time - 1000
    assert seconds < 1 + (160 - 60) / 0.5 + 10, "the other half is used up"
    assert len(platform.throttled) <= seconds / 2, "one for each create of the other program, at most"


def test_server_that_names_no_limit_gets_growing_pauses(platform: FakePlatform, tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        is_throttled = request.method == "POST" and 5 < platform.clock.time - 1000 < 305
        return json_response({"detail": "too many requests"}, 429) if is_throttled else None

    platform.refuse = refuse
    run(platform, tmp_path, 100, concurrency=10)
    assert len(platform.refused) <= 10 * 12, "ten creates at a time, in twelve attempts within five minutes"
