"""A folder belongs to one batch, and to one process at a time."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fake_platform import MODEL, SCHEMA, FakePlatform, platform_fixture
from killed_process import is_create, kill
from replicate_ext import BatchLockedError, BatchStoppedError
from replicate_ext._batch import folder_lock, mounts
from replicate_ext._batch.batch import Batch
from replicate_ext._batch.folder_lock import FolderLock
from replicate_ext._batch.journal import Journal, JournalReader

platform = platform_fixture()

ROWS = [{"text": str(number)} for number in range(5)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "batch"


def run(platform: FakePlatform, rows: Any, folder: Path, model: str = MODEL, **options: Any) -> list[Any]:
    return list(platform.client().map(model, rows, folder, **options).results())


def requests(platform: FakePlatform) -> int:
    return len(platform.requests)


# One process at a time


def test_second_process_is_told_which_one_runs_the_batch(folder: Path) -> None:
    folder.mkdir()
    code = "import sys; from pathlib import Path; from replicate_ext._batch.folder_lock import FolderLock; "
    code += "FolderLock(Path(sys.argv[1])); print('locked', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(BatchLockedError) as caught:
            FolderLock(folder)
        process.kill()
    text = str(caught.value)
    assert (
        f"{folder} is in use: process {process.pid} on {socket.gethostname()} has been running this batch since "
        in text
    )
    since = datetime.fromisoformat(text.partition("since ")[2].partition(";")[0])
    assert timedelta(0) <= datetime.now(UTC) - since < timedelta(minutes=1)
    FolderLock(folder).close()  # the system has released it


def test_batch_that_runs_can_be_read_and_not_be_run_again(platform: FakePlatform, folder: Path) -> None:
    has_read = threading.Event()
    batch = platform.client().map(MODEL, ROWS, folder, then=lambda item: item.index == 0 or has_read.wait(5))
    for item in batch:
        if item.index == 0:
            other = Batch.open(folder, platform.client())
            assert (other.report().rows, other.report().done) == (5, 1)
            assert len(other.export(folder.with_name("rows.jsonl")).read_text().splitlines()) == 5
            for again in (other.resume(), other.retry()):
                with pytest.raises(BatchLockedError, match=f"process {os.getpid()} on"):
                    list(again)
            with pytest.raises(BatchLockedError):
                other.cancel()
            has_read.set()
    assert len(platform.bought) == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_lock_ends_with_its_process_although_a_forked_one_lives(folder: Path) -> None:
    """A pool of processes that runs `then` may outlive a driver that is killed."""
    folder.mkdir()
    code = """
import os, sys, time
from pathlib import Path
from replicate_ext._batch.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, b"forked")
    sys.stdin.read()
    os._exit(0)
os.read(reader, 6)
print("locked", flush=True)
os.kill(os.getpid(), 9)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        process.wait()
        FolderLock(folder).close()


def test_lock_that_the_file_system_does_not_support_is_no_other_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(folder_lock, "_lock", fail)
    with pytest.raises(OSError, match="No locks available") as caught:
        FolderLock(folder)
    assert not isinstance(caught.value, BatchLockedError)
    assert caught.value.filename == str(folder / "journal.lock")


# One batch


def begin(platform: FakePlatform, folder: Path, rows: Any = ROWS, **options: Any) -> int:
    """Buy some rows, and return how many requests were sent until now."""
    options = {"concurrency": 1, **options}
    with pytest.raises(Exception, match="max_creates=2 is reached"):
        run(platform, rows, folder, max_creates=2, **options)
    return requests(platform)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS[:3], {"text": "changed"}, ROWS[4]], r"row 3 differs from the one in .*batch: use another folder"),
        ([{"text": "changed"}, *ROWS[1:]], r"row 0 differs"),
        ([{**ROWS[0], "seconds": 1}, *ROWS[1:]], r"row 0 differs"),
        (ROWS[:4], r"there are 4 rows, but .*batch has 5: give the same rows again"),
        ([], r"there are 0 rows, but .*batch has 5"),
        ([*ROWS[1:], ROWS[0]], r"row 0 differs"),
    ],
)
def test_rows_must_be_the_same(platform: FakePlatform, folder: Path, rows: Any, message: str) -> None:
    begin(platform, folder)
    creates = len(platform.bought)
    with pytest.raises(ValueError, match=message):
        run(platform, rows, folder)
    assert len(platform.bought) == creates
    assert len(run(platform, ROWS, folder, max_creates=5)) == 5
    assert len(platform.bought) == 5


@pytest.mark.parametrize(
    ("begun", "given", "message"),
    [
        ({}, {"key": "text"}, "begun with key=None, not 'text'"),
        ({"key": "text"}, {}, "begun with key='text', not None"),
        ({}, {"dedupe": True}, "begun with dedupe=False, not True"),
        ({}, {"shard": (0, 2)}, r"begun with shard=None, not \(0, 2\)"),
        ({"shard": (0, 2)}, {"shard": (1, 2)}, r"begun with shard=\[0, 2\], not \(1, 2\)"),
    ],
)
def test_options_that_decide_which_rows_there_are_must_be_the_same(
    platform: FakePlatform, folder: Path, begun: Any, given: Any, message: str
) -> None:
    sent = begin(platform, folder, **begun)
    with pytest.raises(ValueError, match=f"batch was {message}: use another folder"):
        run(platform, ROWS, folder, **given)
    assert requests(platform) == sent


def test_options_of_a_batch_whose_first_row_was_invalid_can_be_corrected(platform: FakePlatform, folder: Path) -> None:
    rows = [{"id": name, "text": name} for name in "ab"]
    with pytest.raises(BatchStoppedError, match=r"the first row is invalid, and nothing was created: .*id"):
        run(platform, rows, folder)
    assert [item.key for item in run(platform, rows, folder, key="id")] == ["a", "b"]
    with pytest.raises(ValueError, match="begun with key='id', not None"):
        run(platform, rows, folder)


@pytest.mark.parametrize("model", ["acme/other", f"{MODEL}:{'0' * 64}"])
def test_model_must_be_the_same(platform: FakePlatform, folder: Path, model: str) -> None:
    sent = begin(platform, folder)
    with pytest.raises(ValueError, match=f"has a batch of {MODEL}, not of {model}: use another folder"):
        run(platform, ROWS, folder, model)
    assert requests(platform) == sent


def test_community_model_stays_at_its_version(platform: FakePlatform, folder: Path) -> None:
    platform.is_official = False
    begin(platform, folder)
    other = f"{MODEL}:{'0' * 64}"
    sent = requests(platform)
    with pytest.raises(ValueError, match=f"not of {other}: use another folder"):
        run(platform, ROWS, folder, other)
    assert requests(platform) == sent
    assert len(run(platform, ROWS, folder, max_creates=5)) == 5


def test_another_schema_ends_a_batch(
    platform: FakePlatform, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begin(platform, folder)
    creates = len(platform.bought)
    monkeypatch.setitem(SCHEMA["components"]["schemas"]["Input"]["properties"], "style", {"type": "string"})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for batch in (platform.client().map(MODEL, ROWS, folder), Batch.open(folder, platform.client()).resume()):
        with pytest.raises(ValueError, match=f"the schema of {MODEL} has changed since this batch began; the rows"):
            list(batch)
    assert len(platform.bought) == creates


# The journal


def test_folder_without_a_batch(platform: FakePlatform, folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"begin one with client\.map"):
        Batch.open(folder, platform.client())
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match=r"batch has no batch: begin one with client\.map"):
        Batch.open(folder, platform.client())
    assert not list(folder.iterdir())


def test_file_that_is_no_database_is_left_alone(platform: FakePlatform, folder: Path) -> None:
    folder.mkdir()
    (folder / "journal.db").write_bytes(b"no database" * 1000)
    with pytest.raises(ValueError, match="is not the journal of a batch"):
        run(platform, ROWS, folder)
    with pytest.raises(ValueError, match="is not the journal of a batch"):
        JournalReader(folder)
    assert (folder / "journal.db").read_bytes() == b"no database" * 1000
    assert not platform.requests


@pytest.mark.parametrize("table", ["notes(text)", "meta(name, value)", "meta(other)"])
def test_database_of_another_program_is_left_alone(platform: FakePlatform, folder: Path, table: str) -> None:
    folder.mkdir()
    with sqlite3.connect(folder / "journal.db") as db:
        db.execute(f"create table {table}")
    db.close()
    content = (folder / "journal.db").read_bytes()
    with pytest.raises(ValueError, match="is not the journal of a batch"):
        run(platform, ROWS, folder)
    with pytest.raises(ValueError, match="is not the journal of a batch"):
        JournalReader(folder)
    assert (folder / "journal.db").read_bytes() == content
    assert not platform.requests


def test_journal_of_a_newer_release(platform: FakePlatform, folder: Path) -> None:
    run(platform, ROWS, folder)
    sent = requests(platform)
    with sqlite3.connect(folder / "journal.db") as db:
        db.execute("update meta set value = '2' where name = 'format'")
    db.close()
    for attempt in (lambda: run(platform, ROWS, folder), lambda: Batch.open(folder, platform.client()).report()):
        with pytest.raises(ValueError, match=r"written by a newer release \(format 2\): upgrade replicate-ext"):
            attempt()
    assert requests(platform) == sent


def test_empty_file_of_a_process_that_was_killed_at_once(platform: FakePlatform, folder: Path) -> None:
    folder.mkdir()
    (folder / "journal.db").touch()
    assert len(run(platform, ROWS, folder)) == 5


@pytest.mark.parametrize("error", [errno.EROFS, errno.EACCES])
def test_folder_that_cannot_be_written(
    platform: FakePlatform, folder: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    folder.mkdir()
    real = os.open

    def fail(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if Path(path).parent == folder and flags & os.O_RDWR:
            raise OSError(error, os.strerror(error), str(path))
        return real(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(OSError, match=os.strerror(error)) as caught:
        run(platform, ROWS, folder)
    assert caught.value.filename == str(folder / "journal.lock")
    assert not platform.requests


def test_finished_batch_can_be_read_in_a_folder_that_cannot_be_written(
    platform: FakePlatform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(platform, ROWS, folder)
    assert {path.name for path in folder.iterdir()} == {"journal.db", "journal.lock"}
    real = sqlite3.connect

    class ReadOnly(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> Any:
            raise sqlite3.OperationalError("unable to open database file")  # as WAL needs a -shm file

    def connect(database: str, **kwargs: Any) -> Any:
        return real(database, **kwargs) if "immutable" in database else real(database, factory=ReadOnly, **kwargs)

    monkeypatch.setattr(sqlite3, "connect", connect)
    assert Batch.open(folder, platform.client()).report().done == 5


def test_files_that_may_show_inputs_are_private(platform: FakePlatform, folder: Path) -> None:
    crashed = kill(platform, [{"text": "private", "image": b"private"}], folder, before=is_create)
    modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in crashed.iterdir()}
    expected = dict.fromkeys(["journal.db", "journal.db-wal", "journal.db-shm", "journal.lock"], "0o600")
    assert modes == {**expected, "inputs": "0o700"}


# Network file systems

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / {home} rw,relatime shared:2 - nfs4 server:/home rw
31 30 8:2 / {home}/local rw,relatime - xfs /dev/sdb1 rw
32 22 0:41 / {home}/s3\\040fuse rw - fuse.glusterfs s3 rw
33 22 0:42 / {home}/größe rw - cifs //server/share rw
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [("", True), ("runs/cards", True), ("local", False), ("local/cards", False), ("s3 fuse/x", True), ("größe", True)],
)
def test_network_file_systems_are_recognized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, expected: bool
) -> None:
    home = tmp_path / "home"
    for path in (home / "local/cards", home / "runs/cards", home / "s3 fuse/x", home / "größe"):
        path.mkdir(parents=True)
    listing = tmp_path / "mountinfo"
    listing.write_text(MOUNTS.format(home=home))
    monkeypatch.setattr(mounts, "_MOUNTS", listing)
    assert mounts.is_network_file_system(home / name) is expected
    assert not mounts.is_network_file_system(tmp_path)


def test_unknown_file_system_is_a_local_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "missing")
    assert not mounts.is_network_file_system(tmp_path)


@pytest.mark.parametrize(("is_network", "mode"), [(True, "delete"), (False, "wal")])
def test_journal_mode_depends_on_the_file_system(
    folder: Path, monkeypatch: pytest.MonkeyPatch, is_network: bool, mode: str
) -> None:
    monkeypatch.setattr("replicate_ext._batch.journal.is_network_file_system", lambda folder: is_network)
    folder.mkdir()
    for _ in range(2):
        journal = Journal(folder)
        assert journal.select("pragma journal_mode") == [(mode,)]
        assert journal.select("pragma synchronous") == [(2,)]  # full
        journal.close()


def test_batch_on_a_network_file_system(platform: FakePlatform, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicate_ext._batch.journal.is_network_file_system", lambda folder: True)
    assert len(run(platform, ROWS, folder)) == 5
    assert {path.name for path in folder.iterdir()} == {"journal.db", "journal.lock"}
