"""What a command writes to stdout: JSON, rows, ids, text and bytes, in every encoding."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from cli_process import CommandLine

from replicate_api.models import Prediction
from replicate_ext._cli.output import Output, cell, fit_columns
from replicate_ext.emulator import Emulator

JOB = {"id": "a1", "status": "succeeded", "input": {"api_token": "hidden"}, "metrics": {"predict_time": 1.5}}
ROWS = [JOB, {"id": "b2", "status": "tab\tand\nline\x1b[31m"}]


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that calls a method of an `Output` with options, and returns what it has written."""

    def write(method: str, *arguments: Any, encoding: str = "utf-8", **options: bool) -> str:
        stdout = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stdout)
            getattr(Output(**options), method)(*arguments)
        return stdout.buffer.getvalue().decode(encoding)

    return write


def test_a_list_is_rows_with_tabs_without_control_characters(write: Any) -> None:
    assert write("records", ROWS, "id status metrics.predict_time") == (
        "a1\tsucceeded\t1.5\nb2\ttab and line\\x1b[31m\t\n"
    )


def test_a_list_is_one_json_array_or_json_lines(write: Any) -> None:
    assert json.loads(write("records", ROWS, "id", as_json=True)) == ROWS
    assert [json.loads(line) for line in write("records", ROWS, "id", as_lines=True).splitlines()] == ROWS


def test_json_lines_are_written_as_the_items_arrive(write: Any) -> None:
    def items() -> Iterator[dict[str, str]]:
        yield {"id": "1"}
        assert sys.stdout.buffer.getvalue() == b'{"id": "1"}\n'
        yield {"id": "2"}

    assert write("records", items(), "id", as_lines=True).count("\n") == 2


def test_quiet_prints_the_first_field_only(write: Any) -> None:
    assert write("records", ROWS, "id status", quiet=True) == "a1\nb2\n"
    assert write("record", JOB, "id status", quiet=True) == "a1\n"
    assert json.loads(write("record", JOB, "id", quiet=True, as_json=True)) == JOB


def test_one_object_is_json_as_the_api_sent_it_or_a_line_for_each_field(write: Any) -> None:
    sent = {"status": "succeeded", "id": "a1", "unknown": [1], "urls": {}}
    assert write("record", Prediction.from_dict(sent), as_json=True) == f"{json.dumps(sent)}\n"
    assert write("record", JOB) == "id\ta1\nstatus\tsucceeded\n"
    assert (
        write("record", JOB, "metrics.predict_time input") == 'metrics.predict_time\t1.5\ninput\t{"api_token": "…"}\n'
    )


def test_sentences_are_objects_in_json(write: Any) -> None:
    items = [({"a": 1}, "a is 1"), ({"a": 2}, "a is 2")]
    assert write("lines", items) == "a is 1\na is 2\n"
    assert json.loads(write("lines", items, as_json=True)) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (True, "true"), (1.0, "1"), (2, "2"), (["a"], '["a"]'), ("é", "é")]
)
def test_a_cell_is_text_in_one_line(value: object, text: str) -> None:
    assert cell({"x": {"y": value}}, "x.y") == text


def test_an_encoding_without_a_character_loses_it_in_text_but_not_in_json(write: Any) -> None:
    assert write("line", "naïve 日本", encoding="latin-1") == "naïve ??\n"
    assert json.loads(write("json", "日本", encoding="ascii")) == "日本"
    assert write("json", "日本") == '"日本"\n'
    assert write("line", "lone \ud800 surrogate") == "lone ? surrogate\n"


@pytest.mark.parametrize(
    ("widths", "total", "fitted"),
    [
        ([26, 10, 9], 80, [26, 10, 9]),
        ([26, 60, 20], 80, [26, 30, 20]),
        ([26, 60, 20], 40, [26, 12]),
        ([26, 9, 9, 9], 30, [26]),
        ([50, 9], 40, [40]),
        ([0, 0], 40, [0, 0]),
    ],
)
def test_columns_are_shortened_and_then_left_out(widths: list[int], total: int, fitted: list[int]) -> None:
    assert fit_columns(widths, total) == fitted


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locales")
@pytest.mark.parametrize("variables", [{}, {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}])
def test_a_locale_without_utf_8_raises_no_error(variables: dict[str, str]) -> None:
    with Emulator() as api:
        cli = CommandLine(api, LC_ALL="C", **variables)
        result = cli.run("run", "acme/hello", "text=日本", "--json")
        assert (result.code, result.err) == (0, "")
        assert json.loads(result.out)["output"] == "Hello, 日本!"
