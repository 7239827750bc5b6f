"""`then` runs for each row that is saved, is acknowledged in the journal, and is repeated without buying."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from batch_runs import Monitor, is_download, rows, run
from fake_platform import FILES_URL, MODEL, FakePlatform, Plan, platform_fixture
from replicate_ext import Batch, Item

platform = platform_fixture()


def measure(item: Item) -> dict[str, Any]:
    return {"row": item.index, "sizes": [path.stat().st_size for path in item.paths]}


@pytest.fixture
def pictures(platform: FakePlatform) -> FakePlatform:
    platform.plan = lambda input: Plan(output=f"{FILES_URL}{input['text'][4:]}.png")
    return platform


# What it gets and returns


@pytest.mark.parametrize("engine", [None, ThreadPoolExecutor, ProcessPoolExecutor])
def test_results_are_in_the_journal(pictures: FakePlatform, tmp_path: Path, engine: Any) -> None:
    client = pictures.client()
    pool = engine and engine(2)
    items, stopped = run(client.map(MODEL, rows(12), tmp_path, then=measure, engine=pool))
    assert stopped is None
    expected = {n: {"row": n, "sizes": [len(f"{FILES_URL}{n}.png")]} for n in range(12)}
    assert {item.index: item.result for item in items} == expected
    assert {item.index: item.result for item in client.map(MODEL, rows(12), tmp_path, then=measure)} == expected
    if pool is not None:
        assert pool.submit(int, "1").result() == 1, "it stays open"
        pool.shutdown()


def test_it_runs_in_threads_and_gets_items_that_are_saved(pictures: FakePlatform, tmp_path: Path) -> None:
    seen: list[tuple[str, Item]] = []
    run(
        pictures.client().map(
            MODEL, rows(4), tmp_path, then=lambda item: seen.append((threading.current_thread().name, item))
        )
    )
    assert all(name.startswith("replicate-then") for name, _ in seen)
    for _, item in seen:
        assert (item.status, item.error, item.result) == ("succeeded", None, None)
        assert item.paths[0].read_bytes() == str(item.output).encode()


def test_it_is_not_called_for_failures(platform: FakePlatform, tmp_path: Path) -> None:
    seen: list[int] = []
    platform.plan = lambda input: Plan(status="failed" if input["text"] == "row 2" else "succeeded")
    items, _ = run(platform.client().map(MODEL, rows(4), tmp_path, then=lambda item: seen.append(item.index)))
    assert sorted(seen) == [0, 1, 3]
    assert len(items) == 4


def test_duplicates_share_its_result(platform: FakePlatform, tmp_path: Path) -> None:
    calls: list[int] = []

    def then(item: Item) -> int:
        calls.append(item.index)
        return 7

    items, _ = run(platform.client().map(MODEL, [*rows(2), *rows(2)], tmp_path, dedupe=True, then=then))
    assert [item.result for item in items] == [7] * 4
    assert sorted(calls) == [0, 1]


# Failures


@pytest.mark.parametrize(
    ("then", "error"),
    [
        (lambda item: 1 / 0, "then raised ZeroDivisionError: division by zero"),
        (lambda item: {1, 2}, "then raised TypeError: then must return JSON values or None: "),
        (lambda item: float("nan"), "then raised TypeError: then must return JSON values or None: "),
    ],
    ids=["raises", "no JSON", "NaN"],
)
def test_its_failure_is_that_of_the_row(platform: FakePlatform, tmp_path: Path, then: Any, error: str) -> None:
    items, stopped = run(platform.client().map(MODEL, rows(3), tmp_path, then=then))
    assert stopped is None
    assert [item.status for item in items] == ["succeeded"] * 3
    assert all(str(item.error).startswith(error) for item in items)
    assert all(item.output == "done" for item in items)


def test_retry_runs_only_what_has_failed_and_buys_nothing(pictures: FakePlatform, tmp_path: Path) -> None:
    calls = Counter[int]()
    odd = True

    def then(item: Item) -> int:
        calls[item.index] += 1
        if odd and item.index % 2:
            raise ValueError("odd")
        return item.index

    client = pictures.client()
    monitor = Monitor(pictures)
    items, _ = run(client.map(MODEL, rows(6), tmp_path, then=then, progress=monitor))
    assert sorted(item.index for item in items if item.error == "then raised ValueError: odd") == [1, 3, 5]
    assert monitor.statuses[-1][1].failures == {"then raised ValueError": 3}
    odd = False
    pictures.refuse = lambda request: httpx.Response(500) if is_download(request) else None
    items, stopped = run(Batch.open(tmp_path, client).retry(then=then))
    assert ([(item.index, item.result) for item in sorted(items, key=lambda item: item.index)], stopped) == (
        [(1, 1), (3, 3), (5, 5)],
        None,
    )
    assert calls == {0: 1, 1: 2, 2: 1, 3: 2, 4: 1, 5: 2}
    assert len(pictures.bought) == 6
    assert pictures.count("POST .*/predictions") == 6


# The window, and what is left when the batch ends


def test_window_bounds_what_is_submitted_and_buying_goes_on(platform: FakePlatform, tmp_path: Path) -> None:
    """A slow `then` delays no purchase, and takes no more rows than it can run."""
    release = threading.Event()
    submitted = 0

    class Pool(ThreadPoolExecutor):
        def submit(self, *args: Any, **options: Any) -> Any:
            nonlocal submitted
            submitted += 1
            return super().submit(*args, **options)

    def wait(item: Item) -> None:
        assert release.wait(10)

    def report(status: Any) -> None:
        if len(platform.bought) == 50 and status.in_flight == 0:
            highest.append(submitted)
            release.set()

    highest: list[int] = []
    with Pool(3) as pool:
        items, stopped = run(platform.client().map(MODEL, rows(50), tmp_path, then=wait, engine=pool, progress=report))
    assert (len(items), stopped) == (50, None)
    assert highest[0] == 2 * 3
    assert submitted == 50


def test_leaving_abandons_it_and_resume_runs_it_again(pictures: FakePlatform, tmp_path: Path) -> None:
    release = threading.Event()
    calls = Counter[int]()

    def then(item: Item) -> int:
        calls[item.index] += 1
        if item.index > 0 and not release.is_set():
            assert release.wait(10)
        return item.index

    client = pictures.client()
    for item in client.map(MODEL, rows(5), tmp_path, then=then):
        assert item.index == 0
        break
    bought = len(pictures.bought)
    release.set()
    with pytest.raises(ValueError, match=r"begun with `then`, which is not stored: write resume\(then=…\)"):
        run(Batch.open(tmp_path, client).resume())
    items, stopped = run(Batch.open(tmp_path, client).resume(then=then))
    assert ({item.index: item.result for item in items}, stopped) == ({n: n for n in range(1, 5)}, None)
    assert calls[0] == 1
    assert {n for n in calls if calls[n] == 2} <= {1, 2, 3, 4}
    canceled = sum(job.canceled_at is not None for job in pictures.bought)
    assert len(pictures.bought) == 5 + canceled
    assert bought <= 5


class BrokenPool(ThreadPoolExecutor):
    def submit(self, *args: Any, **options: Any) -> Any:
        raise RuntimeError("the workers are gone")


def test_engine_that_is_broken_stops_the_batch_and_another_one_goes_on(pictures: FakePlatform, tmp_path: Path) -> None:
    client = pictures.client()
    items, stopped = run(client.map(MODEL, rows(5), tmp_path, then=measure, engine=BrokenPool()))
    assert items == []
    assert stopped is not None
    assert "the engine cannot run `then`" in stopped.reason
    assert "the workers are gone" in stopped.reason
    items, stopped = run(Batch.open(tmp_path, client).resume(then=measure))
    assert ([item.error for item in items], stopped) == ([None] * 5, None)
    assert set(pictures.purchases().values()) == {1}
