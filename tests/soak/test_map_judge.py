"""The judge of the map soak finds what it is there for: each kind of fault in a small, made-up batch."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from map_inputs import expected_files, fails, make_rows
from map_judge import DONE, FAILED, UNCERTAIN, Judge

ROWS = make_rows(60, 4, 1.0)


class MadeUpBatch:
    """A batch without a fault, to which a test adds one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        statuses = ["failed" if fails(input) else "succeeded" for input in ROWS]
        self.predictions = [
            {"id": f"id{n}", "input": input, "status": status, "metrics": {"predict_time": 1.0}}
            for n, (input, status) in enumerate(zip(ROWS, statuses, strict=True))
        ]
        folder.joinpath("outputs").mkdir()
        for n, input in enumerate(ROWS):
            for place, content in enumerate(expected_files(input)):
                self.path(n, place).write_bytes(content)
        states = [FAILED if status == "failed" else DONE for status in statuses]
        with closing(sqlite3.connect(folder / "journal.db")) as db, db:
            db.executescript(
                "create table row(n integer primary key, state integer, prediction_id text, error text, result text);"
                "create table attempt(id integer primary key, n integer, prediction_id text, status text);"
            )
            for n, (state, status) in enumerate(zip(states, statuses, strict=True)):
                db.execute("insert into row(n, state, prediction_id) values (?, ?, ?)", (n, state, f"id{n}"))
                db.execute("insert into attempt(n, prediction_id, status) values (?, ?, ?)", (n, f"id{n}", status))

    def path(self, n: int, place: int) -> Path:
        return self.folder / "outputs" / f"{n:06}-{place}.webp"

    def execute(self, sql: str, *params: Any) -> None:
        with closing(sqlite3.connect(self.folder / "journal.db")) as db, db:
            db.execute(sql, params)

    def judge(self) -> Judge:
        return Judge(ROWS, self.predictions, self.folder)


@pytest.fixture
def batch(tmp_path: Path) -> MadeUpBatch:
    return MadeUpBatch(tmp_path)


def faults(judge: Judge) -> dict[str, int]:
    names = ("twice", "never", "wrong files", "wrong status", "wrong entries", "uncertain", "retried")
    return {name: judge.figures[name] for name in names if judge.figures[name]}


def test_a_batch_without_a_fault(batch: MadeUpBatch) -> None:
    assert any(map(fails, ROWS))
    assert len({str(row) for row in ROWS}) < len(ROWS)
    judge = batch.judge()
    assert (judge.problems, faults(judge)) == ([], {})
    assert judge.figures["succeeded"] + judge.figures["failed"] == judge.figures["inputs"] == 60


def test_an_input_that_was_bought_twice(batch: MadeUpBatch) -> None:
    batch.predictions.append({**batch.predictions[7], "id": "again"})
    judge = batch.judge()
    assert faults(judge) == {"twice": 1, "wrong entries": 1}
    assert judge.problems[0].startswith("bought 2 times for 1 rows")


def test_a_retry_that_the_journal_explains_is_no_second_purchase(batch: MadeUpBatch) -> None:
    batch.predictions.append({**batch.predictions[7], "id": "aborted", "status": "aborted"})
    batch.execute("insert into attempt(n, prediction_id, status) values (7, 'aborted', 'aborted')")
    assert faults(batch.judge()) == {"retried": 1, "wrong status": 1}  # this server aborts nothing


def test_an_input_that_was_never_bought(batch: MadeUpBatch) -> None:
    del batch.predictions[7]
    assert faults(batch.judge()) == {"never": 1, "wrong entries": 2}


def test_an_uncertain_row_may_have_been_bought_or_not(batch: MadeUpBatch) -> None:
    batch.execute("update row set state = ?, prediction_id = null where n = 7", UNCERTAIN)
    for place, _ in enumerate(expected_files(ROWS[7])):
        batch.path(7, place).unlink()
    assert faults(batch.judge()) == {"uncertain": 1}
    del batch.predictions[7]
    batch.execute("update attempt set prediction_id = null where n = 7")
    assert faults(batch.judge()) == {"uncertain": 1}


def test_files_that_are_wrong_missing_or_too_many(batch: MadeUpBatch) -> None:
    batch.path(0, 0).write_bytes(b"truncated")
    batch.path(1, 0).unlink()
    batch.path(2, 5).write_bytes(b"")
    judge = batch.judge()
    assert faults(judge) == {"wrong files": 3}
    assert [problem.rpartition(" ")[2] for problem in judge.problems] == ["wrong", "missing", "unexpected"]


def test_a_canceled_prediction(batch: MadeUpBatch) -> None:
    batch.predictions[7]["status"] = "canceled"
    assert faults(batch.judge()) == {"wrong status": 1}


def test_a_row_with_the_prediction_of_another_one(batch: MadeUpBatch) -> None:
    batch.execute("update row set prediction_id = 'id8' where n = 7")
    assert faults(batch.judge()) == {"wrong entries": 2}


def test_a_report_that_differs_from_the_predictions(batch: MadeUpBatch) -> None:
    judge = batch.judge()
    judge.check_report({"rows": 60, "creates": 59, "predict_seconds": 61.0})
    assert "the report has creates=59, but it is 60" in judge.problems
    assert "the report has predict_seconds=61.0, but it is 60.0" in judge.problems


def test_an_item_that_was_not_acknowledged(batch: MadeUpBatch, tmp_path: Path) -> None:
    judge = batch.judge()
    judge.check_markers(tmp_path)
    assert len(judge.problems) == sum(not fails(row) for row in ROWS)
