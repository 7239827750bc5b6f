"""Inputs as people write them: how text, JSON, files and standard input become what a model takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_process import CommandLine, Result, emulator_fixture

from replicate_ext.emulator import Emulator

api = emulator_fixture()


@pytest.fixture
def cli(api: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.png").write_bytes(b"12")
    (tmp_path / "three.png").write_bytes(b"123")
    (tmp_path / "input.json").write_text('{"text": "file", "scale": 0.5}')
    (tmp_path / "list.json").write_text("[1]")
    return CommandLine(api)


def creates(api: Emulator) -> int:
    return sum(request.method == "POST" for request in api.requests)


def received(cli: CommandLine, *arguments: str, stdin: bytes = b"") -> dict[str, Any]:
    """Return what `acme/inputs` got: its values that are no defaults, and the sizes of its files."""
    result = cli.call("run", "acme/inputs", *arguments, stdin=stdin)
    assert (result.code, result.err) == (0, "")
    output = json.loads(result.out)
    defaults = {"style": "plain", "size": 512, "scale": 1.0, "enabled": True, "timeout": 3}
    values = {name: value for name, value in output["values"].items() if defaults.get(name) != value}
    return {"values": values, "files": output["files"]}


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        (["text=a"], {"text": "a"}),
        (["text=5"], {"text": "5"}),
        (["text=a", "seed=3", "scale=0.5", "enabled=no"], {"text": "a", "seed": 3, "scale": 0.5, "enabled": False}),
        (["text=a", "size=256"], {"text": "a", "size": 256}),
        (["text=a", "seed:=3", "enabled:=false"], {"text": "a", "seed": 3, "enabled": False}),
        (['text:="a"'], {"text": "a"}),
        (["text=a", 'tags=["x", "y"]'], {"text": "a", "tags": ["x", "y"]}),
        (["text=a", "tags=x"], {"text": "a", "tags": ["x"]}),
        (["text=a", "tags=x", "tags=y"], {"text": "a", "tags": ["x", "y"]}),
        (["text=a", 'weights={"x": 1}'], {"text": "a", "weights": {"x": 1}}),
        (["text=a", "value=a=b"], {"text": "a", "value": "a=b"}),
        (["text=a", "value=@@home"], {"text": "a", "value": "@home"}),
        (["text=a", "value=a:=1"], {"text": "a", "value": "a:=1"}),
        (["--input", "input.json"], {"text": "file", "scale": 0.5}),
        (["text=argument", "--input", "input.json"], {"text": "argument", "scale": 0.5}),
    ],
)
def test_text_is_converted_by_the_schema(cli: CommandLine, arguments: list[str], values: dict[str, Any]) -> None:
    assert received(cli, *arguments) == {"values": values, "files": []}


def test_files_are_read_from_disk_and_from_standard_input(cli: CommandLine) -> None:
    assert received(cli, "text=a", "image=@two.png")["files"] == [2]
    assert received(cli, "text=a", "image=@-", stdin=b"12345")["files"] == [5]
    assert received(cli, "text=a", "images=@three.png")["files"] == [3]
    assert received(cli, "text=a", "image=@-", "images=@two.png", "images=@three.png", stdin=b"1")["files"] == [1, 2, 3]


def test_input_is_read_from_standard_input(cli: CommandLine) -> None:
    assert received(cli, "--input", "-", stdin=b'{"text": "stdin"}') == {"values": {"text": "stdin"}, "files": []}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["txet=a"], "input txet: acme/inputs has no such input; did you mean 'text'?"),
        (["text=a", "style=italic"], "input style: must be one of 'plain', 'bold', not 'italic'"),
        (["text=a", "seed=x"], "input seed: must be an integer, or None, not 'x'"),
        (["text"], "'text' is not an input: write name=text, name:=JSON or name=@file (--help lists the arguments)"),
        (["text:=a"], "text:= is not JSON: Expecting value"),
        (["text=a", "weights=x"], "weights= is not JSON: Expecting value"),
        (["text=a", "text=b"], "text is given 2 times, and is not a list"),
        (["text=a", "image=two.png"], "image is a file: write image=@two.png for one on disk, or a URL"),
        (["text=a", "image=@four.png"], "input.image does not exist: four.png"),
        (["text=@-", "image=@-"], "standard input can be read only once, not by text=@- and image=@-"),
        (["--input=-", "image=@-"], "standard input can be read only once, not by image=@- and --input -"),
        (["--input=list.json"], '--input list.json is not a JSON object: write {"name": value}'),
        (["--input=none.json"], "none.json: No such file or directory"),
    ],
)
def test_a_wrong_input_is_refused_before_it_is_paid_for(
    cli: CommandLine, api: Emulator, arguments: list[str], error: str
) -> None:
    before = creates(api)
    result = cli.call("run", "acme/inputs", *arguments)
    assert (result.code, result.out) == (2, "")
    assert error in result.err
    assert result.err.count("\n") == 1
    assert creates(api) == before


def test_without_a_schema_the_inputs_are_sent_as_they_are_and_stderr_says_so(cli: CommandLine, api: Emulator) -> None:
    api.faults.fail_next(404, path="/v1/models/acme/hello")
    result: Result = cli.call("submit", "acme/hello", "text=5", "--json")
    assert json.loads(result.out)["input"] == {"text": "5"}
    assert result.err == "the schema of acme/hello could not be fetched, so the inputs were not checked\n"
