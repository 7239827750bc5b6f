"""A batch as a table: the columns in three formats, the order, secrets, and files that are whole or absent."""

from __future__ import annotations

import csv
import json
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from replicate_ext._batch.export import COLUMNS, export
from replicate_ext._batch.item import Item
from replicate_ext._batch.journal import Journal, JournalReader, State
from replicate_ext._batch.stored_input import dump_input
from replicate_ext._files.file_input import FileInput
from replicate_ext._files.inputs import prepare_input

CREATED_AT = datetime(2025, 11, 26, 0, 0, 1, 250_000, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    folder = tmp_path / "cards"
    folder.mkdir()
    journal = Journal(folder)
    yield journal
    journal.close()


def fill(journal: Journal) -> None:
    """Add a row with everything, one that has failed, one that is new, and one that shares the first one's result."""
    journal.add_rows(
        [
            (0, "a,1", b"", json.dumps({"prompt": 'two "lines"\nand é', "api_key": "hunter2"}), 0, None, None, None),
            (1, None, b"", "{}", State.FAILED, None, "invalid", "InvalidInputError: input.x is not an input"),
            (2, None, b"", "{}", State.NEW, None, None, None),
            (3, None, b"", '{"n": 3}', State.DUPLICATE, 0, None, None),
        ]
    )
    files = [{"path": f"outputs/000/000000-{i}.webp", "size": 1, "sha256": "", "url": None} for i in range(2)]
    columns = {
        "state": State.DONE,
        "output": '["https://replicate.delivery/é.webp"]',
        "files": json.dumps(files),
        "prediction_id": "p0",
        "status": "succeeded",
        "seconds": 2.5,
        "cost": 0.25,
        "attempts": 2,
        "result": '{"width": 10}',
    }
    for name, value in columns.items():
        journal.write(f"update row set {name} = ? where n = 0", value)
    insert = "insert into attempt(n, sent, intent_at, prediction_id, created_at, status) values (0, '', 0, ?, ?, ?)"
    journal.write(insert, "earlier", 1.0, "aborted")
    journal.write(insert, "p0", CREATED_AT.timestamp(), "succeeded")
    journal.commit()


FILES = ["outputs/000/000000-0.webp", "outputs/000/000000-1.webp"]


def test_jsonl_has_a_line_for_each_row_in_order(journal: Journal, tmp_path: Path) -> None:
    fill(journal)
    path = export(journal, tmp_path / "out" / "cards.jsonl")
    assert path == tmp_path / "out" / "cards.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["index"] for line in lines] == [0, 1, 2, 3]
    assert all(tuple(line) == COLUMNS for line in lines)
    assert lines[0] == {
        "index": 0,
        "key": "a,1",
        "input": {"prompt": 'two "lines"\nand é', "api_key": "…"},
        "output": ["https://replicate.delivery/é.webp"],
        "files": FILES,
        "prediction_id": "p0",
        "status": "succeeded",
        "seconds": 2.5,
        "cost": 0.25,
        "attempts": 2,
        "error": None,
        "result": {"width": 10},
        "created_at": "2025-11-26T00:00:01.250000+00:00",
    }
    assert lines[1]["error"] == "InvalidInputError: input.x is not an input"
    assert (lines[2]["status"], lines[2]["output"], lines[2]["files"], lines[2]["created_at"]) == (None, None, [], None)
    shared = {"input": {"n": 3}, "files": FILES, "prediction_id": "p0", "cost": None, "attempts": 0}
    assert lines[3].items() >= shared.items()


def test_csv_has_json_as_text(journal: Journal, tmp_path: Path) -> None:
    fill(journal)
    path = export(journal, str(tmp_path / "cards.csv"))
    with path.open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert len(rows) == 4
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["key"] == "a,1"
    assert json.loads(rows[0]["input"]) == {"prompt": 'two "lines"\nand é', "api_key": "…"}
    assert json.loads(rows[0]["output"]) == ["https://replicate.delivery/é.webp"]
    assert rows[0]["files"].split(";") == FILES
    assert datetime.fromisoformat(rows[0]["created_at"]) == CREATED_AT
    assert (rows[0]["seconds"], rows[0]["attempts"]) == ("2.5", "2")
    assert [rows[2][name] for name in ("output", "files", "status", "error", "result", "created_at")] == [""] * 6


def test_parquet_has_types(journal: Journal, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    fill(journal)
    table = parquet.read_table(export(journal, tmp_path / "cards.parquet"))
    assert tuple(table.column_names) == COLUMNS
    rows = table.to_pylist()
    assert [row["index"] for row in rows] == [0, 1, 2, 3]
    assert rows[0]["files"] == FILES
    assert json.loads(rows[0]["input"])["api_key"] == "…"
    assert (rows[0]["result"], rows[0]["created_at"], rows[0]["cost"]) == ('{"width": 10}', CREATED_AT, 0.25)
    assert (rows[2]["output"], rows[2]["files"], rows[2]["created_at"]) == (None, [], None)


def test_parquet_without_pyarrow(journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pip install pyarrow; or export to"):
        export(journal, tmp_path / "cards.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["cards"]


@pytest.mark.parametrize("name", ["table.xlsx", "table", "table.jsonl.gz"])
def test_an_unknown_suffix_is_rejected(journal: Journal, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}' must end in \.jsonl, \.csv or \.parquet"):
        export(journal, tmp_path / name)
    assert not (tmp_path / name).exists()


def test_an_export_replaces_the_one_before(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "cards.JSONL").write_text("old")
    fill(journal)
    path = export(journal, tmp_path / "cards.JSONL")
    assert len(path.read_text(encoding="utf-8").splitlines()) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cards", "cards.JSONL"]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_an_export_that_fails_keeps_the_one_before(
    journal: Journal, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"cards{suffix}"
    path.write_text("old")

    def fail_at_the_second(reader: JournalReader) -> Iterator[Item]:
        yield Item(0, None, {})
        raise OSError("the disk is gone")

    monkeypatch.setattr(JournalReader, "items", fail_at_the_second)
    with pytest.raises(OSError, match="the disk is gone"):
        export(journal, path)
    assert path.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["cards", path.name])


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"hf_token": "a", "max_tokens": 5, "tokens": "b"}, {"hf_token": "…", "max_tokens": 5, "tokens": "b"}),
        ({"lora": {"api-key": "a", "scale": 1}}, {"lora": {"api-key": "…", "scale": 1}}),
        ({"credentials": {"user": "a", "codes": ["b", 1]}}, {"credentials": {"user": "…", "codes": ["…", 1]}}),
        ({"list": [{"password": "a"}, "r8_a"]}, {"list": [{"password": "…"}, "r8_a"]}),
        ({"password": "", "secret": None}, {"password": "", "secret": None}),
        ({"items": [*range(50)], "text": "x" * 5000}, {"items": [*range(50)], "text": "x" * 5000}),
    ],
)
def test_strings_with_secret_names_are_hidden_and_nothing_else(
    journal: Journal, tmp_path: Path, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    journal.add_rows([(0, None, b"", json.dumps(given), 0, None, None, None)])
    assert json.loads(export(journal, tmp_path / "cards.jsonl").read_bytes())["input"] == shown


def test_files_of_inputs_are_paths(journal: Journal, tmp_path: Path) -> None:
    own = tmp_path / "cat.png"
    own.write_bytes(b"cat")
    files = {"image": own, "named": FileInput(own, name="scan.png"), "masks": [b"in memory"]}
    journal.add_rows([(0, None, b"", dump_input(prepare_input(files), journal.folder), 0, None, None, None)])
    shown = json.loads(export(journal, tmp_path / "cards.jsonl").read_bytes())["input"]
    assert (shown["image"], shown["named"]) == (str(own), str(own))
    assert (journal.folder / shown["masks"][0]).read_bytes() == b"in memory"
    assert shown["masks"][0].startswith("inputs/")


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_a_lone_surrogate_of_an_output_is_kept(journal: Journal, tmp_path: Path, suffix: str) -> None:
    journal.add_rows([(0, None, b"", "{}", State.DONE, None, None, None)])
    journal.write("update row set output = ?", r'"\ud800 \\ud800"')
    journal.commit()
    if suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        output = json.loads(parquet.read_table(export(journal, tmp_path / "a.parquet")).to_pylist()[0]["output"])
    elif suffix == ".csv":
        with export(journal, tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
            output = json.loads(next(csv.DictReader(file))["output"])
    else:
        output = json.loads(export(journal, tmp_path / "a.jsonl").read_text(encoding="utf-8"))["output"]
    assert output == "\ud800 \\ud800"


def test_the_memory_of_an_export_does_not_grow_with_the_rows(journal: Journal, tmp_path: Path) -> None:
    text = json.dumps({"prompt": "x" * 2000})
    journal.add_rows((n, None, b"", text, 0, None, None, None) for n in range(4000))
    tracemalloc.start()
    try:
        path = export(journal, tmp_path / "cards.jsonl")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 8_000_000
    assert peak < 6_000_000, "a page of the journal has 1,000 rows"
