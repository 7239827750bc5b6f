"""mypy --strict and basedpyright in strict mode: generated modules are clean, and mistakes in calls are reported.

Run by `make check`; too slow for the test suite.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from locked_models import EVERY_CONSTRUCT, locked
from test_recorded_schemas import recorded

from replicate_ext._models.source import render_module
from replicate_ext.emulator.builtin_models import builtin_catalog

RIGHT = r"""
import io
from pathlib import Path
from typing import Any, Literal, assert_type

import numpy as np
from PIL import Image

from models import (
    FilesWithTextMakerOutputItem, SeparationMakerOutput, TreeMakerOutput, anything_maker, chat_maker, every_input,
    file_maker, files_with_text_maker, grade_maker, maybe_maker, no_input, nothing_maker, numbers_maker, odd_maker,
    other_inputs, painter, separation_maker, table_maker, tree_maker, unknown,
)
from package import SeparationMakerOutput as LazyOutput, model_7, separation_maker as lazy_separation_maker
from replicate_ext import (
    AsyncBatch, AsyncFileOutput, AsyncStream, Batch, FileInput, FileOutput, Prediction, Replicate, Stream,
)

PICTURE = Path("a.png")
assert_type(painter(prompt="x", ratio="16:9", image=PICTURE, seed=None), list[FileOutput])
assert_type(painter.with_options(timeout=3)(prompt="x", references=[PICTURE, b"", "https://a.b/c"]), list[FileOutput])
painter(prompt="x", image=b"")
painter(prompt="x", image=io.BytesIO())
painter(prompt="x", image=FileInput(PICTURE))
painter(prompt="x", image=Image.new("L", (1, 1)))
painter(prompt="x", image=np.zeros((2, 2)))
painter(prompt="x", image=file_maker())
every_input(needed="x", class_="x", image_url="x", timeout=5, self="x", list="x", options={"a": 1}, tags=("a", "b"))
every_input(needed="x", mixed=1, union=3, anything=object(), inline="\\", size=768, half=0.5, whole=None)
other_inputs(a=PICTURE, b="x")
unknown(anything=3)
assert_type(no_input(), FileOutput)
assert_type(chat_maker(n=3), str)
assert_type(maybe_maker(), str | None)
assert_type(grade_maker(), Literal["a", '"'])
assert_type(numbers_maker(), list[list[float]])
assert_type(table_maker(), dict[str, int])
assert_type(odd_maker(), dict[str, Any])
assert_type(anything_maker(), Any)
nothing_maker()
assert_type(separation_maker(), SeparationMakerOutput[FileOutput])
assert_type(separation_maker()["vocals"], FileOutput)
assert_type(separation_maker().get("rest"), list[FileOutput] | None)
assert_type([segment["start"] for segment in separation_maker().get("segments") or ()], list[float])
assert_type(files_with_text_maker(), list[FilesWithTextMakerOutputItem[FileOutput]])
assert_type(tree_maker(), TreeMakerOutput)
assert_type(model_7(n=3), FileOutput)
assert_type(lazy_separation_maker(), LazyOutput[FileOutput])
assert_type(chat_maker.stream(n=3), Stream)
assert_type(painter.submit(prompt="x"), Prediction)
assert_type(painter.with_options(client=Replicate(), check=False)(prompt="x"), list[FileOutput])
assert_type(painter.row(prompt="x", image=PICTURE), dict[str, Any])
assert_type(painter.map([painter.row(prompt="x"), {"prompt": "y"}], "runs", max_creates=3, progress=True), Batch)
assert_type(painter.with_options(client=Replicate()).map("rows.csv", Path("runs")).resume(), Batch)


async def main() -> None:
    assert_type(await painter.aio(prompt="x"), list[AsyncFileOutput])
    assert_type(await chat_maker.with_options(timeout=3).aio(n=3), str)
    assert_type((await separation_maker.aio())["vocals"], AsyncFileOutput)
    assert_type(chat_maker.aio.stream(n=3), AsyncStream)
    assert_type(await painter.aio.submit(prompt="x"), Prediction)
    assert_type(painter.aio.map((painter.row(prompt=text) for text in "ab"), "runs"), AsyncBatch)
"""

WRONG = r"""
from models import chat_maker, every_input, no_input, other_inputs, painter, separation_maker
from package import model_7

painter(promt="x")
painter(prompt="x", num_outputs=2)
painter(prompt=3)
painter(prompt="x", ratio="2:1")
painter(count=2)
painter("x")
painter(prompt="x", image=3)
painter(prompt="x", references=[3])
painter(prompt=None)
painter(prompt="x", count=2.5)
painter(prompt="x", timeout=3)
painter.with_options(prompt="x")
painter.with_options(timeout="60")
painter.stream(promt="x")
painter.submit(prompt=3)
painter.aio(promt="x")
painter.aio.stream(prompt=3)
painter.aio.submit()
painter.row(promt="x")
painter.row(prompt="x", count="2.5")
painter.row()
painter.map([painter.row(prompt=3)], "runs")
painter.map(["x"], "runs")
painter.map("rows.csv", "runs", timeout=3)
painter.map("rows.csv", "runs", max_creates="3")
painter.aio.map("rows.csv")
text: str = painter(prompt="x")
number: int = chat_maker()
every_input(needed="x", size=513)
every_input(needed="x", options={"a": "b"})
every_input(needed="x", choices=["a", "c"])
every_input()
no_input(prompt="x")
other_inputs(b=3)
model_7(m=3)
separation_maker()["vocal"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    try:
        versions, _ = recorded()
    except pytest.skip.Exception:
        versions = {}  # not on this machine
    models = [
        locked(f"recorded_{number}", version["openapi_schema"], cog_version=version.get("cog_version"))
        for number, version in enumerate(versions.values())
    ]
    emulated = [
        locked(f"model_{number}", version.openapi_schema, description=model.metadata["description"])
        for number, model in enumerate(builtin_catalog.models.values())
        if (version := model.latest_version)
    ]
    [file_maker] = [model for model in EVERY_CONSTRUCT if model.function == "file_maker"]
    many = [locked(f"model_{number}", file_maker.schema) for number in range(30)]
    for files in (
        render_module("models", EVERY_CONSTRUCT),
        render_module("recorded", models),
        render_module("emulated", emulated),
        render_module("package", [*EVERY_CONSTRUCT, *many]),
        {"right.py": RIGHT, "wrong.py": WRONG},
    ):
        for path, source in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(source, encoding="utf-8")
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    return tmp_path


def mypy_errors(folder: Path) -> list[tuple[str, int, str]]:
    cache = Path(__file__).parents[2] / ".mypy_cache/typed_functions"
    command = [sys.executable, "-m", "mypy", "--config-file=", f"--cache-dir={cache}", "--strict", "--output=json", "."]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = [json.loads(line) for line in process.stdout.splitlines()]
    assert not process.stderr, process.stderr
    return [(error["file"], error["line"], error["message"]) for error in found if error["severity"] == "error"]


def pyright_errors(folder: Path) -> list[tuple[str, int, str]]:
    command = [str(Path(sys.executable).with_name("basedpyright")), "--pythonpath", sys.executable, "--outputjson"]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = json.loads(process.stdout)["generalDiagnostics"]
    return [
        (str(Path(error["file"]).relative_to(folder)), error["range"]["start"]["line"] + 1, error["message"])
        for error in found
        if error["severity"] == "error"
    ]


@pytest.mark.parametrize("check", [mypy_errors, pyright_errors])
def test_generated_modules_are_clean_and_every_mistake_is_reported(
    folder: Path, check: Callable[[Path], list[tuple[str, int, str]]]
) -> None:
    found = check(folder)
    assert [error for error in found if error[0] != "wrong.py"] == []
    lines = WRONG.splitlines()
    mistakes = {number for number, line in enumerate(lines, 1) if line and not line.startswith("from")}
    reported = {line for _, line, _ in found}
    assert [lines[number - 1] for number in sorted(mistakes - reported)] == []
    assert len(mistakes) > 20
