"""Rows of a batch: iterables, files and DataFrames."""

import sys
import tracemalloc
from collections import OrderedDict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pyarrow
import pyarrow.parquet
import pytest

from replicate_ext._batch import rows as rows_module
from replicate_ext._batch.rows import check_rows, read_rows
from replicate_ext._models.schema import ModelSchema

FILE = {"type": "string", "format": "uri"}
PROPERTIES: dict[str, Any] = {
    "prompt": {"type": "string"},
    "seed": {"type": "integer"},
    "image": FILE,
    "images": {"type": "array", "items": FILE},
    "tags": {"type": "array", "items": {"type": "string"}},
    "weights": {"type": "object", "additionalProperties": {"type": "integer"}},
    "anything": {},
}
SCHEMA = ModelSchema.parse({"components": {"schemas": {"Input": {"type": "object", "properties": PROPERTIES}}}})


def read(rows: object, schema: ModelSchema | None = SCHEMA) -> list[Any]:
    return list(read_rows(rows, schema))


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def write_table(path: Path, table: dict[str, list[Any]], **options: Any) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(table), path, **options)
    return path


# Iterables.


@pytest.mark.parametrize(
    "rows",
    [[], (), [{"prompt": "a"}, OrderedDict(prompt="b", seed=None)], ({"seed": n} for n in range(3))],
    ids=["empty list", "empty tuple", "mappings", "generator"],
)
def test_an_iterable_of_mappings_is_read_as_it_is(rows: Any) -> None:
    expected = rows if isinstance(rows, list | tuple) else [{"seed": 0}, {"seed": 1}, {"seed": 2}]
    check_rows(rows)
    assert read(rows) == list(expected)


def test_an_iterable_is_read_one_row_at_a_time() -> None:
    taken: list[int] = []

    def produce() -> Iterator[dict[str, int]]:
        for n in range(10):
            taken.append(n)
            yield {"seed": n}

    rows = read_rows(produce(), SCHEMA)
    assert taken == []
    assert next(rows) == {"seed": 0}
    assert taken == [0]


async def produce_async() -> Any:
    yield {"prompt": "a"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"prompt": "a"}, r"rows is one dict; for a single row, write \[row\]"),
        (produce_async(), r"rows is an async async_generator; collect it first: \[row async for row in rows\]"),
        (None, "rows is a NoneType, not an iterable of dicts, a DataFrame, or the path of a .jsonl, .ndjson, .csv or"),
        (produce_async, "rows is a function, not an iterable of dicts"),
        (["a red fox", "a blue fox"], r"rows\[0\] is a str, not a dict of the model's inputs by name"),
        ((("prompt", "a"),), r"rows\[0\] is a tuple, not a dict"),
    ],
)
def test_what_is_no_iterable_of_mappings_is_refused_at_once(rows: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        check_rows(rows)
    with pytest.raises(TypeError, match=message):
        read_rows(rows, SCHEMA)


def test_a_row_of_another_type_is_named_by_its_index() -> None:
    check_rows(iter(["a"]))
    rows = read_rows(iter([{"prompt": "a"}, {"prompt": "b"}, ["c"]]), SCHEMA)
    assert [next(rows), next(rows)] == [{"prompt": "a"}, {"prompt": "b"}]
    with pytest.raises(TypeError, match=r"^rows\[2\] is a list, not a dict"):
        next(rows)


# Paths.


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("missing.jsonl", FileNotFoundError, r"^rows does not exist: .*missing\.jsonl$"),
        ("folder.csv", IsADirectoryError, r"^rows is a folder, not a file: .*folder\.csv$"),
        ("rows.json", ValueError, r"rows\.json', a file of an unknown format; rows are .* \.jsonl, \.ndjson, \.csv or"),
        ("a red fox", ValueError, "a red fox', a file of an unknown format"),
        ("rows.jsonl.gz", ValueError, "an unknown format"),
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_that_cannot_be_read_is_refused_at_once(tmp_path: Path, kind: Any, name: str, error: Any, message: str):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(error, match=message):
        check_rows(kind(tmp_path / name))
    with pytest.raises(error, match=message):
        read_rows(kind(tmp_path / name), SCHEMA)


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "rows.parquet", b"")
    monkeypatch.setattr(rows_module, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'replicate-ext\[parquet\]'"):
        check_rows(path)


# JSON Lines.


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".JSONL"])
@pytest.mark.parametrize("kind", [str, Path])
def test_json_lines(tmp_path: Path, kind: Any, suffix: str) -> None:
    content = (
        b'\xef\xbb\xbf{"prompt": "\xc3\xa9", "seed": null}\r\n\n  \n{"tags": ["a"], "seed": 1.5, "other": "x.png"}'
    )
    path = write(tmp_path / f"rows{suffix}", content)
    assert read(kind(path)) == [{"prompt": "é", "seed": None}, {"tags": ["a"], "seed": 1.5, "other": "x.png"}]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{'prompt': 'a'}", "line 3 is not JSON: Expecting property name .* at character 2; write one object in each"),
        ('{"prompt": "a"', "line 3 is not JSON: .* at character 15"),
        ('{"seed": NaN}', "line 3 is not JSON: NaN is not a JSON value"),
        ("[" * 100_000, "line 3 is not JSON: it is nested too deeply"),
        ('["a"]', "line 3 is a list, not an object of inputs by name"),
        ('"a"', "line 3 is a str, not an object"),
        (b'{"prompt": "\xe4"}', "line 3 is not UTF-8 .*; save it as UTF-8"),
    ],
)
def test_a_broken_json_line_is_named(tmp_path: Path, line: Any, message: str) -> None:
    content = b'{"seed": 1}\n\n' + (line if isinstance(line, bytes) else line.encode()) + b'\n{"seed": 2}\n'
    rows = read_rows(write(tmp_path / "rows.jsonl", content), SCHEMA)
    assert next(rows) == {"seed": 1}
    with pytest.raises(ValueError, match=f"rows.jsonl, {message}"):
        next(rows)


# CSV.


def test_cells_of_a_csv_file(tmp_path: Path) -> None:
    content = (
        'prompt,seed,tags,weights,anything\r\n"a ""red"" fox,\r\nin snow",3,"[""a"", ""b""]","{""a"": 1}",007\r\n'
        "\r\né,,,,\r\n[b],1e3,[],{},true\r\nc\r\n"
    )
    assert read(write(tmp_path / "rows.csv", b"\xef\xbb\xbf" + content.encode())) == [
        {"prompt": 'a "red" fox,\r\nin snow', "seed": "3", "tags": ["a", "b"], "weights": {"a": 1}, "anything": "007"},
        {"prompt": "é"},
        {"prompt": "[b]", "seed": "1e3", "tags": [], "weights": {}, "anything": True},
        {"prompt": "c"},
    ]
    assert SCHEMA.check({"seed": "3"}) == {"seed": 3}  # which converts the other cells


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("prompt,seed\na,1\na, b,2\n", "line 3 has 3 cells for 2 columns; put a cell that contains a comma in double"),
        ('prompt,seed\n"a\nb",1\na,b,c\n', "line 4 has 3 cells"),
        ("prompt,seed,prompt\na,1,b\n", "has 2 columns named 'prompt'; rename or remove one"),
        ("\n,prompt\n0,a\n", "line 2 must have a name for each column"),
        ("", "line 1 must have a name for each column"),
        ('prompt,seed\na,1\n"b,2\nc,3\n', "line 3 is not valid CSV: unexpected end of data"),
        (
            "prompt\n" + "a" * 200_000,
            "line 2 is not valid CSV: field larger than field limit .*; .jsonl files take any",
        ),
        (b"prompt\na\n\xe4\n", "line 3 is not UTF-8"),
        (
            'prompt,tags\na,\nb,"c, d"\n',
            r"line 3, column 'tags' is not JSON: Expecting value at character 1; write JSON such as \[",
        ),
        ("weights\n{a: 1}\n", """line 2, column 'weights' is not JSON: .*; write JSON such as {"a": 1}"""),
    ],
)
def test_a_broken_csv_file_is_refused_by_its_line(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"rows.csv,? {message}"):
        read(write(tmp_path / "rows.csv", content))


# Paths of files in rows.


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_names_of_files_are_relative_to_the_folder_of_the_rows(tmp_path: Path, monkeypatch, suffix: str) -> None:
    write(tmp_path / "rows.jsonl", '{"image": "a.png", "images": ["b.png"]}')
    write(tmp_path / "rows.csv", 'image,images\na.png,"[""b.png""]"\n')
    write_table(tmp_path / "rows.parquet", {"image": ["a.png"], "images": [["b.png"]]})
    monkeypatch.chdir(tmp_path)
    rows = read_rows(f"rows{suffix}", SCHEMA)
    monkeypatch.chdir("/")
    assert list(rows) == [{"image": tmp_path / "a.png", "images": [tmp_path / "b.png"]}]


# Parquet.


def test_values_of_a_parquet_file(tmp_path: Path) -> None:
    struct = pyarrow.array([{"a": 1, "b": None}, None, {"a": None, "b": 2}])
    table = {
        "prompt": pyarrow.array(["a", "b", None]).dictionary_encode(),
        "seed": pyarrow.array([1, None, 3], pyarrow.int8()),
        "strength": [0.5, float("nan"), None],
        "weights": pyarrow.array([[("a", 1)], [], None], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
        "layer": struct,
        "image": [b"\x89PNG", None, None],
        "anything": [[{"a": 1, "b": None}, None], None, []],
        "when": [None, date(2026, 1, 2), None],
    }
    assert read(write_table(tmp_path / "rows.parquet", table)) == [
        {
            "prompt": "a",
            "seed": 1,
            "strength": 0.5,
            "weights": {"a": 1},
            "layer": {"a": 1},
            "image": b"\x89PNG",
            "anything": [{"a": 1}, None],
        },
        {"prompt": "b", "weights": {}, "when": date(2026, 1, 2)},
        {"seed": 3, "layer": {"b": 2}, "anything": []},
    ]


def test_a_parquet_file_of_several_batches_is_read_in_order(tmp_path: Path) -> None:
    path = write_table(tmp_path / "rows.parquet", {"seed": list(range(5000))}, row_group_size=3000)
    assert [row["seed"] for row in read(str(path))] == list(range(5000))


def test_a_broken_parquet_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"rows\.parquet cannot be read as Parquet: "):
        read(write(tmp_path / "rows.parquet", b"prompt,seed\n"))
    path = write_table(tmp_path / "rows.parquet", {"prompt": ["a"]})
    write(path, b"PAR1\xff\xff\xff" + path.read_bytes()[7:])  # the header of the first page
    with pytest.raises(ValueError, match=r"rows\.parquet cannot be read as Parquet: "):
        read(path)
    pairs = pyarrow.array([[("a", 1), ("a", 2)]], pyarrow.map_(pyarrow.string(), pyarrow.int64()))
    with pytest.raises(ValueError, match=r"rows\.parquet cannot be read as Parquet: .*duplicate"):
        read(write_table(path, {"weights": pairs}))
    table = pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2])], names=["seed", "seed"])
    pyarrow.parquet.write_table(table, path)
    with pytest.raises(ValueError, match=r"rows\.parquet has 2 columns named 'seed'; rename or remove one"):
        read(path)


# DataFrames, by what read_rows uses of them: neither library is needed for the tests.


class PandasFrame:
    def __init__(self, columns: list[Any], values: list[tuple[Any, ...]]) -> None:
        self.columns, self._values = columns, values

    def __iter__(self) -> Iterator[Any]:
        return iter(self.columns)

    def itertuples(self, index: bool = True, name: str | None = "Pandas") -> Iterator[Any]:
        assert (index, name) == (False, None)
        return iter(self._values)


class PolarsFrame(PandasFrame):
    def iter_rows(self) -> Iterator[Any]:
        return iter(self._values)

    itertuples = None  # type: ignore[assignment]


NA, NAT = object(), object()


@pytest.mark.parametrize("kind", [PandasFrame, PolarsFrame])
def test_rows_of_a_data_frame_have_python_values_without_nulls(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(NA=NA, NaT=NAT))
    values = [
        ("a", numpy.int64(1), numpy.float32("nan"), True),
        ("b", NA, 0.5, NAT),
        (None, float("nan"), numpy.float64(2), numpy.bool_(False)),
    ]
    frame = kind(["prompt", "seed", "strength", "upscale"], values)
    check_rows(frame)
    rows = read(frame)
    assert rows == [
        {"prompt": "a", "seed": 1, "upscale": True},
        {"prompt": "b", "strength": 0.5},
        {"strength": 2.0, "upscale": False},
    ]
    assert {type(value) for row in rows for value in row.values()} == {str, int, bool, float}


def test_names_of_files_in_a_data_frame_stay_text() -> None:
    assert read(PandasFrame(["image"], [("a.png",), (Path("b.png"),)])) == [
        {"image": "a.png"},
        {"image": Path("b.png")},
    ]


def test_a_data_frame_with_a_repeated_column_is_refused() -> None:
    with pytest.raises(ValueError, match="the DataFrame has 2 columns named 'seed'; rename or remove one"):
        read(PandasFrame(["seed", "seed"], [(1, 2)]))


# Memory.


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, suffix: str) -> None:
    line = {".jsonl": '{"prompt": "%s"}\n', ".csv": "%s\n"}[suffix] % ("a" * 200)
    path = write(tmp_path / f"rows{suffix}", "prompt\n" * (suffix == ".csv") + line * 4_000)  # 0.8 MB
    rows = read_rows(path, SCHEMA)
    next(rows)
    tracemalloc.start()
    assert sum(1 for _ in rows) == 3_999
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000
