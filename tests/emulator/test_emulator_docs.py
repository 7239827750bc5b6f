"""Every snippet of docs/emulator.md runs: as a test, as a program, as a command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from test_emulator_command import start_command
from test_pytest_plugin import run_pytest

from replicate_ext.emulator.builtin_models import builtin_catalog

PAGE = (Path(__file__).parents[2] / "docs/emulator.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TESTS = [code for kind, code in BLOCKS if kind == "python" and "def test_" in code]
PROGRAMS = [code for kind, code in BLOCKS if kind == "python" and "def test_" not in code]


def test_every_block_is_a_test_a_program_or_a_command_line() -> None:
    assert len(BLOCKS) == len(TESTS) + len(PROGRAMS) + sum(kind == "sh" for kind, _ in BLOCKS)
    assert TESTS


@pytest.mark.parametrize("tests", TESTS)
def test_the_tests_of_the_page_pass(tests: str, tmp_path: Path) -> None:
    run_pytest(tmp_path, tests)


def test_the_programs_of_the_page_run_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin_catalog, "models", dict(builtin_catalog.models))  # the page adds some
    namespace: dict[str, Any] = {"__name__": "example"}
    for code in PROGRAMS:
        exec(compile(code, "docs/emulator.md", "exec"), namespace)


def test_the_command_lines_of_the_page_start_the_emulator() -> None:
    lines = [line for kind, code in BLOCKS if kind == "sh" for line in code.splitlines()]
    commands = [line.partition("#")[0].split()[1:] for line in lines if line.startswith("replicate-emulator")]
    assert commands
    for options in commands:
        assert "8787" in options
        with start_command(*["0" if option == "8787" else option for option in options]) as url:
            assert url.startswith("http://127.0.0.1:")


def test_the_page_documents_every_option_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    from replicate_ext.emulator.__main__ import create_parser

    options = set(re.findall(r"--[a-z-]+", create_parser().format_help())) - {"--help"}
    assert options == set(re.findall(r"(?<=[ `])--[a-z][a-z-]+", PAGE))
