"""Notebooks that a real kernel executes against the emulator."""

from __future__ import annotations

import re
import wave
from base64 import b64decode
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import nbconvert
import nbformat
import pytest

from browser import needs_browser, open_in_browser
from replicate_ext._files.embed import Content, show
from replicate_ext.emulator import Emulator
from screenshots.notebook import execute_notebook

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.ipynb"))

FILM = b64decode(
    "GkXfo0AgQoaBAUL3gQFC8oEEQvOBCEKCQAR3ZWJtQoeBAkKFgQIYU4BnQI0VSalmQCgq17FAAw9CQE2AQAZ3aGFtbXlXQUAGd2hhbW15RIlACECP"
    "QAAAAAAAFlSua0AxrkAu14EBY8WBAZyBACK1nEADdW5khkAFVl9WUDglhohAA1ZQOIOBAeBABrCBCLqBCB9DtnVAIueBAKNAHIEAAIAwAQCdASoI"
    "AAgAAUAmJaQAA3AA/vz0AAA="
)
"""A WebM file with one picture of eight by eight pixels."""

Execute = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def isolated_jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the settings and the history of the user out of the kernel."""
    folder = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            (folder / name).mkdir()
            patch.setenv(name, str(folder / name))
        patch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        yield folder


@pytest.fixture
def execute(isolated_jupyter: Path, emulator: Emulator) -> Execute:
    """Return a function that executes cells and returns the outputs of the last one."""

    def execute_cells(*cells: str) -> list[dict[str, Any]]:
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in ("import replicate_ext as replicate", *cells)]
        )
        execute_notebook(notebook, isolated_jupyter)
        return list(notebook.cells[-1].outputs)

    return execute_cells


def bundle(outputs: list[dict[str, Any]]) -> dict[str, str]:
    """Return what the only output shows, by media type."""
    [output] = outputs
    return dict(output["data"])


def test_pictures_stay_when_the_emulator_is_gone(execute: Execute) -> None:
    code = "replicate.run('acme/painter', {'prompt': 'the sea', 'width': 32, 'height': 32, 'num_outputs': 2})"
    shown = bundle(execute(code))
    assert set(shown) == {"text/html", "text/plain"}
    assert len(re.findall(r'<img src="data:image/\w+;base64,', shown["text/html"])) == 2
    assert 'src="http' not in shown["text/html"]


def test_a_picture_that_is_gone_is_a_link_with_the_reason(execute: Execute) -> None:
    painted = "[file] = replicate.run('acme/painter', {'prompt': 'the sea', 'width': 32, 'height': 32})"
    shown = bundle(
        execute(
            painted,
            "replicate.FileOutput('http://127.0.0.1:9/gone.png', replicate.Replicate('r8_x', max_retries=0)._session)",
        )
    )
    assert '<a href="http://127.0.0.1:9/gone.png"' in shown["text/html"]
    assert "APIConnectionError" in shown["text/html"]


def test_a_prediction_is_a_card(execute: Execute) -> None:
    shown = bundle(
        execute("replicate.wait(replicate.predictions.create(version='acme/hello', input={'text': '<b>Ada'}))")
    )
    assert "succeeded</b>" in shown["text/html"]
    assert "&lt;b&gt;Ada" in shown["text/html"]
    assert "text/plain" in shown


def test_a_page_is_a_table(execute: Execute) -> None:
    shown = bundle(execute("next(replicate.paginate(replicate.models.list))"))
    assert "<table>" in shown["text/html"]
    assert "painter" in shown["text/html"]


def test_a_stream_grows_and_its_text_stays(execute: Execute) -> None:
    shown = bundle(execute("stream = replicate.stream('acme/poet', {'prompt': 'the sea', 'lines': 2})\nstream"))
    assert len(shown["text/plain"].splitlines()) == 2
    assert shown["text/plain"] in shown["text/html"]


def test_a_stream_that_fails_shows_its_error_without_a_traceback(execute: Execute) -> None:
    shown = bundle(execute("replicate.stream('acme/broken', {'message': '<b>no'})"))
    assert "ModelError" in shown["text/html"]
    assert "&lt;b&gt;no" in shown["text/html"]


def test_an_async_file_is_shown_once_it_was_read(execute: Execute) -> None:
    code = "outputs = await replicate.async_run('acme/painter', {'prompt': 'the sea', 'width': 32, 'height': 32})"
    assert "<img" not in bundle(execute(code, "outputs"))["text/html"]
    assert '<img src="data:image/' in bundle(execute(code, "_ = await outputs[0].read()", "outputs"))["text/html"]


def test_progress_is_shown_in_a_notebook(execute: Execute) -> None:
    code = "_ = replicate.run('acme/sleeper', {'seconds': 0.05, 'steps': 2}, progress=True, poll_interval=0.02)"
    outputs = execute(code)
    assert {output["name"] for output in outputs} == {"stderr"}
    assert "acme/sleeper succeeded: 100%" in "".join(output["text"] for output in outputs)


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def example(request: pytest.FixtureRequest, isolated_jupyter: Path) -> Any:
    """Return an executed example, whose emulator has ended with its kernel."""
    notebook = nbformat.read(request.param, as_version=4)
    execute_notebook(notebook, isolated_jupyter)
    return notebook


def test_examples_run_and_every_picture_is_embedded(example: Any) -> None:
    html = "".join(
        output.get("data", {}).get("text/html", "") for cell in example.cells for output in cell.get("outputs", [])
    )
    sources = re.findall(r'\bsrc="([^"]{,30})', html)
    assert len(sources) >= 3
    assert all(source.startswith("data:image/") for source in sources)


@needs_browser
def test_a_browser_shows_every_picture_of_an_example(example: Any, tmp_path: Path) -> None:
    body, _ = nbconvert.HTMLExporter(template_name="basic").from_notebook_node(example)
    report = open_in_browser(body, tmp_path)
    assert len(report["pictures"]) >= 3
    assert all(width > 0 for width in report["pictures"])
    assert report["requests"] == []


@needs_browser
def test_a_browser_plays_what_is_embedded_and_misses_what_is_not(tmp_path: Path) -> None:
    sound = BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 4000))
    url = "http://replicate.delivery/out-0"
    embedded = show(Content("audio/wav", sound.getvalue()), "sound.wav") + show(Content("video/webm", FILM), "film")
    report = open_in_browser(f'{embedded}<img src="{url}.png"><audio src="{url}.wav"></audio>', tmp_path)
    assert report == {"pictures": [0], "players": [0.5, 1, 0], "requests": [f"{url}.png", f"{url}.wav"]}


def test_there_is_an_example() -> None:
    assert EXAMPLES
