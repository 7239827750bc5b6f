"""A batch as a table: JSON lines, CSV or Parquet, with a line for each row, in the order of the input."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from .._files.disk import AtomicFile
from .._files.file_input import FileInput
from .._sansio.redact import hide_secrets
from .item import Item
from .journal import JournalReader

COLUMNS = (
    *("index", "key", "input", "output", "files", "prediction_id", "status", "seconds", "cost", "attempts"),
    *("error", "result", "created_at"),
)

_JSON_COLUMNS = ("input", "output", "result")

ROWS_PER_GROUP = 2000
"""Rows of a row group of a Parquet file, which are in memory together."""


def export(reader: JournalReader, path: str | os.PathLike[str]) -> Path:
    """Write all rows to a file, which appears, or replaces an earlier one, when it is complete; return its path.

    The columns are those of `COLUMNS`. `files` are the paths of the saved files, relative to the folder of the batch:
    a list, or in CSV one text with ";" between them. `input`, `output` and `result` are JSON: values in JSON lines,
    text in CSV and Parquet. Inputs that the model's schema calls secret, and strings whose names look secret, are
    replaced by "…".

    Raises:
        ValueError: The name ends in none of .jsonl, .csv and .parquet.
        ImportError: pyarrow, which writes Parquet, is not installed.
    """
    target = Path(path)
    write = _WRITERS.get(target.suffix.lower())
    if write is None:
        raise ValueError(f"{str(target)!r} must end in .jsonl, .csv or .parquet, which chooses the format")
    file = AtomicFile(target.parent, target.stem, target.suffix, may_replace=True)
    try:
        file.open()
        secrets = frozenset(reader.get("secrets", ()))
        write(_Stream(file), (_to_line(reader, item, secrets) for item in reader.items()), reader.folder)
        return file.commit()
    finally:
        file.discard()


class _Stream(io.RawIOBase):
    """A stream that writes to a file which is not complete yet."""

    def __init__(self, file: AtomicFile) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, chunk: Any) -> int:
        self._file.write([chunk])
        return len(chunk)


def _to_line(reader: JournalReader, item: Item, secrets: frozenset[str]) -> dict[str, Any]:
    created = reader.select("select created_at from attempt where prediction_id = ?", item.prediction_id)
    seconds = created[0][0] if created else None
    return {
        "index": item.index,
        "key": item.key,
        "input": hide_secrets(item.input) | dict.fromkeys(secrets & item.input.keys(), "…"),
        "output": item.output,
        "files": [path.relative_to(reader.folder).as_posix() for path in item.paths],
        "prediction_id": item.prediction_id,
        "status": item.status,
        "seconds": item.seconds,
        "cost": item.cost,
        "attempts": item.attempts,
        "error": item.error,
        "result": item.result,
        "created_at": None if seconds is None else datetime.fromtimestamp(seconds, UTC),
    }


_Lines = Iterator[dict[str, Any]]


def _write_jsonl(stream: _Stream, lines: _Lines, folder: Path) -> None:
    for line in lines:
        stream.write(f"{_to_json(line, folder)}\n".encode())


def _write_csv(stream: _Stream, lines: _Lines, folder: Path) -> None:
    with io.TextIOWrapper(io.BufferedWriter(stream), "utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for line in lines:
            row = _with_json_text(line, folder) | {"files": ";".join(line["files"])}
            created_at = line["created_at"]
            writer.writerow((row | {"created_at": created_at and created_at.isoformat()}).values())


def _write_parquet(stream: _Stream, lines: _Lines, folder: Path) -> None:
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError("Parquet needs pyarrow: pip install pyarrow; or export to .jsonl or .csv") from error
    types = {
        **dict.fromkeys(COLUMNS, arrow.string()),
        **dict.fromkeys(("index", "attempts"), arrow.int64()),
        **dict.fromkeys(("seconds", "cost"), arrow.float64()),
        "files": arrow.list_(arrow.string()),
        "created_at": arrow.timestamp("us", tz="UTC"),
    }
    schema = arrow.schema(types.items())
    with parquet.ParquetWriter(stream, schema) as writer:
        while group := [_with_json_text(line, folder) for line in islice(lines, ROWS_PER_GROUP)]:
            writer.write_table(arrow.Table.from_pylist(group, schema))


def _with_json_text(line: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a line for a format without nested values."""
    texts = {name: _to_json(line[name], folder) for name in _JSON_COLUMNS if line[name] is not None}
    return line | texts


def _to_json(value: Any, folder: Path) -> str:
    """Return the JSON of a value in which files are paths and times are datetimes."""

    def to_text(other: Any) -> str:
        if isinstance(other, datetime):
            return other.isoformat()
        path: Any = other.source if isinstance(other, FileInput) else other
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)

    # A lone surrogate, which UTF-8 cannot encode, becomes the escape that JSON has for it (RFC 8259, section 7).
    return json.dumps(value, ensure_ascii=False, default=to_text).encode(errors="backslashreplace").decode()


_WRITERS: dict[str, Callable[[_Stream, _Lines, Path], None]] = {
    ".jsonl": _write_jsonl,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
