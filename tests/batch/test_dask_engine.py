"""`then` on the workers of a Dask cluster: real processes, one of which is killed."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from replicate_ext._batch import engine as engine_module
from replicate_ext._batch.engine import Engine, EngineError, Outcome, check_engine

distributed = pytest.importorskip("distributed")


class Row(NamedTuple):
    index: int
    folder: Path


class Outcomes:
    """Collects what `done` is called with, by the number of the row."""

    def __init__(self) -> None:
        self.all: list[tuple[int, Outcome]] = []

    def of(self, index: int) -> Callable[[Outcome], None]:
        return lambda outcome: self.all.append((index, outcome))

    def wait(self, count: int) -> None:
        wait_until(lambda: len(self.all) >= count)


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
        silence_logs=50,
    ) as cluster:
        cluster.scheduler.allowed_failures = 0  # so a task is lost with its first worker
        yield cluster


@pytest.fixture(scope="module")
def client(cluster: Any) -> Iterator[Any]:
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2)
        yield client


def record(row: Row) -> dict[str, int]:
    """Leave a file that shows each call, as a step that saves something would."""
    time.sleep(0.02)
    (row.folder / f"{row.index}-{time.monotonic_ns()}").touch()
    return {"index": row.index, "pid": os.getpid()}


def wait_for_go(row: Row) -> None:
    """End when the test creates the file `go`."""
    (row.folder / f"started-{row.index}").touch()
    while not (row.folder / "go").exists():
        time.sleep(0.005)


def rows(folder: Path, count: int) -> list[Row]:
    return [Row(index, folder) for index in range(count)]


def test_a_killed_worker_loses_no_row_and_reports_none_twice(client: Any, tmp_path: Path) -> None:
    outcomes = Outcomes()
    engine = Engine(record, client, "killed")
    for row in rows(tmp_path, 60):
        engine.submit(row, outcomes.of(row.index))
    outcomes.wait(10)
    victim = json.loads(outcomes.all[0][1].result or "")["pid"]
    os.kill(victim, signal.SIGKILL)
    outcomes.wait(60)
    engine.close(wait=True)
    assert [outcome.error for _, outcome in outcomes.all] == [None] * 60
    assert sorted(index for index, _ in outcomes.all) == list(range(60))
    assert all(json.loads(outcome.result or "")["index"] == index for index, outcome in outcomes.all)
    calls = Counter(int(path.name.partition("-")[0]) for path in tmp_path.iterdir())
    assert sorted(calls) == list(range(60))  # at least once


def test_the_window_follows_the_workers(client: Any, tmp_path: Path) -> None:
    client.wait_for_workers(2)  # the nanny replaces the one that was killed
    engine = Engine(record, client, "window")
    wait_until(lambda: engine.window == 4)
    engine.close(wait=True)


def test_finished_tasks_are_released(client: Any, cluster: Any, tmp_path: Path) -> None:
    outcomes = Outcomes()
    engine = Engine(record, client, "released")
    for row in rows(tmp_path, 5):
        engine.submit(row, outcomes.of(row.index))
    outcomes.wait(5)
    wait_until(lambda: not cluster.scheduler.tasks and not client.futures)
    engine.close(wait=True)


def test_a_lambda_and_its_error_travel(client: Any, tmp_path: Path) -> None:
    outcomes = Outcomes()
    engine = Engine(lambda row: 1 // row.index, client, "lambda")
    engine.submit(Row(1, tmp_path), outcomes.of(1))
    engine.submit(Row(0, tmp_path), outcomes.of(0))
    engine.close(wait=True)
    [failed, succeeded] = [outcome for _, outcome in sorted(outcomes.all)]
    assert succeeded == ("1", None)
    assert isinstance(failed.error, ZeroDivisionError)
    assert "in <lambda>" in failed.error.__notes__[0]


def test_a_then_that_cannot_be_pickled_is_refused(client: Any, tmp_path: Path) -> None:
    outcomes = Outcomes()
    lock = threading.Lock()
    engine = Engine(lambda _: lock.locked(), client, "unpicklable")
    engine.submit(Row(0, tmp_path), outcomes.of(0))
    [(_, (_, error))] = outcomes.all
    assert isinstance(error, TypeError)
    assert "then cannot be sent to the workers: " in str(error)


def test_a_canceled_task_is_submitted_again(client: Any, tmp_path: Path) -> None:
    outcomes = Outcomes()
    engine = Engine(wait_for_go, client, "canceled")
    for row in rows(tmp_path, 10):
        engine.submit(row, outcomes.of(row.index))
    wait_until(lambda: len([*tmp_path.iterdir()]) == 2)
    client.cancel([distributed.Future(key, client) for key in list(client.futures)])
    (tmp_path / "go").touch()
    outcomes.wait(10)
    engine.close(wait=True)
    assert sorted(outcomes.all) == [(index, Outcome(None, None)) for index in range(10)]


def test_closing_drops_the_tasks_that_have_not_started(client: Any, cluster: Any, tmp_path: Path) -> None:
    outcomes = Outcomes()
    engine = Engine(wait_for_go, client, "abandoned")
    for row in rows(tmp_path, 20):
        engine.submit(row, outcomes.of(row.index))
    wait_until(lambda: len([*tmp_path.iterdir()]) == 2)
    engine.close(wait=False)
    wait_until(lambda: not cluster.scheduler.tasks)
    (tmp_path / "go").touch()
    assert client.submit(int).result() == 0  # the client stays open
    assert len([*tmp_path.iterdir()]) <= 1 + 4  # `go`, and of each worker what ran and what was next
    assert outcomes.all == []


class StoppedClient:
    """A client that was closed with a task in flight, as seen from outside: its event loop runs nothing any more."""

    status = "running"
    add_callback = release = lambda self, *args: None

    @property
    def loop(self) -> StoppedClient:
        return self

    def submit(self, *args: Any, **kwargs: Any) -> StoppedClient:
        if self.status == "closed":
            raise RuntimeError("Client is closed")
        return self


StoppedClient.__name__, StoppedClient.__module__ = "Client", "distributed.client"


def test_a_row_whose_event_loop_has_stopped_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "WATCH_INTERVAL", 0.01)
    outcomes, client = Outcomes(), StoppedClient()
    engine = Engine(record, client, "stopped")
    engine.submit(Row(0, tmp_path), outcomes.of(0))
    assert outcomes.all == []
    client.status = "closed"
    outcomes.wait(1)
    engine.close(wait=True)
    [(_, (_, error))] = outcomes.all
    assert isinstance(error, EngineError)
    assert str(error).endswith("RuntimeError: Client is closed")


def test_a_client_that_closes_reports_every_row(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "WATCH_INTERVAL", 0.02)
    outcomes = Outcomes()
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        engine = Engine(wait_for_go, client, "closed")
        for row in rows(tmp_path, 20):
            engine.submit(row, outcomes.of(row.index))
        wait_until(lambda: len([*tmp_path.iterdir()]) == 2)
    outcomes.wait(20)
    (tmp_path / "go").touch()
    engine.close(wait=True)
    assert sorted(index for index, _ in outcomes.all) == list(range(20))
    assert {type(outcome.error) for _, outcome in outcomes.all} == {EngineError}


def test_a_client_is_an_engine_unless_it_is_asynchronous(client: Any) -> None:
    check_engine(record, client)

    async def check() -> None:
        check_engine(record, client)

    with pytest.raises(TypeError, match="must not be an asynchronous"):
        client.sync(check)
