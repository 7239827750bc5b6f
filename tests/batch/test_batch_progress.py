"""The progress of a batch: the rate, the callback, the bar, and lines where there is no bar."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from conftest import FakeClock
from replicate_ext._batch.progress import RateEstimator, Status, open_progress


def status(done: int = 0, rows: int = 1000, **fields: Any) -> Status:
    values = {"failed": 0, "uncertain": 0, "in_flight": 0, "saving": 0, "creates": 0, **fields}
    return Status(rows=rows, done=done, **values)


# The rate


def test_no_sample_is_no_rate() -> None:
    rates = RateEstimator()
    assert (rates.rate(5.0), rates.eta(5.0, 10)) == (0.0, None)
    rates.note(5.0, 0)
    assert (rates.rate(5.0), rates.eta(5.0, 10)) == (0.0, None)


def test_rows_of_earlier_sessions_do_not_count() -> None:
    rates = RateEstimator()
    rates.note(100.0, 5000)
    assert rates.rate(110.0) == 0.0
    rates.note(110.0, 5020)
    assert rates.rate(110.0) == 2.0
    assert rates.eta(110.0, 60) == 30.0
    assert rates.eta(110.0, 0) == 0.0


def test_the_rate_is_that_of_the_last_minute() -> None:
    rates = RateEstimator()
    for second in range(101):
        rates.note(second, second)
    for second in range(101, 161):
        rates.note(second, 100 + 10 * (second - 100))
    assert rates.rate(160.0) == 10.0


def test_the_rate_sinks_while_no_row_is_finished() -> None:
    rates = RateEstimator()
    rates.note(0.0, 0)
    rates.note(10.0, 30)
    assert [rates.rate(now) for now in (10.0, 30.0, 60.0)] == [3.0, 1.0, 0.5]
    assert rates.rate(71.0) == 0.0


def test_rows_that_take_longer_than_a_minute_have_an_eta() -> None:
    rates = RateEstimator()
    rates.note(0.0, 0)
    rates.note(300.0, 1)
    assert rates.eta(300.0, 2) == 600.0
    assert rates.rate(400.0) == 0.0
    assert rates.eta(400.0, 2) == 800.0


def test_many_samples_are_few_in_memory() -> None:
    rates = RateEstimator()
    for i in range(100_000):
        rates.note(i / 1000, i)
    assert rates.rate(100.0) == pytest.approx(1000, rel=0.02)
    assert len(rates._samples) < 300


# The argument `progress`


@pytest.mark.parametrize("progress", [None, False])
def test_no_progress_shows_nothing(progress: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shown = open_progress(progress)
    shown.update(status())
    shown.close()
    assert capsys.readouterr() == ("", "")


def test_a_function_is_called_with_each_status() -> None:
    seen: list[Status] = []
    progress = open_progress(seen.append)
    statuses = [status(1), status(2, note="waiting for the rate limit")]
    for each in statuses:
        progress.update(each)
    progress.close()
    assert seen == statuses


def test_an_error_of_the_function_is_raised() -> None:
    def fail(status: Status) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        open_progress(fail).update(status())


async def async_callback(status: Status) -> None: ...


class AsyncCallback:
    async def __call__(self, status: Status) -> None: ...


@pytest.mark.parametrize("progress", [1, "x", async_callback, AsyncCallback()])
def test_what_cannot_be_called_is_rejected(progress: Any) -> None:
    with pytest.raises(TypeError, match="progress must be True or a plain function that takes a Status"):
        open_progress(progress)


def test_finished_rows_are_those_that_are_not_tried_again() -> None:
    assert status(3, failed=2, uncertain=1).finished == 6


# The bar


def shown_by_tqdm(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.strip() for line in capsys.readouterr().err.split("\r") if line.strip()]


def test_true_shows_a_tqdm_bar(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    progress = open_progress(True)
    progress.update(status())
    failures = {"ModelError": 2, "APIConnectionError": 1}
    progress.update(status(490, failed=10, failures=failures, rate=2.5, eta=200.0, cost=1.5, note="saving"))
    progress.close()
    lines = shown_by_tqdm(capsys)
    assert lines[0].startswith("0%|")
    assert lines[0].endswith("| 0/1000")
    assert lines[-1].startswith("50%|")
    details = "2.5/s, 3 min left, 2 ModelError, 1 APIConnectionError, cost so far 1.50, saving"
    assert lines[-1].endswith(f"| 500/1000, {details}")


def test_a_bar_of_no_rows(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    progress = open_progress(True)
    progress.update(status(rows=0))
    progress.update(status(2, rows=4))
    progress.close()
    assert shown_by_tqdm(capsys)[-1].endswith("| 2/4")


# Lines


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, clock: FakeClock, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that updates the progress after some seconds, and returns what is printed."""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    progress = open_progress(True, clock.monotonic)

    def print_after(seconds: float, status: Status | None) -> list[str]:
        clock.time += seconds
        progress.close() if status is None else progress.update(status)
        output = capsys.readouterr()
        assert output.out == ""
        return output.err.splitlines()

    return print_after


def test_without_tqdm_there_is_a_line_every_five_seconds(lines: Any) -> None:
    assert lines(0, status()) == ["0 of 1,000 rows (0%)"]
    assert lines(1, status(10)) == []
    assert lines(3.9, status(20)) == []
    assert lines(0.1, status(30, rate=6.04, eta=160.0)) == ["30 of 1,000 rows (3%), 6.0/s, 3 min left"]
    assert lines(0.5, status(31)) == []


def test_without_tqdm_a_change_of_the_note_is_a_line(lines: Any) -> None:
    lines(0, status())
    note = "no connection; retrying in 30 s"
    assert lines(0.5, status(note=note)) == [f"0 of 1,000 rows (0%), {note}"]
    assert lines(0.5, status(note=note)) == []
    assert lines(0.5, status()) == ["0 of 1,000 rows (0%)"]


def test_without_tqdm_the_last_status_is_a_line(lines: Any) -> None:
    lines(0, status())
    assert lines(1, status(999, uncertain=1)) == []
    assert lines(0, None) == ["1,000 of 1,000 rows (100%), 1 uncertain"]


def test_without_tqdm_the_last_status_is_printed_once(lines: Any) -> None:
    assert len(lines(0, status(rows=0))) == 1
    assert lines(1, None) == []


def test_a_batch_that_ends_at_once_prints_nothing(lines: Any) -> None:
    assert lines(0, None) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3599, "1 h 0 min"), (11_520, "3 h 12 min"), (187_200, "2 d 4 h")],
)
def test_the_time_that_is_left(lines: Any, seconds: float, text: str) -> None:
    assert lines(0, status(eta=seconds)) == [f"0 of 1,000 rows (0%), {text} left"]


@pytest.mark.parametrize(("cost", "text"), [(0.0, "0.0000"), (0.0031, "0.0031"), (1234.5, "1,234.50")])
def test_the_cost_so_far(lines: Any, cost: float, text: str) -> None:
    assert lines(0, status(cost=cost)) == [f"0 of 1,000 rows (0%), cost so far {text}"]
