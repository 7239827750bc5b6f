"""Runs the examples of pages and docstrings, each on an emulator and in a folder of its own."""

from __future__ import annotations

import asyncio
import difflib
import gc
import io
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from doctest import ELLIPSIS, DocTest, DocTestRunner, OutputChecker
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import replicate_ext
from docs_site.snippets import ROOT, Command, Page, Snippet
from replicate_ext import Replicate, _default_client
from replicate_ext._cli.main import main as replicate_ext_command
from replicate_ext.emulator import Emulator
from replicate_ext.emulator.builtin_models import builtin_catalog

NAMESPACES: list[dict[str, Any]] = []
"""The variables of the examples that a test has run, to be freed after it."""


@pytest.fixture(scope="module")
def stopping_emulators() -> Iterator[list[Thread]]:
    """Collect the threads that stop emulators, which takes 0.2 s each, and wait for them after the last test."""
    threads: list[Thread] = []
    yield threads
    for thread in threads:
        thread.join()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stopping_emulators: list[Thread]) -> Iterator[Emulator]:
    """Run an emulator, configured in the environment, in a temporary working directory."""
    gc.freeze()  # spare the garbage collections below what other tests have left
    known = dict(builtin_catalog.models)
    modules = {*sys.modules}
    emulator = Emulator().__enter__()
    monkeypatch.setenv("REPLICATE_API_TOKEN", emulator.token)
    monkeypatch.setenv("REPLICATE_BASE_URL", emulator.url)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    _default_client.reset()
    yield emulator
    with warnings.catch_warnings(action="ignore"):  # examples need not close what they open
        for namespace in NAMESPACES:
            namespace.clear()
        NAMESPACES.clear()
        _default_client.reset()
        for name in {*sys.modules} - modules:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
                del sys.modules[name]  # an example has written it
        for _ in range(3):  # what has a finalizer is freed by a later collection
            gc.collect()
    for name in builtin_catalog.models.keys() - known.keys():
        del builtin_catalog.models[name]
    thread = Thread(target=emulator.__exit__, args=(None, None, None))
    thread.start()
    stopping_emulators.append(thread)


def new_namespace(name: str) -> dict[str, Any]:
    """Return the variables of a program, which are freed after the test."""
    NAMESPACES.append({"__name__": name})
    return NAMESPACES[-1]


def run_page(page: Page) -> None:
    """Run the examples of a page in order and compare their output; failures name the line of the page."""
    namespace = new_namespace("__main__")
    for snippet in page.snippets:
        if not (snippet.is_program or snippet.commands):
            continue
        with capture_stdout() as output:
            if snippet.is_program:
                run_code(page, snippet, namespace)
            for command in snippet.commands:
                run_command(page, command)
        if snippet.output is not None:
            compare(page, snippet.output, output.getvalue())


def run_code(page: Page, snippet: Snippet, namespace: dict[str, Any]) -> None:
    """Run a code block, of which tracebacks show the lines of the page."""
    code = compile("\n" * (snippet.line - 1) + snippet.code, str(page.path), "exec", dont_inherit=True)
    exec(code, namespace)


def run_command(page: Page, command: Command) -> None:
    """Run a command in this process; in a shell if it has pipes or redirections."""
    if {"|", "<", ">", ">>", "&&"} & {*command.words} or "$(" in command.text:
        environment_path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        process = subprocess.run(
            ["/bin/sh", "-c", f"PATH={environment_path}; {command.text}"], capture_output=True, text=True, check=False
        )
        code, errors = process.returncode, process.stderr
        print(process.stdout, end="")
    else:
        code, errors = replicate_ext_command(command.words[1:]), ""
    if code != command.exit_code:
        pytest.fail(f"{page}:{command.line}: {command.text.strip()}\nexit code {code} {errors}", pytrace=False)


def run_docstring(test: DocTest, emulator: Emulator) -> None:
    """Run the examples of a docstring, with the variables that check_snippets.py declares for them."""
    reports: list[str] = []
    with Replicate() as client:
        variables = {"replicate": replicate_ext, "client": client, "emulator": emulator}
        test.globs = new_namespace("__main__") | variables | {"Path": Path, "asyncio": asyncio}
        DocTestRunner(optionflags=ELLIPSIS).run(test, out=reports.append, clear_globs=True)
    if reports:
        pytest.fail("".join(reports), pytrace=False)


class _Stdout(io.TextIOWrapper):
    """Standard output with a buffer of bytes, which some commands write to."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="\n", write_through=True)

    def getvalue(self) -> str:
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(errors="replace")


@contextmanager
def capture_stdout() -> Iterator[_Stdout]:
    """Collect what is printed."""
    output = _Stdout()
    with redirect_stdout(output):
        yield output


def compare(page: Page, shown: Snippet, printed: str) -> None:
    """Fail if the output differs from what the page shows, in which `...` stands for anything."""
    expected, actual = ([f"{line.rstrip()}\n" for line in text.splitlines()] for text in (shown.code, printed))
    if _matches("".join(expected), "".join(actual)):
        return
    for number, (wanted, line) in enumerate(zip(expected, actual, strict=False)):
        if _matches(wanted, line):
            expected[number] = line  # so that the diff does not show it
    diff = difflib.unified_diff(expected, actual, "the page", "printed", n=2)
    pytest.fail(f"{page}:{shown.line}: the output differs\n{''.join(diff)}", pytrace=False)


def _matches(expected: str, actual: str) -> bool:
    return OutputChecker().check_output(expected, actual, ELLIPSIS)


def shown_text(page: str, beginning: str) -> str:
    """Return the text on a page that begins like this and is not the output of a program, for a test of its own."""
    [text] = [one.code for one in uncompared_texts(Page(ROOT / page)) if one.code.startswith(beginning)]
    return text


def uncompared_texts(page: Page) -> list[Snippet]:
    """Return the `text` blocks of a page that are not the output of a program above them."""
    outputs = {snippet.output.line for snippet in page.snippets if snippet.output is not None}
    return [snippet for snippet in page.snippets if snippet.language == "text" and snippet.line not in outputs]
