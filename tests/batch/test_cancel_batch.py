"""Batch.cancel: what is surely ours ends, what may be somebody else's goes on and is named."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from fake_platform import MODEL, SCHEMA, FakePlatform, Plan, platform_fixture
from killed_process import is_create, is_poll, kill, kill_batch
from replicate_ext._batch.batch import Batch
from replicate_ext._batch.item import Item
from replicate_ext._batch.journal import Journal
from replicate_ext.errors import BatchStoppedError

platform = platform_fixture()

ROWS = [{"text": str(number), "seconds": 1.0 if number < 3 else 600.0} for number in range(9)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "batch"


def statuses(platform: FakePlatform) -> Counter[str]:
    return Counter(job.status(platform.clock.time) for job in platform.bought)


def resume(platform: FakePlatform, folder: Path, **changes: Any) -> list[Item]:
    """Continue in another process, and return all items in order."""
    return list(Batch.open(folder, platform.client()).resume(**changes).results())


def assert_completed(platform: FakePlatform, folder: Path, canceled: int) -> None:
    """Finish the batch: every row has succeeded once, and what was canceled was bought again."""
    platform.plan = lambda input: Plan()
    assert [item.status for item in resume(platform, folder)] == ["succeeded"] * 9
    assert Counter(job.status(platform.clock.time) for job in platform.bought) == Counter(
        succeeded=9, canceled=canceled
    )


def is_running(platform: FakePlatform) -> Any:
    return lambda request: is_poll(request) and len(platform.bought) == 9


@pytest.mark.parametrize("is_official", [True, False])
def test_cancel_after_a_kill(platform: FakePlatform, folder: Path, is_official: bool) -> None:
    """Of a community model, the new process needs no request before it cancels."""
    platform.is_official = is_official
    crashed = kill(platform, ROWS, folder, before=is_running(platform))
    batch = Batch.open(crashed, platform.client())
    report = batch.cancel()
    assert statuses(platform) == {"succeeded": 3, "canceled": 6}
    assert (report.done, report.in_flight) == (3, 0)
    assert_completed(platform, crashed, canceled=6)


def test_cancel_needs_no_function(platform: FakePlatform, folder: Path) -> None:
    crashed = kill(platform, ROWS, folder, before=is_running(platform), then=lambda item: item.index)
    platform.plan = lambda input: Plan()
    Batch.open(crashed, platform.client()).cancel()
    assert statuses(platform)["processing"] == 0
    with pytest.raises(ValueError, match="begun with `then`"):
        resume(platform, crashed)
    items = resume(platform, crashed, then=lambda item: item.index * 10)
    assert [item.result for item in items if item.index > 2] == [30, 40, 50, 60, 70, 80]


def test_rows_whose_prediction_ends_while_it_is_canceled_still_need_then(platform: FakePlatform, folder: Path) -> None:
    rows = [{"text": "0", "seconds": 100.0}]
    crashed = kill(platform, rows, folder, before=is_poll, then=lambda item: 1)
    platform.clock.time += 200
    report = Batch.open(crashed, platform.client()).cancel()
    assert report.unfinished == {"saved": 1}
    [item] = resume(platform, crashed, then=lambda item: 2)
    assert (item.result, len(platform.bought)) == (2, 1)


def test_cancel_after_the_loop_was_left(platform: FakePlatform, folder: Path) -> None:
    batch = platform.client().map(MODEL, ROWS, folder, cancel_on_exit=False)
    for item in batch:
        if item.index == 2:
            break
    assert statuses(platform) == {"succeeded": 3, "processing": 6}
    assert batch.cancel().done == 3
    assert statuses(platform) == {"succeeded": 3, "canceled": 6}
    assert [*batch.cancel().unfinished] == ["new"]
    assert_completed(platform, folder, canceled=6)


def test_cancel_without_a_batch(platform: FakePlatform, folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"begin one with client\.map"):
        platform.client().map(MODEL, ROWS, folder).cancel()
    assert not folder.exists()


def lost_create(platform: FakePlatform, folder: Path) -> Path:
    """Buy one row, and be killed before the response to the second create arrives."""
    count = 0

    def is_second(request: httpx.Request) -> bool:
        nonlocal count
        count += is_create(request)
        return is_create(request) and count == 2

    rows = [{"text": "first"}, {"text": "lost", "seconds": 600.0}]
    return kill(platform, rows, folder, after=is_second)


def test_cancel_finds_predictions_whose_id_never_arrived(platform: FakePlatform, folder: Path) -> None:
    crashed = lost_create(platform, folder)
    report = Batch.open(crashed, platform.client()).cancel()
    assert statuses(platform) == {"succeeded": 1, "canceled": 1}
    assert report.in_flight == 0
    platform.plan = lambda input: Plan()
    assert [item.status for item in resume(platform, crashed)] == ["succeeded"] * 2


def test_cancel_leaves_equal_predictions_of_others_alone(platform: FakePlatform, folder: Path) -> None:
    crashed = lost_create(platform, folder)
    foreign = platform.add_job({"text": "lost", "seconds": 600.0})
    with pytest.raises(BatchStoppedError, match=r"predictions may be running still, of the rows 1; to continue: Batch"):
        Batch.open(crashed, platform.client()).cancel()
    assert not platform.count(".*/cancel")
    items = resume(platform, crashed)
    assert items[1].prediction_id in {foreign.id, platform.bought[1].id}
    assert len(platform.bought) == 2


def test_adopted_prediction_that_may_be_foreign_is_not_canceled(platform: FakePlatform, folder: Path) -> None:
    crashed = lost_create(platform, folder)
    platform.add_job({"text": "lost", "seconds": 600.0})
    batch = Batch.open(crashed, platform.client()).resume()
    crashed = kill_batch(platform, batch, before=lambda request: "/predictions/" in request.url.path)
    with pytest.raises(BatchStoppedError, match="of the rows 1;"):
        Batch.open(crashed, platform.client()).cancel()
    assert not platform.count(".*/cancel")
    assert [item.status for item in resume(platform, crashed)] == ["succeeded"] * 2
    assert len(platform.bought) == 2


def test_cancel_that_the_api_does_not_take_names_the_rows(platform: FakePlatform, folder: Path) -> None:
    crashed = kill(platform, ROWS, folder, before=is_running(platform))
    platform.refuse = lambda request: httpx.ConnectError("down") if request.url.path.endswith("/cancel") else None
    with pytest.raises(BatchStoppedError, match="may be running still, of the rows 3, 4, 5, 6, 7, 8; to continue"):
        Batch.open(crashed, platform.client()).cancel()
    assert statuses(platform) == {"succeeded": 3, "processing": 6}
    platform.refuse = lambda request: None
    assert_completed(platform, crashed, canceled=0)


def test_cancel_goes_on_although_the_disk_is_full(
    platform: FakePlatform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashed = kill(platform, ROWS, folder, before=is_running(platform))

    def fail(journal: Journal) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "commit", fail)
        with pytest.raises(BatchStoppedError, match="may be running still, of the rows 3, 4, 5, 6, 7, 8"):
            Batch.open(crashed, platform.client()).cancel()
    assert statuses(platform) == {"succeeded": 3, "canceled": 6}


def test_cancel_goes_on_although_the_schema_has_changed(
    platform: FakePlatform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashed = kill(platform, ROWS, folder, before=is_running(platform))
    monkeypatch.setitem(SCHEMA["components"]["schemas"]["Input"]["properties"], "style", {"type": "string"})
    Batch.open(crashed, platform.client()).cancel()
    assert statuses(platform) == {"succeeded": 3, "canceled": 6}
