"""The rows of a batch: an iterable of dicts, a DataFrame, or a file, read one by one as they are needed."""

from __future__ import annotations

import codecs
import csv
import os
from collections import Counter
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from .._models.schema import ModelSchema
from .cells import CellConverter, load_json, to_row

Row: TypeAlias = Mapping[str, Any]


class DataFrame(Protocol):
    """A DataFrame of pandas or of polars."""

    @property
    def columns(self) -> Any:
        """The names of its columns."""


Rows: TypeAlias = Iterable[Row] | DataFrame | str | os.PathLike[str]
"""What `map` takes: inputs by name, or the path of a file of them."""

PARQUET_BATCH_SIZE = 1024
"""Rows of a Parquet file that are in memory as Python values."""

PARQUET_BUFFER_SIZE = 1024 * 1024
"""Bytes of each column that are read ahead; without a limit, pyarrow reads the columns of a whole row group."""

_ACCEPTED = "an iterable of dicts, a DataFrame, or the path of a .jsonl, .ndjson, .csv or .parquet file"


def check_rows(rows: object) -> None:
    """Check what can be known before any row is read.

    Raises:
        TypeError, ValueError, OSError: It is something else, a file that does not exist, or one of an unknown format.
        ImportError: It is a Parquet file, and pyarrow is not installed.
    """
    if isinstance(rows, str | os.PathLike):
        _check_file(Path(rows))
    elif isinstance(rows, Mapping):
        raise TypeError(f"rows is one {type(rows).__name__}; for a single row, write [row]")
    elif isinstance(rows, AsyncIterable):
        raise TypeError(f"rows is an async {type(rows).__name__}; collect it first: [row async for row in rows]")
    elif isinstance(rows, list | tuple) and rows:
        _check_row(0, rows[0])
    elif not _is_frame(rows) and not isinstance(rows, Iterable):
        raise TypeError(f"rows is a {type(rows).__name__}, not {_ACCEPTED}")


def read_rows(rows: object, schema: ModelSchema | None) -> Iterator[Row]:
    """Return an iterator of the rows, which keeps none of them.

    Rows of a file get the values that the model's schema asks for: a list for a cell of a CSV file, and for the name of
    an image a `Path`, relative to the folder of the file. Empty cells and nulls of a table are left out.

    Raises:
        TypeError, ValueError, OSError, ImportError: As `check_rows`; the iterator raises if a row cannot be read, and
            names it or its line.
    """
    check_rows(rows)
    if isinstance(rows, str | os.PathLike):
        path = Path(rows).absolute()
        return _READERS[path.suffix.lower()](path, CellConverter(schema, path.parent))
    return _read_frame(rows) if _is_frame(rows) else _read_iterable(rows)


def _check_file(path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise ValueError(f"rows is {str(path)!r:.300}, a file of an unknown format; rows are {_ACCEPTED}")
    if not path.exists():
        raise FileNotFoundError(f"rows does not exist: {path}")
    if path.is_dir():
        raise IsADirectoryError(f"rows is a folder, not a file: {path}")
    if suffix == ".parquet" and find_spec("pyarrow") is None:
        raise ImportError("reading Parquet needs pyarrow: pip install 'replicate-ext[parquet]'")


def _check_row(index: int, row: object) -> None:
    if not isinstance(row, Mapping):
        raise TypeError(f"rows[{index}] is a {type(row).__name__}, not a dict of the model's inputs by name")


def _check_columns(columns: list[Any], source: object) -> None:
    for column, count in Counter(columns).items():
        if count > 1:
            raise ValueError(f"{source} has {count} columns named {column!r:.100}; rename or remove one")


def _is_frame(rows: object) -> bool:
    """Whether rows are a DataFrame of pandas or of polars."""
    return (hasattr(rows, "itertuples") or hasattr(rows, "iter_rows")) and hasattr(rows, "columns")


def _read_iterable(rows: Any) -> Iterator[Row]:
    for index, row in enumerate(rows):
        _check_row(index, row)
        yield row


def _read_frame(frame: Any) -> Iterator[Row]:
    columns = list(frame.columns)
    _check_columns(columns, "the DataFrame")
    is_polars = hasattr(frame, "iter_rows")
    for cells in frame.iter_rows() if is_polars else frame.itertuples(index=False, name=None):
        yield to_row(zip(columns, cells, strict=True))


def _decode(lines: Iterable[bytes], name: object) -> Iterator[str]:
    """Yield the lines of a text file; their ends remain, since the cell of a CSV file may have several lines."""
    for number, line in enumerate(lines, 1):
        try:
            yield (line.removeprefix(codecs.BOM_UTF8) if number == 1 else line).decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{name}, line {number} is not UTF-8 ({error.reason}); save it as UTF-8") from None


def read_json_lines(lines: Iterable[bytes], name: object, converter: CellConverter) -> Iterator[Row]:
    """Yield the rows in lines of JSON; errors call the file by `name`.

    Raises:
        ValueError: A line is no JSON object.
    """
    for number, line in enumerate(_decode(lines, name), 1):
        if not (text := line.strip()):
            continue
        try:
            row = load_json(text)
        except ValueError as error:
            raise ValueError(f"{name}, line {number} is not JSON: {error}; write one object in each line") from None
        if not isinstance(row, dict):
            raise ValueError(f"{name}, line {number} is a {type(row).__name__}, not an object of inputs by name")
        yield converter.resolve_paths(row)


def _read_jsonl(path: Path, converter: CellConverter) -> Iterator[Row]:
    with path.open("rb") as file:
        yield from read_json_lines(file, path, converter)


def _read_csv(path: Path, converter: CellConverter) -> Iterator[Row]:
    with path.open("rb") as file:
        yield from _read_cells(_read_records(file, path), path, converter)


def _read_cells(records: Iterator[tuple[int, list[str]]], path: Path, converter: CellConverter) -> Iterator[Row]:
    number, columns = next(records, (1, []))
    if "" in columns or not columns:
        raise ValueError(f"{path}, line {number} must have a name for each column; write those of the model's inputs")
    _check_columns(columns, path)
    for number, cells in records:
        if len(cells) > len(columns):
            raise ValueError(
                f"{path}, line {number} has {len(cells)} cells for {len(columns)} columns; put a cell that contains "
                "a comma in double quotes"
            )
        try:
            row = {name: converter.parse(name, cell) for name, cell in zip(columns, cells, strict=False) if cell}
        except ValueError as error:
            raise ValueError(f"{path}, line {number}, {error}") from None
        yield converter.resolve_paths(row)


def _read_records(file: Iterable[bytes], path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of a CSV file that are not empty, with the number of their first line."""
    reader = csv.reader(_decode(file, path), strict=True)  # a quote without its end would swallow the other rows
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise ValueError(f"{path}, line {number} is not valid CSV: {error}; .jsonl files take any text") from None
        if cells is None:
            return
        if cells:
            yield number, cells


def _read_parquet(path: Path, converter: CellConverter) -> Iterator[Row]:
    pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    try:
        with parquet.ParquetFile(path, pre_buffer=False, buffer_size=PARQUET_BUFFER_SIZE) as file:
            _check_columns(file.schema_arrow.names, path)
            for batch in file.iter_batches(PARQUET_BATCH_SIZE):
                for row in batch.to_pylist(maps_as_pydicts="strict"):
                    yield converter.resolve_paths(to_row(row.items()))
    except (pyarrow.ArrowException, OSError, KeyError) as error:  # KeyError: a map has a key twice
        raise ValueError(f"{path} cannot be read as Parquet: {error}") from error


_READERS: dict[str, Callable[[Path, CellConverter], Iterator[Row]]] = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}
