"""The same folder again: what is done stays, what is not is continued, and what has failed is retried on request."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import json_response
from fake_platform import MODEL, FakePlatform, Plan, platform_fixture
from replicate_ext._batch import enroll
from replicate_ext._batch.batch import Batch
from replicate_ext._batch.item import Item
from replicate_ext.errors import BatchStoppedError, InvalidInputError

platform = platform_fixture()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "batch"


def rows(*texts: Any) -> list[dict[str, Any]]:
    return [{"text": str(text)} for text in texts]


def run(platform: FakePlatform, rows: Any, folder: Path, **options: Any) -> list[Item]:
    return list(platform.client().map(MODEL, rows, folder, **options).results())


def opened(platform: FakePlatform, folder: Path) -> Batch:
    """Open the batch as another process does."""
    return Batch.open(folder, platform.client())


def unmeasured(items: list[Item]) -> list[Item]:
    """Return items without what may arrive after them."""
    return [replace(item, seconds=None) for item in items]


def texts(platform: FakePlatform) -> list[str]:
    """Return what was bought, in order."""
    return [job.input["text"] for job in platform.bought]


# Continue


def test_map_again_yields_what_is_done_and_buys_nothing(platform: FakePlatform, folder: Path) -> None:
    first = run(platform, rows(0, 1, 2), folder)
    sent = platform.count("(POST|GET /predictions).*")
    assert unmeasured(run(platform, rows(0, 1, 2), folder)) == unmeasured(first)
    assert [item.output for item in first] == ["done"] * 3
    assert platform.count("(POST|GET /predictions).*") == sent


def test_map_again_and_resume_continue_after_a_limit(platform: FakePlatform, folder: Path) -> None:
    with pytest.raises(BatchStoppedError, match="max_creates=2 is reached") as caught:
        run(platform, rows(*range(6)), folder, max_creates=2, concurrency=1)
    assert f"to continue: Batch.open({str(folder)!r}, client).resume(max_creates=…)" in str(caught.value)
    assert caught.value.option == "max_creates"
    with pytest.raises(BatchStoppedError, match="max_creates=4 is reached"):
        run(platform, rows(*range(6)), folder, max_creates=4)
    with pytest.raises(BatchStoppedError, match="max_creates=4 is reached"):
        list(opened(platform, folder).resume())
    assert sorted(item.index for item in opened(platform, folder).resume(max_creates=100)) == [4, 5]
    assert Counter(texts(platform)) == Counter("012345")
    assert [*opened(platform, folder).resume()] == []
    assert [item.index for item in opened(platform, folder).resume().results()] == list(range(6))


def test_resume_refuses_what_cannot_change(platform: FakePlatform, folder: Path) -> None:
    run(platform, rows(0), folder)
    for name in ("key", "dedupe", "shard", "rows"):
        with pytest.raises(TypeError, match=f"{name} is no option that can be changed"):
            opened(platform, folder).resume(**{name: None})
    with pytest.raises(ValueError, match="concurrency must be at least 1"):
        list(opened(platform, folder).resume(concurrency=0))


def test_items_come_as_they_end_and_results_in_the_order_of_the_input(platform: FakePlatform, tmp_path: Path) -> None:
    given = [{"text": "a", "seconds": seconds} for seconds in (1, 9, 5, 3)]
    client = platform.client()
    assert [item.index for item in client.map(MODEL, given, tmp_path / "1")] == [0, 3, 2, 1]
    assert [item.index for item in client.map(MODEL, given, tmp_path / "2").results()] == [0, 1, 2, 3]

    async def collect() -> list[int]:
        async with platform.async_client() as client:
            return [item.index async for item in client.map(MODEL, given, tmp_path / "3").results()]

    assert asyncio.run(collect()) == [0, 1, 2, 3]


def test_batch_is_iterated_once(platform: FakePlatform, folder: Path) -> None:
    batch = platform.client().map(MODEL, rows(0), folder)
    assert len(list(batch)) == 1
    with pytest.raises(RuntimeError, match=r"iterated once: batch\.resume\(\) continues it"):
        list(batch)
    assert [*batch.resume()] == []


def test_empty_batch(platform: FakePlatform, folder: Path) -> None:
    assert run(platform, [], folder) == []
    assert opened(platform, folder).report().rows == 0
    assert [*opened(platform, folder).resume()] == []


def test_then_has_to_be_given_again(platform: FakePlatform, folder: Path) -> None:
    run(platform, rows(0), folder, then=lambda item: 1)
    with pytest.raises(ValueError, match=r"begun with `then`, which is not stored: write resume\(then=…\)"):
        list(opened(platform, folder).resume())
    assert [*opened(platform, folder).resume(then=lambda item: 1)] == []


def test_then_can_be_left_out_by_another_map(platform: FakePlatform, folder: Path) -> None:
    crashed = folder.with_name("crashed")
    run(platform, rows(0), folder, then=lambda item: shutil.copytree(folder, crashed) and None)
    assert opened(platform, crashed).report().unfinished == {"saved": 1}
    [item] = run(platform, rows(0), crashed)
    assert (item.status, item.error, item.result) == ("succeeded", None, None)
    assert [*opened(platform, crashed).resume()] == []
    assert texts(platform) == ["0"]


# Retry


def test_retry_buys_failed_rows_again(platform: FakePlatform, folder: Path) -> None:
    platform.plan = lambda input: Plan(status="failed", error="no") if input["text"] == "1" else Plan()
    items = run(platform, rows(0, 1, 2), folder, retries=0)
    assert [item.status for item in items] == ["succeeded", "failed", "succeeded"]
    assert [*opened(platform, folder).resume()] == []
    assert [*opened(platform, folder).retry(failed=False)] == []
    platform.plan = lambda input: Plan()
    [item] = opened(platform, folder).retry()
    assert (item.index, item.status, item.error, item.attempts) == (1, "succeeded", None, 2)
    assert item.is_successful
    assert texts(platform).count("1") == 2
    assert opened(platform, folder).report().failed == 0


def test_row_that_is_retried_is_no_failure_until_it_ends(platform: FakePlatform, folder: Path) -> None:
    platform.plan = lambda input: Plan(status="failed", error="no") if input["text"] == "1" else Plan()
    run(platform, rows(0, 1), folder, retries=0)
    with pytest.raises(BatchStoppedError, match="max_creates=2"):
        list(opened(platform, folder).retry(max_creates=2))
    report = opened(platform, folder).report()
    assert (report.failed, report.unfinished, report.errors) == (0, {"new": 1}, {})


def test_failed_then_is_retried_without_buying(platform: FakePlatform, folder: Path) -> None:
    def fail(item: Item) -> None:
        raise OSError("the database is down")

    first, second = run(platform, rows(0, 1), folder, then=fail)
    assert str(first.error).startswith("then raised OSError: the database is down")
    assert not first.is_successful
    items = [*opened(platform, folder).retry(then=lambda item: item.index * 2)]
    assert sorted((item.index, item.result, item.error, item.is_successful) for item in items) == [
        (0, 0, None, True),
        (1, 2, None, True),
    ]
    assert texts(platform) == ["0", "1"]
    assert second.prediction_id in {item.prediction_id for item in items}


def test_failed_save_is_retried_without_buying(platform: FakePlatform, folder: Path) -> None:
    platform.plan = lambda input: Plan(output=f"https://replicate.delivery/{input['text']}/out.png")

    def refuse(request: httpx.Request) -> Any:
        is_file = request.url.path == "/0/out.png"
        return json_response({"detail": "forbidden"}, 403) if is_file else None

    platform.refuse = refuse
    first, second = run(platform, rows(0, 1), folder, max_failures=None)
    assert "403" in str(first.error)
    assert second.is_successful
    platform.refuse = lambda request: None
    [item] = opened(platform, folder).retry()
    assert (item.index, item.error, item.is_successful, len(item.paths)) == (0, None, True, 1)
    assert texts(platform) == ["0", "1"]


# Rows


INVALID = {"text": "b", "seconds": "long"}


def test_invalid_rows_are_reported_and_mended_in_the_source(platform: FakePlatform, folder: Path) -> None:
    given = [*rows("a"), INVALID, *rows("c")]
    items = run(platform, given, folder)
    assert [item.status for item in items] == ["succeeded", "invalid", "succeeded"]
    assert "seconds" in str(items[1].error)
    assert unmeasured(run(platform, given, folder)) == unmeasured(items)
    assert [*opened(platform, folder).retry()] == []
    assert texts(platform) == ["a", "c"]
    mended = run(platform, [*rows("a"), {"text": "b", "seconds": 1}, *rows("c")], folder)
    assert [item.status for item in mended] == ["succeeded"] * 3
    assert mended[1].error is None
    assert texts(platform) == ["a", "c", "b"]


def test_invalid_row_stops_before_anything_is_bought_if_errors_are_raised(platform: FakePlatform, folder: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        run(platform, [*rows("a"), INVALID], folder, on_error="raise")
    assert "row 1 of the batch; nothing was created" in caught.value.__notes__
    assert not platform.bought
    with pytest.raises(ValueError, match=r"not all rows of .* were stored when it stopped: give `map`"):
        list(opened(platform, folder).resume())
    assert len(run(platform, rows("a", "b"), folder, on_error="raise")) == 2


def test_rows_can_be_appended(platform: FakePlatform, folder: Path) -> None:
    run(platform, rows("a", "b"), folder)
    assert [item.index for item in run(platform, rows("a", "b", "c"), folder)] == [0, 1, 2]
    assert texts(platform) == ["a", "b", "c"]


def test_keys_identify_rows_in_any_order(platform: FakePlatform, folder: Path) -> None:
    def keyed(*names: str) -> list[dict[str, Any]]:
        return [{"name": name, "text": f"about {name}"} for name in names]

    run(platform, keyed("a", "b", "c"), folder, key="name")
    items = run(platform, keyed("d", "c", "a", "b"), folder, key="name")
    assert [(item.index, item.key) for item in items] == [(0, "a"), (1, "b"), (2, "c"), (3, "d")]
    assert [job.input for job in platform.bought] == [{"text": f"about {name}"} for name in "abcd"]
    changed = [*keyed("c", "b"), {"name": "a", "text": "changed"}]
    with pytest.raises(ValueError, match="row 2 differs from the one in"):
        run(platform, changed, folder, key="name")
    for given in (keyed("e", "f", "e"), keyed("a", "b", "a")):
        with pytest.raises(ValueError, match=r"row 2 has the key '.', as an earlier row has: keys must be unique"):
            run(platform, given, folder, key="name")
    with pytest.raises(ValueError, match="row 0: the key 'name' must be a string or an integer, not None"):
        run(platform, rows("x"), folder, key="name")
    assert len(platform.bought) == 4


def test_equal_rows_are_bought_once_with_dedupe(platform: FakePlatform, folder: Path) -> None:
    items = run(platform, rows("a", "b", "a", "a"), folder, dedupe=True)
    assert [(item.index, item.output, item.attempts) for item in items] == [
        (0, "done", 1),
        (1, "done", 1),
        (2, "done", 0),
        (3, "done", 0),
    ]
    assert items[2].prediction_id == items[0].prediction_id
    items = run(platform, rows("a", "b", "a", "a", "b", "c"), folder, dedupe=True)
    assert [item.index for item in items] == list(range(6))
    assert texts(platform) == ["a", "b", "c"]
    assert opened(platform, folder).report().done == 6


def test_shards_share_the_rows(platform: FakePlatform, tmp_path: Path) -> None:
    given = rows(*range(7))
    indexes = [[item.index for item in run(platform, given, tmp_path / str(k), shard=(k, 3))] for k in range(3)]
    assert indexes == [[0, 3, 6], [1, 4], [2, 5]]
    assert Counter(texts(platform)) == Counter("0123456")
    assert [item.index for item in run(platform, given, tmp_path / "1", shard=(1, 3))] == [1, 4]
    assert len(platform.bought) == 7


# A crash while rows are stored


def failing(rows: list[dict[str, Any]]) -> Any:
    yield from rows
    raise RuntimeError("killed")


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enroll, "CHUNK_SIZE", 2)


@pytest.mark.parametrize("options", [{}, {"key": "text"}, {"dedupe": True}, {"shard": (0, 1)}], ids=str)
@pytest.mark.usefixtures("small_chunks")
def test_crash_while_rows_are_stored(platform: FakePlatform, folder: Path, options: Any) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        run(platform, failing(rows(*range(5))), folder, **options)
    assert opened(platform, folder).report().rows == 4
    with pytest.raises(ValueError, match=r"not all rows of .* were stored"):
        list(opened(platform, folder).resume())
    assert not platform.bought
    assert [item.index for item in run(platform, rows(*range(7)), folder, **options)] == list(range(7))
    assert Counter(texts(platform)) == Counter("0123456")


@pytest.mark.usefixtures("small_chunks")
def test_crash_while_rows_are_appended(platform: FakePlatform, folder: Path) -> None:
    run(platform, rows(0, 1), folder)
    with pytest.raises(RuntimeError, match="killed"):
        run(platform, failing(rows(*range(5))), folder)
    with pytest.raises(ValueError, match=r"not all rows of .* were stored"):
        list(opened(platform, folder).resume())
    assert len(run(platform, rows(*range(7)), folder)) == 7
    assert [*opened(platform, folder).resume()] == []


def test_rows_that_cannot_be_read_leave_a_batch_as_it_was(platform: FakePlatform, folder: Path) -> None:
    run(platform, rows(0, 1), folder)
    with pytest.raises(RuntimeError, match="killed"):
        run(platform, failing(rows(0)), folder)
    assert [*opened(platform, folder).resume()] == []
