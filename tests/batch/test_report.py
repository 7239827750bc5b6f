"""The report of a batch: what is counted in its journal, and what is said about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from replicate_ext._batch.journal import Journal, State
from replicate_ext._batch.report import Report

START = 1_764_115_200.0  # 2025-11-26 00:00:00 UTC


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.close()


def add_row(journal: Journal, n: int, state: State = State.DONE, *, origin: int | None = None, **columns: Any) -> None:
    journal.add_rows([(n, None, b"", "{}", state, origin, None, None)])
    for name, value in columns.items():
        journal.write(f"update row set {name} = ? where n = ?", value, n)
    journal.commit()


def add_attempt(journal: Journal, n: int, status: str | None = "succeeded", **columns: Any) -> None:
    values = {"n": n, "sent": b"", "intent_at": START, "status": status, **columns}
    names = ", ".join(values)
    journal.write(f"insert into attempt({names}) values ({', '.join('?' * len(values))})", *values.values())
    journal.commit()


def saved(*sizes: int) -> str:
    return json.dumps([{"path": f"outputs/{size}.png", "size": size, "sha256": "", "url": None} for size in sizes])


def test_an_empty_journal(journal: Journal) -> None:
    report = Report.read(journal)
    assert (report.rows, report.creates, report.files, report.bytes) == (0, 0, 0, 0)
    assert (report.cost, report.seconds, report.is_cost_exact) == (None, None, False)
    assert "rows" in str(report)


def test_rows_are_counted_by_what_became_of_them(journal: Journal) -> None:
    states = [State.DONE, State.DONE, State.FAILED, State.UNCERTAIN, State.NEW, State.CREATED, State.ENDED, State.SAVED]
    for n, state in enumerate(states):
        add_row(journal, n, state)
    report = Report.read(journal)
    assert (report.rows, report.done, report.failed, report.uncertain) == (8, 2, 1, 1)
    assert report.unfinished == {"new": 1, "created": 1, "ended": 1, "saved": 1}
    assert report.uncertain_rows == (3,)


def test_a_duplicate_counts_as_what_its_origin_is(journal: Journal) -> None:
    add_row(journal, 0)
    add_row(journal, 1, State.DUPLICATE, origin=0)
    add_row(journal, 2, State.FAILED, error="ModelError: NSFW")
    add_row(journal, 3, State.DUPLICATE, origin=2)
    add_row(journal, 4, State.NEW, error="ModelError: of the attempt before")
    add_row(journal, 5, State.DUPLICATE, origin=4)
    report = Report.read(journal)
    assert (report.rows, report.done, report.failed, report.unfinished) == (6, 2, 2, {"new": 2})
    assert report.errors == {"ModelError": 2}


def test_creates_are_counted_by_status_without_those_that_were_refused(journal: Journal) -> None:
    for status in ["failed", "succeeded", "succeeded", "refused", "uncertain", None]:
        add_attempt(journal, 0, status)
    add_attempt(journal, 1, "canceled")
    report = Report.read(journal)
    assert (report.creates, report.in_flight, report.uncertain_creates) == (6, 1, 1)
    assert report.ended == {"succeeded": 2, "failed": 1, "canceled": 1}
    assert report.retries == 4


def test_errors_are_counted_by_class_the_most_frequent_first(journal: Journal) -> None:
    errors = ["A: x", "ModelError: a: b", "ModelError: c", "without a class"]
    for n, error in enumerate(errors):
        add_row(journal, n, State.FAILED, error=error)
    assert [*Report.read(journal).errors.items()] == [("ModelError", 2), ("A", 1), ("without a class", 1)]


def test_the_cost_is_none_without_a_price(journal: Journal) -> None:
    add_attempt(journal, 0, seconds=2.5)
    report = Report.read(journal)
    assert (report.cost, report.is_cost_exact, report.predict_seconds) == (None, False, 2.5)
    assert "not known: no price" in str(report)


def test_the_cost_is_exact_when_that_of_every_create_is_known(journal: Journal) -> None:
    add_attempt(journal, 0, seconds=1.0, cost=0.25)
    add_attempt(journal, 1, seconds=2.0, cost=0.5)
    add_attempt(journal, 2, "refused")
    add_attempt(journal, 3, "canceled")  # before it ran: that is free
    report = Report.read(journal)
    assert (report.cost, report.is_cost_exact, report.estimated_creates) == (0.75, True, 0)
    assert "estimate" not in str(report)


def test_creates_without_a_known_cost_count_with_the_highest_one(journal: Journal) -> None:
    add_attempt(journal, 0, seconds=1.0, cost=0.25)
    add_attempt(journal, 1, seconds=2.0, cost=0.5)
    add_attempt(journal, 2, None)
    add_attempt(journal, 3, "uncertain")
    add_attempt(journal, 4, "canceled", seconds=1.5)  # it ran when no price was given
    report = Report.read(journal)
    assert (report.cost, report.is_cost_exact, report.estimated_creates) == (2.25, False, 3)
    assert "about 2.25, an estimate: 3 creates whose cost is not known count with the highest cost" in str(report)
    assert "4.5 s, without 2 creates that are in flight or uncertain" in str(report)


def test_files_and_bytes(journal: Journal) -> None:
    add_row(journal, 0, files=saved(100, 200))
    add_row(journal, 1, files=saved())
    add_row(journal, 2, State.FAILED, files=saved(3000))
    add_row(journal, 3, State.DUPLICATE, origin=0)
    report = Report.read(journal)
    assert (report.files, report.bytes) == (3, 3300)
    assert "3 (3.3 kB)" in str(report)


def test_the_time_is_that_of_the_first_create_to_the_last_end(journal: Journal) -> None:
    add_attempt(journal, 0, "refused", intent_at=START - 50)
    add_attempt(journal, 1, created_at=START + 1, ended_at=START + 60)
    add_attempt(journal, 2, created_at=START + 2, ended_at=START + 31)
    report = Report.read(journal)
    assert report.first_created_at == datetime(2025, 11, 26, 0, 0, 1, tzinfo=UTC)
    assert report.last_ended_at == datetime(2025, 11, 26, 0, 1, tzinfo=UTC)
    assert report.seconds == 59
    assert "59 s: 2025-11-26 00:00:01 to 2025-11-26 00:01:00 UTC, by the server's clock" in str(report)


def test_only_the_first_uncertain_rows_are_named(journal: Journal) -> None:
    for n in range(25):
        add_row(journal, n, State.UNCERTAIN)
    report = Report.read(journal)
    assert report.uncertain_rows == tuple(range(20))
    assert "18, 19, 5 more" in str(report)


@pytest.fixture
def eventful(journal: Journal) -> Report:
    for n in range(9):
        state = State(n)
        error = f"Error{n}: text" if state in (State.FAILED, State.UNCERTAIN) else None
        add_row(journal, n, state, origin=5 if n == 8 else None, error=error, files=saved(10) if n == 5 else None)
        add_attempt(journal, n, None if n == 1 else "succeeded", created_at=START, ended_at=START + n, cost=1234.5)
    return Report.read(journal)


def test_the_text_is_a_short_table(eventful: Report) -> None:
    lines = str(eventful).splitlines()
    assert len(lines) <= 15
    labels = ["folder", "rows", "errors", "uncertain rows", "creates", "predict time", "cost", "files", "time"]
    assert [line[:14].strip() for line in lines] == labels
    assert all(line[14:16] == "  " and line[16] != " " for line in lines)
    assert lines[0][16:] == str(eventful.folders[0])
    assert lines[2][16:] == "1 Error6, 1 Error7"
    assert lines[3][16:] == "7"
    assert lines[1][16:] == "9: 2 done, 1 failed, 1 uncertain, 1 new, 1 intent, 1 created, 1 ended, 1 saved"
    assert lines[4][16:] == "9: 8 succeeded, 1 in flight"


def test_the_html_has_the_same_lines_escaped(eventful: Report, tmp_path: Path) -> None:
    html = eventful._repr_html_()
    assert html.count("<tr>") == len(str(eventful).splitlines())
    assert "server&#x27;s clock" in html


def test_to_dict_is_json(eventful: Report, tmp_path: Path) -> None:
    values = eventful.to_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["folders"] == [str(tmp_path)]
    assert values["first_created_at"] == "2025-11-26T00:00:00+00:00"
    assert (values["seconds"], values["is_cost_exact"], values["errors"]) == (8.0, True, {"Error6": 1, "Error7": 1})


def test_merge_adds_the_shards(tmp_path: Path) -> None:
    reports = []
    for shard in range(3):
        folder = tmp_path / str(shard)
        folder.mkdir()
        journal = Journal(folder)
        for n in range(shard, 30, 3):
            add_row(journal, n, State.UNCERTAIN if shard else State.DONE, error="E: x" if shard else None)
        add_attempt(journal, shard, cost=0.5, seconds=2.0, created_at=START - shard, ended_at=START + shard)
        reports.append(Report.read(journal))
        journal.close()
    report = Report.merge(reports)
    assert report.folders == tuple(tmp_path / str(shard) for shard in range(3))
    assert (report.rows, report.done, report.uncertain, report.errors) == (30, 10, 20, {"E": 20})
    assert (report.creates, report.ended, report.cost, report.is_cost_exact) == (3, {"succeeded": 3}, 1.5, True)
    assert report.uncertain_rows == tuple(n for n in range(30) if n % 3)
    assert (report.seconds, report.predict_seconds) == (4.0, 6.0)


def test_merge_does_not_know_the_cost_if_one_shard_with_creates_does_not(journal: Journal) -> None:
    nothing = Report.read(journal)
    add_attempt(journal, 0, None)
    without_price = Report.read(journal)
    add_attempt(journal, 1, cost=0.5)
    with_price = Report.read(journal)
    assert Report.merge([nothing, with_price]).cost == 1.0
    assert Report.merge([with_price, without_price]).cost is None
    with pytest.raises(ValueError, match="at least one report"):
        Report.merge([])
