"""Where `then` runs: threads, and the executors of concurrent.futures."""

from __future__ import annotations

import dataclasses
import functools
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, NoReturn

import pytest

from replicate_ext._batch import engine as engine_module
from replicate_ext._batch.engine import MAX_SUBMISSIONS, Engine, EngineError, Outcome, check_engine


class Row(NamedTuple):
    index: int
    input: dict[str, Any] = {}


class Outcomes:
    """Collects what `done` is called with."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[Outcome] = SimpleQueue()

    def __call__(self, outcome: Outcome) -> None:
        self.queue.put(outcome)

    def next(self) -> Outcome:
        return self.queue.get(timeout=20)

    def assert_no_more(self) -> None:
        with pytest.raises(Empty):
            self.queue.get_nowait()


class ManualExecutor(Executor):
    """An executor whose futures the test ends."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


def run(then: Callable[[Any], Any], executor: Any = None) -> Outcome:
    """Return the outcome of row 7."""
    outcomes = Outcomes()
    engine = Engine(then, executor, "batch")
    try:
        engine.submit(Row(7), outcomes)
        outcome = outcomes.next()
    finally:
        engine.close(wait=False)
    outcomes.assert_no_more()
    return outcome


def double(row: Row) -> dict[str, int]:
    return {"double": 2 * row.index}


def fail(row: Row) -> NoReturn:
    raise LookupError(f"no row {row.index}")


class PickyError(Exception):
    """Can be pickled, but not unpickled."""

    def __init__(self, *, code: int) -> None:
        super().__init__(f"code {code}")


def fail_pickily(row: Row) -> NoReturn:
    raise PickyError(code=row.index)


def fail_with_a_lock(row: Row) -> NoReturn:
    error = ValueError("locked")
    error.lock = threading.Lock()  # type: ignore[attr-defined]
    raise error


@dataclasses.dataclass(frozen=True)
class FrozenError(Exception):
    """Takes no notes."""

    code: int


def fail_frozen(row: Row) -> NoReturn:
    raise FrozenError(row.index)


def leave(row: Row) -> NoReturn:
    sys.exit(3)


def die(row: Row) -> NoReturn:
    os._exit(1)


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


# --- results and errors ---


@pytest.mark.parametrize("result", [None, {"a": [1, 2.5, "ü\ud800", True, None]}, "text", 0, [], (1, 2)])
def test_the_result_is_json_text_or_none(result: Any) -> None:
    text, error = run(lambda _: result)
    assert error is None
    assert text is None if result is None else json.loads(text) == json.loads(json.dumps(result))
    assert text is None or text.encode()  # SQLite stores UTF-8


@pytest.mark.parametrize("result", [object(), {1, 2}, float("nan"), b"bytes", [float("inf")], {"a": {(1, 2): 3}}])
def test_a_result_that_is_not_json_is_an_error(result: Any) -> None:
    text, error = run(lambda _: result)
    assert text is None
    assert isinstance(error, TypeError)
    assert str(error).startswith("then must return JSON values or None: ")


def test_a_circular_result_is_an_error() -> None:
    circular: list[Any] = []
    circular.append(circular)
    assert "then must return JSON values or None: " in str(run(lambda _: circular).error)


@pytest.mark.parametrize("executor", [None, "processes"])
def test_an_error_of_then_is_the_outcome_at_once_with_its_traceback(executor: Any, request: Any) -> None:
    text, error = run(fail, executor and request.getfixturevalue(executor))
    assert text is None
    assert isinstance(error, LookupError)
    assert error.args == ("no row 7",)
    [note] = error.__notes__
    assert note.startswith("Traceback (most recent call last):\n")
    assert 'raise LookupError(f"no row {row.index}")' in note
    assert "_batch" not in note


def test_an_error_that_takes_no_note_is_the_outcome() -> None:
    assert run(fail_frozen).error == FrozenError(7)


def test_sys_exit_in_then_is_its_error() -> None:
    assert isinstance(run(leave).error, SystemExit)


def test_then_runs_in_threads_of_the_engine() -> None:
    assert json.loads(run(lambda _: threading.current_thread().name).result or "").startswith("replicate-then")


def test_then_runs_in_processes(processes: ProcessPoolExecutor) -> None:
    assert run(double, processes) == ('{"double": 14}', None)


@pytest.mark.parametrize(
    ("then", "text"),
    [
        (fail_pickily, "PickyError: code 7"),
        (fail_with_a_lock, "ValueError: locked"),
        (fail_frozen, "FrozenError: 7"),
    ],
)
def test_an_error_that_cannot_be_pickled_arrives_as_text(
    then: Callable[[Row], Any], text: str, processes: ProcessPoolExecutor
) -> None:
    error = run(then, processes).error
    assert isinstance(error, RuntimeError)
    assert str(error) == text
    assert then.__name__ in error.__notes__[0]
    assert run(double, processes).result  # the pool is not broken


def test_a_then_that_cannot_be_pickled_is_refused_at_its_first_submission(processes: ProcessPoolExecutor) -> None:
    error = run(lambda _: None, processes).error
    assert isinstance(error, TypeError)
    assert str(error).startswith("then cannot be sent to the workers: ")
    assert "top level of a module" in str(error)


def test_every_submission_is_done_exactly_once() -> None:
    outcomes = Outcomes()
    engine = Engine(double, None, "batch")
    for index in range(200):
        engine.submit(Row(index), outcomes)
    engine.close(wait=True)
    assert sorted(json.loads(outcomes.queue.get_nowait().result or "")["double"] for _ in range(200)) == [
        *range(0, 400, 2)
    ]
    outcomes.assert_no_more()


# --- lost workers ---


def test_a_row_whose_worker_is_lost_is_submitted_again() -> None:
    executor, outcomes = ManualExecutor(), Outcomes()
    engine = Engine(double, executor, "batch")
    engine.submit(Row(7), outcomes)
    executor.futures[0].cancel()
    executor.futures[0].set_running_or_notify_cancel()
    executor.futures[1].set_exception(BrokenExecutor("a worker died"))
    outcomes.assert_no_more()
    executor.futures[2].set_result('{"double": 14}')
    assert outcomes.next() == ('{"double": 14}', None)
    outcomes.assert_no_more()
    assert len(executor.futures) == 3
    engine.close(wait=True)


def test_a_row_that_loses_every_worker_is_an_error_of_the_engine() -> None:
    executor, outcomes = ManualExecutor(), Outcomes()
    engine = Engine(double, executor, "batch")
    engine.submit(Row(7), outcomes)
    for attempt in range(MAX_SUBMISSIONS):
        executor.futures[attempt].set_exception(ConnectionError(f"lost {attempt}"))
    error = outcomes.next().error
    assert isinstance(error, EngineError)
    assert str(error) == "then was submitted for row 7 3 times, and lost each time: ConnectionError: lost 2"
    assert len(executor.futures) == MAX_SUBMISSIONS
    outcomes.assert_no_more()


def test_a_broken_process_pool_is_an_error_of_the_engine() -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        error = run(die, pool).error
    assert isinstance(error, EngineError)
    assert "BrokenProcessPool" in str(error)


def test_an_executor_that_was_shut_down_is_an_error_of_the_engine() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    error = run(double, pool).error
    assert isinstance(error, EngineError)
    assert "cannot schedule new futures after shutdown" in str(error)


# --- the window ---


@pytest.mark.parametrize("threads", [1, 3])
def test_the_window_is_twice_the_workers(threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        assert Engine(double, pool, "batch").window == 2 * threads


def test_the_window_of_an_executor_of_unknown_size_goes_by_the_processors() -> None:
    assert Engine(double, ManualExecutor(), "batch").window == 2 * (os.cpu_count() or 1)


def test_submitting_never_blocks() -> None:
    blocked, outcomes = threading.Event(), Outcomes()
    engine = Engine(lambda _: blocked.wait(20), None, "batch")
    for index in range(3 * engine.window):
        engine.submit(Row(index), outcomes)
    outcomes.assert_no_more()
    blocked.set()
    assert [outcomes.next().result for _ in range(3 * engine.window)] == ["true"] * 3 * engine.window
    engine.close(wait=True)


# --- closing ---


def test_closing_abandons_what_has_not_started() -> None:
    started, blocked, ran, outcomes = threading.Event(), threading.Event(), [], Outcomes()

    def then(row: Row) -> None:
        ran.append(row.index)
        started.set()
        blocked.wait(20)

    with ThreadPoolExecutor(1) as pool:
        engine = Engine(then, pool, "batch")
        for index in range(5):
            engine.submit(Row(index), outcomes)
        started.wait(20)
        engine.close(wait=False)
        blocked.set()
        assert pool.submit(int).result(20) == 0  # it is still open, and everything before has ended
    assert ran == [0]
    outcomes.assert_no_more()


def test_closing_may_wait_for_what_was_submitted() -> None:
    outcomes = Outcomes()
    engine = Engine(double, None, "batch")
    for index in range(5):
        engine.submit(Row(index), outcomes)
    engine.close(wait=True)
    assert outcomes.queue.qsize() == 5


def test_closing_never_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "MAX_CLOSE_SECONDS", 0.01)
    executor, outcomes = ManualExecutor(), Outcomes()
    engine = Engine(double, executor, "batch")
    engine.submit(Row(0), outcomes)
    start = time.monotonic()
    engine.close(wait=True)
    assert time.monotonic() - start < 10
    assert executor.futures[0].cancelled()
    assert len(executor.futures) == 1
    outcomes.assert_no_more()


def test_closing_ends_the_threads_of_the_engine() -> None:
    before = threading.active_count()
    engine = Engine(lambda _: threading.get_ident(), None, "batch")
    outcomes = Outcomes()
    engine.submit(Row(0), outcomes)
    ident = int(outcomes.next().result or "")
    threads = [thread for thread in threading.enumerate() if thread.ident == ident]
    engine.close(wait=True)
    for thread in threads:
        thread.join(20)
    assert threading.active_count() == before


# --- the arguments ---


async def async_then(row: Row) -> None: ...


class AsyncCallable:
    async def __call__(self, row: Row) -> None: ...


class LocalCluster:
    """Has a method `get_client`, as the clusters of Dask."""

    def get_client(self) -> None: ...


@pytest.mark.parametrize(
    ("then", "engine", "message"),
    [
        ("text", None, "then must be a function that takes an item, not 'text'"),
        (async_then, None, "then must not be an async function"),
        (AsyncCallable(), None, "then must not be an async function"),
        (functools.partial(async_then), None, "then must not be an async function"),
        (double, "dask", "engine must be a concurrent.futures.Executor or a distributed.Client, not 'dask'"),
        (
            double,
            ThreadPoolExecutor,
            "engine must be a concurrent.futures.Executor or a distributed.Client, not <class",
        ),
        (double, LocalCluster(), r"pass cluster\.get_client\(\)"),
    ],
)
def test_invalid_arguments_are_type_errors(then: Any, engine: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}" if not message.startswith("pass") else message):
        check_engine(then, engine)


def test_an_engine_needs_then() -> None:
    with ThreadPoolExecutor() as pool, pytest.raises(ValueError, match="engine runs then: pass then= with it"):
        check_engine(None, pool)


@pytest.mark.parametrize("then", [None, double, str, functools.partial(double), lambda _: None])
def test_the_default_engine_takes_any_function(then: Any) -> None:
    check_engine(then, None)


def test_an_executor_is_an_engine() -> None:
    with ThreadPoolExecutor() as pool:
        check_engine(double, pool)


def test_importing_the_engine_does_not_import_dask() -> None:
    code = "import sys, replicate_ext._batch.engine; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"distributed", "dask", "tornado", "asyncio", "multiprocessing"} & {*loaded}
