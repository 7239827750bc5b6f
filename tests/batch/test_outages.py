"""Batches without a network, behind failing servers, and on a computer that was asleep."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from datetime import datetime, tzinfo
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from batch_runs import Downloads, Monitor, fail, is_create, is_download, rows, run
from conftest import TOKEN, json_response
from fake_platform import EPOCH, FILES_URL, MODEL, FakePlatform, Plan, platform_fixture
from replicate_ext import APIConnectionError, AuthenticationError, Batch, Replicate
from replicate_ext._batch.journal import JournalReader
from replicate_ext._batch.saver import LIFETIME
from virtual_time import VirtualClock

platform = platform_fixture()

START = 1030.0
"""When the network fails; batches begin at 1000."""


def reset() -> httpx.ReadError:
    return httpx.ReadError("connection reset")


# No network


@pytest.mark.parametrize(("seconds", "concurrency", "waves"), [(2, 5, 12), (20, 5, 12), (200, 30, 1)])
def test_outage_loses_nothing_and_buys_nothing_twice(
    platform: FakePlatform, tmp_path: Path, seconds: int, concurrency: int, waves: int
) -> None:
    fail(platform, START, START + 300, late=reset)
    platform.plan = lambda input: Plan(1 if input["text"] == "row 0" else seconds)
    items, error = run(platform.client().map(MODEL, rows(60), tmp_path, concurrency=concurrency))
    assert error is None
    assert [item.status for item in items] == ["succeeded"] * 60
    assert set(platform.purchases().values()) == {1}
    delay = 75
    assert platform.clock.time < START + 300 + delay + waves * (seconds + 1.5), "it goes on soon after the outage"


def test_creates_pause_for_longer_and_longer(platform: FakePlatform, tmp_path: Path) -> None:
    monitor = Monitor(platform)
    fail(platform, START, START + 600)
    run(platform.client().map(MODEL, rows(40, seconds=2), tmp_path, concurrency=2, progress=monitor))
    creates = [request.at - START for request in platform.refused if request.method == "POST"]
    pauses = [later - earlier for earlier, later in pairwise(creates) if later - earlier > 0.5]
    assert pauses == sorted(pauses)
    assert pauses[0] < 2
    assert 25 < pauses[-1] < 70
    assert len(creates) < 30
    notes = monitor.notes(START + 1, START + 600)
    assert "no connection to the API; the next create is sent in 5 s" in notes
    assert all(note.startswith("no connection to the API") for note in notes)
    assert monitor.notes(platform.clock.time - 5) == [""]


def test_note_does_not_outlast_an_outage(platform: FakePlatform, tmp_path: Path) -> None:
    """No create succeeds afterwards: all that may run is running, since the lost ones were found."""
    monitor = Monitor(platform)
    fail(platform, START, START + 70, lambda: None, matches=is_create, late=reset)
    platform.plan = lambda input: Plan(900.0 if platform.clock.time > START - 2 else 1.0)
    run(platform.client().map(MODEL, rows(60), tmp_path, concurrency=2, progress=monitor))
    assert platform.clock.time > START + 800
    assert monitor.notes(START + 150, START + 800) == [""]


def test_running_predictions_are_polled_again_after_an_outage(platform: FakePlatform, tmp_path: Path) -> None:
    """All that may run is running, so that only polls fail."""
    monitor = Monitor(platform)
    fail(platform, START, START + 300)
    batch = platform.client().map(MODEL, rows(6, seconds=120), tmp_path, concurrency=5, progress=monitor)
    platform.plan = lambda input: Plan(seconds=1 if input["text"] == "row 0" else 120)
    items, error = run(batch)
    assert (len(items), error, len(platform.bought)) == (6, None, 6)
    assert platform.clock.time < START + 300 + 60
    assert "no connection to the API; running predictions are polled again soon" in monitor.notes(START, START + 300)


@pytest.mark.parametrize("concurrency", [10, 100])
def test_outage_of_more_than_an_hour_stops_the_batch(platform: FakePlatform, tmp_path: Path, concurrency: int) -> None:
    """With a concurrency of 10, all that may run is running, and no create fails."""
    fail(platform, START, START + 4000)
    platform.plan = lambda input: Plan(seconds=1 if input["text"] == "row 0" else 60)
    client = platform.client()
    items, error = run(client.map(MODEL, rows(20), tmp_path, concurrency=concurrency))
    assert error is not None
    assert "for more than an hour" in error.reason
    assert "no route to host" in error.reason
    assert isinstance(error.__cause__, APIConnectionError)
    assert platform.clock.time == pytest.approx(START + 3600, abs=150)
    platform.clock.time = START + 4000
    assert [item.status for item in run(Batch.open(tmp_path, client).resume())[0]] == ["succeeded"] * (20 - len(items))
    assert set(platform.purchases().values()) == {1}


# A server that fails


@pytest.mark.parametrize("status", [500, 503, 520])
def test_storm_of_server_errors_meets_one_create_at_a_time(platform: FakePlatform, tmp_path: Path, status: int) -> None:
    monitor = Monitor(platform)
    fault = lambda: json_response({"detail": "overloaded"}, status)  # noqa: E731
    fail(platform, START, START + 600, fault, matches=is_create, late=fault)
    platform.plan = lambda input: Plan(seconds=1 if input["text"] == "row 0" else 20)
    items, error = run(platform.client().map(MODEL, rows(250), tmp_path, concurrency=100, progress=monitor))
    assert error is None
    assert Counter(item.status for item in items) == {"succeeded": 250}
    assert set(platform.purchases().values()) == {1}
    creates = [request for request in platform.refused if request.at > START]
    assert len(creates) < 100 + 30
    first, second, *_ = (job.created_at for job in platform.bought if job.created_at >= START + 600)
    assert second - first < 2, "the first one is not held"
    assert f"the API responds with {status}; the next create is sent in 5 s" in monitor.notes()


def test_storm_of_server_errors_meets_one_upload_at_a_time(platform: FakePlatform, tmp_path: Path) -> None:
    fault = lambda: json_response({"detail": "overloaded"}, 500)  # noqa: E731
    fail(platform, START, START + 600, fault, matches=lambda request: request.method == "POST")
    given = [row | {"image": bytes([number]) * 300_000} for number, row in enumerate(rows(40, seconds=15))]
    client = platform.client(max_retries=0)
    items, error = run(client.map(MODEL, given, tmp_path / "batch", concurrency=20))
    assert (len(items), error) == (40, None)
    assert {item.status for item in items} == {"succeeded"}
    uploads = [request for request in platform.refused if request.path == "/files"]
    assert 0 < len(uploads) < 20 + 30


def test_polls_that_are_refused_with_401_stop_the_batch(platform: FakePlatform, tmp_path: Path) -> None:
    """What has ended is saved before: files need no token."""
    refused = lambda: json_response({"detail": "Invalid token"}, 401)  # noqa: E731
    fail(platform, START, START + 100, refused, matches=lambda request: not is_download(request))
    times = {"row 0": 1.0, "row 1": 20.0}
    platform.plan = lambda input: Plan(times.get(input["text"], 60.0), output=f"{FILES_URL}{input['text'][4:]}.png")
    client = Downloads(platform, 60.0).client()
    items, error = run(client.map(MODEL, rows(10), tmp_path, concurrency=10))
    assert error is not None
    assert isinstance(error.__cause__, AuthenticationError)
    assert "Invalid token" in error.reason
    assert [item.index for item in items] == [0, 1]
    assert items[1].paths[0].read_bytes() == f"{FILES_URL}1.png".encode()
    platform.clock.time = START + 100
    client = platform.client()
    assert sorted(item.index for item in run(Batch.open(tmp_path, client).resume())[0]) == list(range(2, 10))
    assert set(platform.purchases().values()) == {1}


# Nobody serves the URL


def test_url_that_nobody_serves_fails_at_once(tmp_path: Path) -> None:
    client = Replicate(TOKEN, base_url="http://127.0.0.1:9/v1")
    with pytest.raises(APIConnectionError, match="nothing listens there: check base_url"):
        list(client.map(MODEL, rows(3), tmp_path))


def test_rows_are_kept_if_a_batch_cannot_connect(platform: FakePlatform, tmp_path: Path) -> None:
    run(platform.client().map(MODEL, rows(5), tmp_path, max_creates=2))
    with pytest.raises(APIConnectionError, match="nothing listens there: check base_url"):
        list(Batch.open(tmp_path, Replicate(TOKEN, base_url="http://127.0.0.1:9/v1")).resume())
    items, error = run(Batch.open(tmp_path, platform.client()).resume(max_creates=None))
    assert (len(items), error, len(platform.bought)) == (3, None, 5)


# A computer that was asleep, and a clock that is set


class ServersClock(VirtualClock):
    """The virtual clock as the platform sees it: it went on while the computer was suspended."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.slept = 0.0

    @property
    def time(self) -> float:  # type: ignore[override]
        return self._clock.time + self.slept


def suspend(platform: FakePlatform, at: float, seconds: float) -> None:
    """Let the computer sleep once, at a moment of its clock, which stands still meanwhile; connections are lost."""
    clock = platform.clock

    def fault(request: httpx.Request) -> Exception | None:
        if clock.time < at or server.slept:
            return None
        server.slept = seconds
        return reset()

    platform.clock = server = ServersClock(clock)
    platform.refuse = platform.lose = fault


def test_outputs_that_expired_in_sleep_are_failures(platform: FakePlatform, tmp_path: Path) -> None:
    suspend(platform, START, 3 * 3600)
    platform.plan = lambda input: Plan(1.0 if input["text"] == "row 0" else 60.0)
    client = platform.client()
    items, error = run(client.map(MODEL, rows(10), tmp_path, concurrency=9))
    assert error is None
    assert Counter(item.status for item in items) == {"succeeded": 9, "uncertain": 1}
    failed = [item for item in items if item.error and item.status == "succeeded"]
    assert len(failed) == 8
    assert all("one hour after its end; save them in time, or run the model again" in str(i.error) for i in failed)
    assert "may have been accepted, and inputs were removed since" in next(
        str(item.error) for item in items if item.status == "uncertain"
    )
    assert set(platform.purchases().values()) == {1}
    items, error = run(Batch.open(tmp_path, client).retry())
    assert ([item.error for item in items], error) == ([None] * 8, None)
    assert len(platform.bought) == 10 + 8


def test_sleep_shorter_than_an_hour_loses_nothing(platform: FakePlatform, tmp_path: Path) -> None:
    suspend(platform, START, 3000)
    items, error = run(platform.client().map(MODEL, rows(30, seconds=10), tmp_path, concurrency=9))
    assert error is None
    assert [(item.status, item.error) for item in items] == [("succeeded", None)] * 30
    assert set(platform.purchases().values()) == {1}


def test_files_that_expired_in_sleep_are_failures(platform: FakePlatform, tmp_path: Path) -> None:
    """The predictions have ended before, and their files could not be saved at once."""
    suspend(platform, START, 2 * LIFETIME)
    sleep = platform.refuse

    def refuse(request: httpx.Request) -> httpx.Response | Exception | None:
        is_early = is_download(request) and 1003 < platform.clock.time < START
        return httpx.Response(500) if is_early else sleep(request)  # type: ignore[return-value]

    platform.refuse = refuse
    platform.plan = lambda input: Plan(
        input.get("seconds", 1.0), output=f"{FILES_URL}p{len(platform.jobs):025}/out.png"
    )
    items, error = run(platform.client().map(MODEL, [*rows(1), *rows(4, seconds=5)], tmp_path))
    assert error is None
    assert [item.status for item in items] == ["succeeded"] * 5
    assert items[0].error is None
    lost = [str(item.error) for item in items[1:]]
    assert all(error.startswith("NotFoundError") for error in lost)
    assert all("save them in time, or run the model again" in error for error in lost)


class LocalClock(datetime):
    """The local clock, which shows the right time until it is set."""

    server: VirtualClock
    offset = 0.0

    @classmethod
    def time(cls) -> float:
        return EPOCH + cls.server.time + cls.offset

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.fromtimestamp(cls.time(), tz)


@pytest.mark.parametrize("offset", [-3600, 3600])
def test_local_clock_that_is_set_during_a_batch_changes_nothing(
    platform: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offset: int
) -> None:
    """Neither when creates were intended, nor what becomes of a lost one, nor for how long files are there."""
    monkeypatch.setattr(LocalClock, "server", platform.clock, raising=False)
    monkeypatch.setattr(time, "time", LocalClock.time)
    monkeypatch.setattr("replicate_ext._sansio.server_clock.datetime", LocalClock)

    def set_clock(request: httpx.Request) -> Exception | None:
        if platform.clock.time < START or LocalClock.offset:
            return None
        monkeypatch.setattr(LocalClock, "offset", offset)
        return reset() if is_create(request) else None

    platform.lose = set_clock
    fails_until = START + 100

    def refuse(request: httpx.Request) -> httpx.Response | None:
        is_early = is_download(request) and START < platform.clock.time < fails_until
        return httpx.Response(500) if is_early else None

    platform.refuse = refuse
    platform.plan = lambda input: Plan(10.0, output=f"{FILES_URL}{input['text'][4:]}.png")
    items, error = run(platform.client().map(MODEL, rows(12), tmp_path, concurrency=2))
    assert error is None
    assert [(item.error, len(item.paths)) for item in items] == [(None, 1)] * 12
    assert LocalClock.offset == offset
    assert set(platform.purchases().values()) == {1}
    with closing(JournalReader(tmp_path)) as journal:
        found = dict(journal.select("select prediction_id, intent_at from attempt"))
        ended = dict(journal.select("select prediction_id, ended_at from row"))
    for job in platform.bought:
        assert 0 <= EPOCH + job.created_at - found[job.id] < 1.5
        assert abs(EPOCH + job.ended_at - ended[job.id]) < 1.5
