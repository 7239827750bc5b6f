"""The files of outputs: saved as soon as a row has ended, and tried again for as long as they exist."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from batch_runs import Downloads, Monitor, count_pictures, fail, file_url, is_create, is_download, rows, run
from fake_platform import MODEL, FakePlatform, Plan, platform_fixture
from killed_process import kill_batch
from replicate_ext import Batch
from replicate_ext._batch.journal import Journal, JournalReader
from replicate_ext._files.disk import AtomicFile
from replicate_ext._files.download import EXPIRY_ADVICE

platform = platform_fixture()

START = 1030.0
"""When something fails; batches begin at 1000."""


@pytest.fixture
def pictures(platform: FakePlatform) -> FakePlatform:
    """Each prediction makes a file."""
    platform.plan = lambda input: Plan(input.get("seconds", 1.0), output=file_url(platform))
    return platform


def created_between(platform: FakePlatform, start: float, end: float) -> int:
    return sum(start <= job.created_at < end for job in platform.bought)


def partial_files(folder: Path) -> list[Path]:
    return list(folder.rglob("*.part"))


def assert_saved(platform: FakePlatform, folder: Path) -> None:
    """Every file is there, with the size and the hash that the journal has."""
    assert not partial_files(folder)
    with closing(JournalReader(folder)) as journal:
        items = list(journal.items())
        files = {n: json.loads(files) for n, files in journal.select("select n, files from row")}
    for item in items:
        assert (item.error, item.status, len(item.paths)) == (None, "succeeded", 1)
        [file] = files[item.index]
        content = item.paths[0].read_bytes()
        assert content == item.output.encode()
        assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert set(platform.purchases().values()) == {1}


# When


def test_files_are_saved_as_soon_as_a_row_has_ended(pictures: FakePlatform, tmp_path: Path) -> None:
    downloads = Downloads(pictures, 0.0)
    run(downloads.client().map(MODEL, [*rows(1), *rows(5, seconds=100), *rows(5)], tmp_path, concurrency=6))
    ended = {job.plan.output: job.ended_at for job in pictures.bought}
    delays = [at - ended[url] for url, at in zip(downloads.urls, downloads.times, strict=True)]
    assert len(delays) == 11
    assert max(delays) < 11, "between two polls of long ones"
    assert sum(delay < 0.5 for delay in delays) >= 6, "the responses of held creates"
    assert count_pictures(tmp_path) == 11


def test_sixteen_rows_are_saved_at_a_time(pictures: FakePlatform, tmp_path: Path) -> None:
    downloads = Downloads(pictures, 20.0)
    run(downloads.client().map(MODEL, rows(50), tmp_path, concurrency=40))
    assert downloads.max_running == 16
    assert_saved(pictures, tmp_path)


def test_what_ended_first_is_saved_first(pictures: FakePlatform, tmp_path: Path) -> None:
    """Of the rows that a killed process has left unsaved."""
    seconds = {"row 0": 1.0, "row 40": 120.0}
    pictures.plan = lambda input: Plan(
        seconds.get(input["text"], 61.0 - int(input["text"][4:])), output=file_url(pictures)
    )
    hanging = Downloads(pictures, 1e6).client().map(MODEL, rows(41), tmp_path / "batch", concurrency=40)
    folder = kill_batch(pictures, hanging, before=lambda request: pictures.clock.time > START + 60)
    downloads = Downloads(pictures, 3.0)
    run(Batch.open(folder, downloads.client()).resume())
    ended = {job.plan.output: job.ended_at for job in pictures.bought}
    order = [ended[url] for url in downloads.urls]
    assert len(order) == 40
    expected = sorted(order)
    assert all(abs(place - expected.index(moment)) < 16 for place, moment in enumerate(order)), "16 at a time"


def test_creates_pause_while_saving_falls_behind(pictures: FakePlatform, tmp_path: Path) -> None:
    monitor = Monitor(pictures)
    fail(pictures, START, START + 900, lambda: httpx.Response(500), matches=is_download)
    batch = [*rows(1), *rows(20, seconds=100)]
    _, error = run(pictures.client().map(MODEL, batch, tmp_path, concurrency=2, progress=monitor))
    assert error is None
    assert created_between(pictures, START, START + 700) >= 10
    assert created_between(pictures, START + 750, START + 900) == 0
    assert created_between(pictures, START + 900, START + 960) > 0
    assert "saving falls behind; creates are paused" in monitor.notes(START, START + 900)
    assert monitor.notes(pictures.clock.time - 10) == [""]
    assert_saved(pictures, tmp_path)


def test_url_that_can_never_work_fails_its_row_at_once(platform: FakePlatform, tmp_path: Path) -> None:
    def plan(input: dict[str, Any]) -> Plan:
        return Plan(1.0, output="https://host:port/out.png" if input["text"] == "row 1" else file_url(platform))

    platform.plan = plan
    items, error = run(platform.client().map(MODEL, rows(4), tmp_path))
    assert error is None
    assert platform.clock.time < START + 30
    assert [item.error is None for item in sorted(items, key=lambda item: item.index)] == [True, False, True, True]


# A disk that refuses


def break_disk(
    monkeypatch: pytest.MonkeyPatch, platform: FakePlatform, method: str, error: OSError, end: float, name: str = ""
) -> None:
    """Let an operation on files of outputs fail from `START` on."""
    original = getattr(AtomicFile, method)

    def operate(file: AtomicFile, *args: Any) -> Any:
        if START <= platform.clock.time < end and name in file._stem:
            raise error
        return original(file, *args)

    monkeypatch.setattr(AtomicFile, method, operate)


FULL = OSError(28, "No space left on device")
READ_ONLY = PermissionError(13, "Permission denied")


@pytest.mark.parametrize(("method", "error"), [("write", FULL), ("_finish", FULL), ("open", READ_ONLY)])
def test_creates_pause_while_files_cannot_be_written(
    pictures: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, error: OSError
) -> None:
    monitor = Monitor(pictures)
    break_disk(monkeypatch, pictures, method, error, START + 60)
    _, stopped = run(pictures.client().map(MODEL, rows(40, seconds=5), tmp_path, concurrency=4, progress=monitor))
    assert stopped is None
    assert created_between(pictures, START + 10, START + 60) == 0
    assert created_between(pictures, START + 60, START + 105) > 0
    note = f"files cannot be saved: {error}; creates are paused"
    assert monitor.notes(START + 10, START + 60) == [note]
    assert monitor.notes(pictures.clock.time - 5) == [""]
    assert_saved(pictures, tmp_path)


def test_disk_that_is_full_until_files_expire_stops_the_batch(
    pictures: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than to buy more, or to pause for ever."""
    break_disk(monkeypatch, pictures, "write", FULL, START + 5000)
    client = pictures.client()
    items, stopped = run(client.map(MODEL, rows(50, seconds=5), tmp_path, concurrency=2))
    assert stopped is not None
    assert stopped.reason == "files cannot be saved: [Errno 28] No space left on device"
    lost = [item for item in items if item.error]
    assert 2 <= len(lost) <= 4
    assert all(EXPIRY_ADVICE in str(item.error) for item in lost)
    assert created_between(pictures, START + 10, START + 5000) == 0
    pictures.clock.time = START + 5000
    items, stopped = run(Batch.open(tmp_path, client).retry())
    assert ({item.error for item in items}, stopped) == ({None}, None)
    assert count_pictures(tmp_path) == 50
    assert len(pictures.bought) == 50 + len(lost)


def fill_disk(monkeypatch: pytest.MonkeyPatch, platform: FakePlatform) -> None:
    """Let the journal have no room for a minute."""
    commit = Journal.commit

    def commit_if_there_is_room(journal: Journal) -> None:
        is_full = START <= platform.clock.time < START + 60
        journal._db.execute(f"pragma max_page_count = {1 if is_full else 1_000_000}")
        commit(journal)

    monkeypatch.setattr(Journal, "commit", commit_if_there_is_room)


def test_creates_pause_while_the_journal_cannot_be_written(
    pictures: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite itself refuses: "database or disk is full"."""
    fill_disk(monkeypatch, pictures)
    monitor = Monitor(pictures)
    long = "x" * 5000
    pictures.plan = lambda input: Plan(5.0, output=[file_url(pictures), long])
    items, stopped = run(pictures.client().map(MODEL, rows(50), tmp_path, concurrency=4, progress=monitor))
    assert (len(items), stopped) == (50, None)
    assert all(item.error is None and item.paths[0].exists() for item in items)
    assert created_between(pictures, START + 10, START + 60) == 0
    assert created_between(pictures, START + 60, START + 80) > 0
    note = "the journal cannot be written: database or disk is full; creates are paused"
    assert monitor.notes(START + 10, START + 59) == [note]
    assert monitor.notes(pictures.clock.time - 5) == [""]
    assert set(pictures.purchases().values()) == {1}


def test_lost_create_is_searched_for_when_the_journal_can_be_written(
    platform: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, it is not known which predictions are those of other rows."""
    fill_disk(monkeypatch, platform)
    resets = [httpx.ReadError("connection reset")]
    is_late = lambda request: is_create(request) and platform.clock.time > START - 2.5  # noqa: E731
    platform.lose = lambda request: resets.pop() if is_late(request) and resets else None
    platform.plan = lambda input: Plan(2.0, output="x" * 5000)
    items, stopped = run(platform.client().map(MODEL, rows(90), tmp_path, concurrency=4))
    assert ({item.status for item in items}, stopped, len(items)) == ({"succeeded"}, None, 90)
    assert set(platform.purchases().values()) == {1}


# A host that refuses


class InterruptedBody(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"the first ha"
        raise httpx.ReadError("connection reset")


FAULTS = {
    "500": lambda: httpx.Response(500),
    "reset": lambda: httpx.ReadError("connection reset"),
    "interrupted": lambda: httpx.Response(200, headers={"content-length": "24"}, stream=InterruptedBody()),
    "429": lambda: httpx.Response(429, headers={"retry-after": "1"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_files_are_downloaded_again_until_they_arrive(pictures: FakePlatform, tmp_path: Path, fault: str) -> None:
    fail(pictures, 1000, START + 200, FAULTS[fault], matches=is_download)
    items, stopped = run(pictures.client().map(MODEL, rows(3), tmp_path))
    assert (len(items), stopped) == (3, None)
    assert pictures.clock.time == pytest.approx(START + 200, abs=90)
    assert_saved(pictures, tmp_path)


def test_files_that_do_not_arrive_before_they_expire_are_lost(pictures: FakePlatform, tmp_path: Path) -> None:
    fail(pictures, START, START + 5000, FAULTS["reset"], matches=is_download)
    client = pictures.client()
    items, stopped = run(client.map(MODEL, [*rows(1), *rows(1, seconds=40)], tmp_path))
    assert stopped is None
    assert items[0].error is None
    assert str(items[1].error).startswith("APIConnectionError: ")
    assert str(items[1].error).endswith(EXPIRY_ADVICE)
    assert pictures.clock.time == pytest.approx(START + 10 + 3600, abs=60)
    pictures.refuse = lambda request: None
    items, stopped = run(Batch.open(tmp_path, client).retry())
    assert ([item.error for item in items], stopped, len(pictures.bought)) == ([None], None, 3)


@pytest.mark.parametrize(("status", "purchases"), [(404, 7), (403, 6)])
def test_file_that_the_host_refuses_is_a_failure(
    pictures: FakePlatform, tmp_path: Path, status: int, purchases: int
) -> None:
    """One that is not found is bought again by `retry`; what only was forbidden is fetched again."""
    fail(pictures, START, START + 60, lambda: httpx.Response(status), matches=is_download)
    pictures.plan = lambda input: Plan(50.0 if input["text"] == "row 3" else 1.0, output=file_url(pictures))
    client = pictures.client()
    items, stopped = run(client.map(MODEL, rows(6), tmp_path))
    assert stopped is None
    [item] = [item for item in items if item.error]
    assert (item.index, item.status, item.paths, item.output is None) == (3, "succeeded", [], False)
    assert f"{status}" in str(item.error)
    assert str(item.error).endswith(EXPIRY_ADVICE)
    pictures.clock.time = START + 60
    items, stopped = run(Batch.open(tmp_path, client).retry())
    assert ([item.error for item in items], stopped) == ([None], None)
    assert len(pictures.bought) == purchases


def test_files_that_the_host_always_refuses_stop_the_batch(pictures: FakePlatform, tmp_path: Path) -> None:
    """Behind a firewall, say: nothing of what was bought could be kept."""
    pictures.refuse = lambda request: httpx.Response(403) if is_download(request) else None
    items, stopped = run(pictures.client().map(MODEL, rows(100), tmp_path))
    assert stopped is not None
    assert stopped.reason.startswith("the first row failed: row 0: PermissionDeniedError: ")
    assert (len(items), len(pictures.bought)) == (1, 1)


def test_many_files_that_the_host_refuses_stop_the_batch(pictures: FakePlatform, tmp_path: Path) -> None:
    pictures.refuse = lambda request: (
        httpx.Response(403) if is_download(request) and "0000/" not in str(request.url) else None
    )
    _, stopped = run(pictures.client().map(MODEL, rows(100), tmp_path, concurrency=5, max_failures=10))
    assert stopped is not None
    assert "10 rows in a row failed (max_failures); row " in stopped.reason
    assert len(pictures.bought) <= 11 + 5


# What is on the disk already


def test_partial_files_of_a_killed_process_are_removed(pictures: FakePlatform, tmp_path: Path) -> None:
    """Also those of rows of which the journal does not know yet that they have ended."""
    pictures.plan = lambda input: Plan(1.0 if input["text"] == "row 0" else 90.0, output=file_url(pictures))
    batch = pictures.client().map(MODEL, rows(4), tmp_path / "batch", concurrency=4)
    folder = kill_batch(pictures, batch, before=lambda request: is_download(request) and pictures.clock.time > START)
    for row in range(4):
        AtomicFile(folder / "outputs/000", f"{row:06}-0", ".png")._temporary.touch()
    assert len(partial_files(folder)) >= 4
    run(Batch.open(folder, pictures.client()).resume())
    assert_saved(pictures, folder)


def test_files_that_the_user_deletes_are_not_made_again(pictures: FakePlatform, tmp_path: Path) -> None:
    client = pictures.client()
    run(client.map(MODEL, rows(6), tmp_path, max_creates=3))
    shutil.rmtree(tmp_path / "outputs")
    items, _ = run(client.map(MODEL, rows(6), tmp_path, max_creates=6))
    assert [(item.error, len(item.paths)) for item in items] == [(None, 1)] * 6
    assert count_pictures(tmp_path) == 3
    assert len(pictures.bought) == 6
