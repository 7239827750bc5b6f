"""What a batch reports while it runs: numbers, rate, failures by kind, cost, and why nothing seems to happen."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from batch_runs import Monitor, fail, file_url, is_create, is_download, rows, run
from conftest import json_response
from fake_platform import MODEL, FakePlatform, Plan, platform_fixture
from replicate_ext import Batch
from replicate_ext._batch.progress import Status

platform = platform_fixture()


@pytest.fixture
def monitor(platform: FakePlatform) -> Monitor:
    return Monitor(platform)


def count(status: Status) -> tuple[int, int, int, int]:
    return status.rows, status.done, status.failed, status.uncertain


# Numbers


def test_numbers_add_up_all_the_time(platform: FakePlatform, tmp_path: Path, monitor: Monitor) -> None:
    platform.plan = lambda input: Plan(
        5.0 + int(input["text"][4:]) % 7,
        "failed" if input["text"].endswith("3") else "succeeded",
        file_url(platform),
    )
    batch = [*rows(40), *rows(10)]
    items, _ = run(platform.client().map(MODEL, batch, tmp_path, dedupe=True, concurrency=8, progress=monitor))
    assert len(items) == 50
    for _, status in monitor.statuses:
        assert status.rows == 50
        assert status.finished <= 50
        assert status.in_flight <= 8
        assert status.failed == sum(status.failures.values())
        assert status.in_flight + status.saving <= status.creates <= 40
    finished = [status.finished for _, status in monitor.statuses]
    assert finished == sorted(finished)
    assert max(status.in_flight for _, status in monitor.statuses) == 8
    last = monitor.statuses[-1][1]
    assert count(last) == (50, 45, 5, 0)
    assert (last.creates, last.in_flight, last.saving, last.failures) == (40, 0, 0, {"ModelError": 5})


def test_running_rows_are_counted_where_they_are(platform: FakePlatform, tmp_path: Path, monitor: Monitor) -> None:
    platform.plan = lambda input: Plan(1.0 if input["text"] == "row 0" else 20.0, output=file_url(platform))
    fail(platform, 1010, 1060, lambda: httpx.Response(500), matches=is_download)
    run(platform.client().map(MODEL, rows(4), tmp_path, progress=monitor))
    states = [(status.in_flight, status.saving, status.done) for _, status in monitor.statuses]
    steps = [state for state, following in pairwise([*states, None]) if state != following]
    assert [step for step in steps if step[2] == 1][-2:] == [(3, 0, 1), (0, 3, 1)]
    assert steps[-1] == (0, 0, 4)


def test_rate_and_eta(platform: FakePlatform, tmp_path: Path, monitor: Monitor) -> None:
    run(platform.client().map(MODEL, rows(241, seconds=10), tmp_path, concurrency=20, progress=monitor))
    middle = [status for at, status in monitor.statuses if 1075 < at < 1125]
    assert all(1.6 < status.rate < 2.4 for status in middle)
    for at, status in monitor.statuses:
        if 1075 < at < 1125:
            assert status.eta == pytest.approx(platform.clock.time - at, rel=0.25, abs=12)
    assert monitor.statuses[0][1].eta is None
    assert monitor.statuses[-1][1].eta == 0.0


def test_failures_are_counted_by_kind_also_those_of_earlier_sessions(
    platform: FakePlatform, tmp_path: Path, monitor: Monitor
) -> None:
    platform.plan = lambda input: Plan(status={"row 1": "failed", "row 2": "canceled"}.get(input["text"], "succeeded"))

    def then(item: Any) -> None:
        if item.index == 3:
            raise ValueError("no")

    client = platform.client()
    batch = [*rows(5), {"seconds": "long"}, *rows(1)]
    run(client.map(MODEL, batch, tmp_path, then=then, max_creates=5))
    failures = {"ModelError": 1, "PredictionCanceledError": 1, "then raised ValueError": 1, "InvalidInputError": 1}
    resumed = Batch.open(tmp_path, client).resume(then=then, max_creates=None, progress=monitor)
    assert resumed.status().failures == failures
    run(resumed)
    assert [status.failures for _, status in monitor.statuses] == [failures] * len(monitor.statuses)
    assert (count(monitor.statuses[-1][1]), count(resumed.status())) == ((7, 3, 4, 0), (7, 3, 4, 0))


def test_uncertain_rows_are_no_failures(platform: FakePlatform, tmp_path: Path, monitor: Monitor) -> None:
    platform.lose = lambda request: httpx.ReadError("reset") if is_create(request) and platform.bought[1:] else None
    remove = lambda job, now: job | {"input": {}, "data_removed": True}  # noqa: E731
    render = platform._list
    platform._list = lambda params: _edit(render(params), remove)  # type: ignore[method-assign]
    batch = platform.client().map(MODEL, rows(2), tmp_path, progress=monitor)
    items, stopped = run(batch)
    assert stopped is None
    assert str(items[-1].error).startswith("uncertain: a create sent at 2026-")
    assert batch.report().errors == {"uncertain": 1}
    for status in (monitor.statuses[-1][1], batch.status()):
        assert (count(status), status.failures) == ((2, 1, 0, 1), {})
        assert str(status).count("uncertain") == 1


def _edit(response: httpx.Response, edit: Any) -> httpx.Response:
    page = response.json()
    page["results"] = [edit(job, 0) if job["input"].get("text") == "row 1" else job for job in page["results"]]
    return json_response(page)


def test_cost_so_far(platform: FakePlatform, tmp_path: Path, monitor: Monitor) -> None:
    batch = platform.client().map(MODEL, rows(9, seconds=2), tmp_path, price=0.5, concurrency=2, progress=monitor)
    run(batch)
    costs = [status.cost or 0.0 for _, status in monitor.statuses]
    assert costs == sorted(costs)
    assert (costs[0], costs[-1]) == (0.0, 4.5)
    assert batch.status().cost == 4.5
    run(platform.client().map(MODEL, rows(9), tmp_path / "free", progress=monitor))
    assert monitor.statuses[-1][1].cost is None


def test_status_can_be_read_while_the_batch_runs_and_afterwards(platform: FakePlatform, tmp_path: Path) -> None:
    batch = platform.client().map(MODEL, rows(6), tmp_path, concurrency=1)
    for finished, _ in enumerate(batch, 1):
        status = batch.status()
        assert finished <= status.finished <= 6
    assert count(batch.status()) == (6, 6, 0, 0)
    assert count(Batch.open(tmp_path, platform.client()).status()) == (6, 6, 0, 0)


# How often


@pytest.mark.parametrize(("seconds", "concurrency"), [(0.05, 1), (0.05, 4), (30.0, 50)])
def test_status_is_reported_twice_a_second_at_most(
    platform: FakePlatform, tmp_path: Path, monitor: Monitor, seconds: float, concurrency: int
) -> None:
    run(platform.client().map(MODEL, rows(100, seconds=seconds), tmp_path, concurrency=concurrency, progress=monitor))
    pauses = [later - earlier for (earlier, _), (later, _) in pairwise(monitor.statuses)]
    assert min(pauses[:-1]) >= 0.5, "except the last one"
    assert max(pauses) < 2
    assert monitor.statuses[-1][1].done == 100


def test_function_that_raises_stops_the_batch(platform: FakePlatform, tmp_path: Path) -> None:
    calls: list[Status] = []

    def progress(status: Status) -> None:
        calls.append(status)
        if status.done > 3:
            raise ZeroDivisionError("no")

    items, stopped = run(platform.client().map(MODEL, rows(40), tmp_path, concurrency=2, progress=progress))
    assert stopped is not None
    assert stopped.reason == "progress raised ZeroDivisionError: no"
    assert isinstance(stopped.__cause__, ZeroDivisionError)
    assert [item.status for item in items] == ["succeeded"] * len(platform.bought)
    assert len(platform.bought) < 10
    assert calls[-1].done < 10
    assert sum(status.done > 3 for status in calls) == 1


# The bar


@pytest.mark.parametrize("has_tqdm", [True, False])
def test_true_shows_a_bar_or_lines(
    platform: FakePlatform,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    has_tqdm: bool,
) -> None:
    if has_tqdm:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    platform.plan = lambda input: Plan(status="failed" if input["text"] == "row 2" else "succeeded")
    run(platform.client().map(MODEL, rows(10), tmp_path, concurrency=1, price=0.25, progress=True))
    shown = capsys.readouterr()
    assert shown.out == ""
    last = shown.err.replace("\r", "\n").strip().splitlines()[-1]
    assert last.startswith("100%|" if has_tqdm else "10 of 10 rows (100%), ")
    assert "1 ModelError, cost so far 2.50" in last


# Notes


def test_note_says_that_the_rate_limit_is_waited_for(platform: FakePlatform, tmp_path: Path, monitor: Monitor) -> None:
    platform.limit_creates(1, 0.1)
    run(platform.client().map(MODEL, rows(6, seconds=3), tmp_path, progress=monitor))
    assert monitor.notes(1001, 1003) == [""], "the first row runs alone"
    assert "waiting for the rate limit" in monitor.notes(1004, 1040)
    assert monitor.statuses[-1][1].note == ""


def test_no_note_while_nothing_is_wrong(platform: FakePlatform, tmp_path: Path, monitor: Monitor) -> None:
    run(platform.client().map(MODEL, rows(100, seconds=20), tmp_path, concurrency=30, progress=monitor))
    assert monitor.notes() == [""]


def test_stop_creates_nothing_more_and_says_so(platform: FakePlatform, tmp_path: Path, monitor: Monitor) -> None:
    batch = platform.client().map(MODEL, rows(40, seconds=10), tmp_path, concurrency=4, progress=monitor)
    platform.refuse = lambda request: batch.stop() if platform.clock.time > 1025 else None
    items, stopped = run(batch)
    assert stopped is not None
    assert stopped.reason == "stop() was called"
    assert "to continue: Batch.open(" in str(stopped)
    assert [item.status for item in items] == ["succeeded"] * len(platform.bought)
    assert len(platform.bought) <= 16
    assert monitor.notes(1033) == ["stopping: stop() was called"]
    assert len(run(Batch.open(tmp_path, platform.client()).resume())[0]) == 40 - len(items)
