"""Notebooks that a real kernel executes against the emulator."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from replicate_ext.emulator import Emulator

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.ipynb"))

Execute = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def isolated_jupyter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep the settings and the history of the user out of the kernel, and the emulator's address away."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    return tmp_path


def execute_notebook(notebook: Any, folder: Path, **options: Any) -> None:
    client = nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}}, **options
    )
    client.execute()


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


def test_a_stream_that_fails_shows_its_error_in_one_line(execute: Execute) -> None:
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


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_run_and_every_picture_is_embedded(path: Path, isolated_jupyter: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    execute_notebook(notebook, isolated_jupyter)  # its emulator ends with its kernel
    html = "".join(
        output.get("data", {}).get("text/html", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    sources = re.findall(r'\bsrc="([^"]{,30})', html)
    assert len(sources) >= 3
    assert all(source.startswith("data:image/") for source in sources)


def test_there_is_an_example() -> None:
    assert EXAMPLES
