"""Leaving a batch early: nothing is left running, nothing is canceled that is not ours, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fake_platform import MODEL, FakePlatform, Plan, platform_fixture
from killed_process import is_create
from replicate_ext._backends.loop_thread import LoopThread
from replicate_ext._batch.batch import Batch
from replicate_ext._batch.driver_thread import DriverThread
from replicate_ext._batch.folder_lock import FolderLock
from replicate_ext._batch.item import Item
from replicate_ext.errors import APIConnectionError, BatchStoppedError

platform = platform_fixture()


def rows(seconds: float) -> list[dict[str, Any]]:
    """Return nine rows; the first three end soon, and the others run when these are reported."""
    return [{"text": str(number), "seconds": 1.0 if number < 3 else seconds} for number in range(9)]


ROWS, ENDLESS = rows(600.0), rows(20 * 86400.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "batch"


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread.name for thread in threading.enumerate() if "replicate-ext batch" in thread.name]


def is_free(folder: Path) -> bool:
    FolderLock(folder).close()
    return True


def statuses(platform: FakePlatform) -> Counter[str]:
    return Counter(job.status(platform.clock.time) for job in platform.bought)


def resume(platform: FakePlatform, folder: Path, **changes: Any) -> list[Item]:
    """Continue in another process, and return all items in order."""
    return list(Batch.open(folder, platform.client()).resume(**changes).results())


def assert_completed(platform: FakePlatform, folder: Path, canceled: int) -> None:
    """Finish the batch: every row has succeeded once, and what was canceled was bought again."""
    assert is_free(folder)
    platform.plan = lambda input: Plan()
    items = resume(platform, folder)
    assert [item.status for item in items] == ["succeeded"] * 9
    assert Counter(job.status(platform.clock.time) for job in platform.bought) == Counter(
        {"succeeded": 9, "canceled": canceled} if canceled else {"succeeded": 9}
    )


# The body of the loop


def iterate(items: Any, action: Callable[[], object]) -> list[int]:
    """Iterate a batch, call a function at row 2, and return the numbers of the rows."""
    indexes = []
    for item in items:
        indexes.append(item.index)
        if item.index == 2:
            action()
    return indexes


async def iterate_async(items: Any, action: Callable[[], Any]) -> None:
    async for item in items:
        if item.index == 2:
            await action()


def interrupt(times: int = 1) -> None:
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)


def fail() -> None:
    raise RuntimeError("of the caller")


async def fail_async() -> None:
    fail()


def leave_by_break(items: Any) -> None:
    for item in items:
        if item.index == 2:
            break


def leave_by_exception(items: Any) -> None:
    with pytest.raises(RuntimeError, match="of the caller"):
        iterate(items, fail)


async def leave_by_break_async(items: Any) -> None:
    async for item in items:
        if item.index == 2:
            break
    await items.aclose()


async def leave_by_exception_async(items: Any) -> None:
    with pytest.raises(RuntimeError, match="of the caller"):
        await iterate_async(items, fail_async)
    await items.aclose()


async def leave_by_cancellation(items: Any) -> None:
    reached = asyncio.Event()

    async def reach() -> None:
        reached.set()

    task = asyncio.create_task(iterate_async(items, reach))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_exception])
def test_leaving_the_loop_cancels_what_is_running(platform: FakePlatform, folder: Path, leave: Any) -> None:
    leave(platform.client().map(MODEL, ENDLESS, folder))
    assert statuses(platform) == {"succeeded": 3, "canceled": 6}
    assert_completed(platform, folder, canceled=6)


@pytest.mark.parametrize("leave", [leave_by_break_async, leave_by_exception_async, leave_by_cancellation])
def test_leaving_the_async_loop_cancels_what_is_running(platform: FakePlatform, folder: Path, leave: Any) -> None:
    async def main() -> None:
        async with platform.async_client() as client:
            await leave(aiter(client.map(MODEL, ENDLESS, folder)))
            assert statuses(platform) == {"succeeded": 3, "canceled": 6}
            assert is_free(folder)

    asyncio.run(main())
    assert_completed(platform, folder, canceled=6)


def test_creates_without_a_response_are_found_and_canceled(
    platform: FakePlatform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their responses are held for up to a minute; time stands still from the end of row 2 until the loop is left."""
    has_left, join = threading.Event(), LoopThread.join

    def stop_time(request: httpx.Request) -> None:
        if is_create(request) and json.loads(request.content)["input"]["text"] == "2":
            asyncio.get_running_loop().run_in_executor(None, has_left.wait, 5)

    platform.latency, platform.lose = 0.0, stop_time
    monkeypatch.setattr(LoopThread, "join", lambda thread, seconds: has_left.set() or join(thread, seconds))
    leave_by_break(platform.client().map(MODEL, rows(50.0), folder))
    assert statuses(platform) == {"succeeded": 3, "canceled": 6}
    assert_completed(platform, folder, canceled=6)


def test_leaving_before_the_driver_has_started(
    platform: FakePlatform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(platform.client().map(MODEL, ROWS[:3], folder))
    has_left, drive, join = threading.Event(), DriverThread._drive, LoopThread.join

    async def start_late(*args: Any) -> None:
        has_left.wait(5)
        await drive(*args)

    monkeypatch.setattr(DriverThread, "_drive", start_late)
    monkeypatch.setattr(LoopThread, "join", lambda thread, seconds: has_left.set() or join(thread, seconds))
    for item in platform.client().map(MODEL, ROWS, folder):
        assert item.index == 0
        break
    assert len(platform.bought) == 3
    assert is_free(folder)


def test_with_cancel_on_exit_false_predictions_go_on(platform: FakePlatform, folder: Path) -> None:
    leave_by_break(platform.client().map(MODEL, ROWS, folder, cancel_on_exit=False))
    assert statuses(platform) == {"succeeded": 3, "processing": 6}
    assert_completed(platform, folder, canceled=0)


# Closing the client


def test_closing_the_client_ends_its_batches(platform: FakePlatform, folder: Path) -> None:
    client = platform.client()

    def close() -> None:
        client.close()
        assert statuses(platform) == {"succeeded": 3, "canceled": 6}

    with pytest.raises(BatchStoppedError, match="it was interrupted") as caught:
        iterate(client.map(MODEL, ENDLESS, folder), close)
    assert f"to continue: Batch.open({str(folder)!r}, client).resume()" in str(caught.value)
    assert_completed(platform, folder, canceled=6)


def test_closing_the_client_ends_a_batch_of_another_thread(platform: FakePlatform, folder: Path) -> None:
    client = platform.client()
    closing = threading.Thread(target=client.close)
    with pytest.raises(BatchStoppedError, match="it was interrupted"):
        iterate(client.with_options(max_retries=1).map(MODEL, ENDLESS, folder), closing.start)
    closing.join()
    assert_completed(platform, folder, canceled=6)


def test_closing_the_async_client_ends_its_batches(platform: FakePlatform, folder: Path) -> None:
    async def main() -> None:
        async with platform.async_client() as client:
            with pytest.raises(BatchStoppedError, match="it was interrupted"):
                await iterate_async(client.map(MODEL, ENDLESS, folder), client.aclose)

    asyncio.run(main())
    assert_completed(platform, folder, canceled=6)


def test_closing_the_client_while_rows_are_stored_begins_nothing(platform: FakePlatform, folder: Path) -> None:
    client = platform.client()

    def closing_rows() -> Iterator[dict[str, Any]]:
        yield from ROWS
        client.close()

    with pytest.raises(APIConnectionError, match="the client was closed before anything was created"):
        list(client.map(MODEL, closing_rows(), folder))
    assert not platform.bought
    assert_completed(platform, folder, canceled=0)


def test_client_with_other_options_ends_only_its_own_batches(platform: FakePlatform, folder: Path) -> None:
    client = platform.client()

    def close() -> None:
        client.with_options(max_retries=1).close()
        assert statuses(platform)["canceled"] == 0

    iterate(client.map(MODEL, ROWS, folder), close)
    assert statuses(platform) == {"succeeded": 9}


# Ctrl-C


def test_first_interrupt_stops_creating_and_waits(
    platform: FakePlatform, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt, match=r"to continue: Batch\.open\("):
        iterate(platform.client().map(MODEL, ROWS, folder, concurrency=2), interrupt)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    bought = len(platform.bought)
    assert 3 <= bought < 9
    assert statuses(platform) == {"succeeded": bought}
    shown = capsys.readouterr().err
    assert "Nothing more is created; waiting for " in shown
    assert "Ctrl-C again cancels them" in shown
    assert f"to continue: Batch.open({str(folder)!r}, client).resume()" in shown
    assert_completed(platform, folder, canceled=0)


def test_second_interrupt_leaves_the_loop(platform: FakePlatform, folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        iterate(platform.client().map(MODEL, ENDLESS, folder), lambda: interrupt(2))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert statuses(platform) == {"succeeded": 3, "canceled": 6}
    assert_completed(platform, folder, canceled=6)


def test_handler_of_the_caller_is_left_alone(platform: FakePlatform, folder: Path) -> None:
    signals: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: signals.append(number))
    try:
        iterate(platform.client().map(MODEL, ROWS, folder), interrupt)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert signals == [signal.SIGINT]
    assert statuses(platform) == {"succeeded": 9}


# stop


def test_stop_ends_the_loop_when_what_is_running_has_ended(platform: FakePlatform, folder: Path) -> None:
    batch = platform.client().map(MODEL, ROWS, folder, concurrency=2)
    with pytest.raises(BatchStoppedError, match=r"stop\(\) was called"):
        iterate(batch, batch.stop)
    bought = len(platform.bought)
    assert 3 <= bought < 9
    assert statuses(platform) == {"succeeded": bought}
    assert_completed(platform, folder, canceled=0)


def test_stop_before_the_first_row(platform: FakePlatform, folder: Path) -> None:
    batch = platform.client().map(MODEL, ROWS, folder)
    batch.stop()
    with pytest.raises(BatchStoppedError, match=r"stop\(\) was called"):
        list(batch)
    assert not platform.bought


@pytest.mark.parametrize("cancel_on_exit", [True, False])
def test_cancel_while_the_batch_runs(platform: FakePlatform, folder: Path, cancel_on_exit: bool) -> None:
    batch = platform.client().map(MODEL, ENDLESS, folder, cancel_on_exit=cancel_on_exit)
    with pytest.raises(BatchStoppedError, match="it was interrupted"):
        iterate(batch, batch.cancel)
    assert statuses(platform) == {"succeeded": 3, "canceled": 6}
    assert_completed(platform, folder, canceled=6)


def test_interrupt_after_a_loop_that_was_left_in_another_thread_is_an_ordinary_one(
    platform: FakePlatform, folder: Path
) -> None:
    items = iter(platform.client().map(MODEL, ROWS, folder))
    next(items)
    leaving = threading.Thread(target=items.close)  # as the garbage collector may do
    leaving.start()
    leaving.join()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
