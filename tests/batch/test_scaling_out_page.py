"""docs/guides/scaling-out.md: its programs run `then` in other processes, and on Dask."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from docs_site.snippets import ROOT, Page, Snippet
from replicate_ext.emulator import Emulator

PAGE = Page(ROOT / "docs/guides/scaling-out.md")


@pytest.fixture
def import_program(replicate_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that imports a program of the page from a file, as the processes of an executor do."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def import_(title: str) -> tuple[Any, Snippet]:
        [snippet] = [snippet for snippet in PAGE.snippets if snippet.title == title]
        (tmp_path / f"page_{title}.py").write_text(snippet.code, encoding="utf-8")
        monkeypatch.delitem(sys.modules, f"page_{title}", raising=False)
        return import_module(f"page_{title}"), snippet

    return import_


def test_the_program_with_processes_prints_the_output_of_the_page(
    import_program: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    program, snippet = import_program("processes")
    program.main()
    assert capsys.readouterr().out == snippet.output.code


def test_the_program_with_dask_runs_on_a_cluster(import_program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    program, _ = import_program("dask")
    options = {"processes": False, "n_workers": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    monkeypatch.setattr(program, "Client", partial(distributed.Client, **options))
    program.main()
