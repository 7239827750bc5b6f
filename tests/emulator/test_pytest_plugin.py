"""The pytest fixtures, in a test run of their own: the order of its tests matters."""

from __future__ import annotations

import os
import subprocess
import sys
from doctest import DocTestParser
from pathlib import Path

from replicate_ext import pytest_plugin
from replicate_ext.emulator import Emulator

TESTS = """
import asyncio

import pytest
import replicate_ext as replicate
from replicate_ext import async_run, predictions, run  # imported by name: bound to the default clients


def greet_everywhere(name):
    assert run("acme/hello", {"text": name}) == replicate.run("acme/hello", {"text": name}) == f"Hello, {name}!"
    assert {listed.input["text"] for listed in predictions.list()} == {name}
    assert asyncio.run(async_run("acme/hello", {"text": name})) == f"Hello, {name}!"


def test_without_the_fixture():
    greet_everywhere("outside")


@pytest.mark.parametrize("name", ["first", "second"])
def test_with_the_fixture(replicate_emulator, name):
    greet_everywhere(name)
    assert len(replicate_emulator.requests) == 6  # each client gets the schema once


def test_without_the_fixture_again():
    assert len(list(replicate.predictions.list())) == 3
"""


def run_pytest(folder: Path, tests: str, **environment: str) -> None:
    """Run tests in a process of their own; every warning is an error."""
    (folder / "test_them.py").write_text(tests, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "test_them.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr


def test_module_level_functions_use_the_emulator_of_the_test_and_no_other(tmp_path: Path) -> None:
    with Emulator(token="r8_real") as real:
        run_pytest(tmp_path, TESTS, REPLICATE_BASE_URL=real.url, REPLICATE_API_TOKEN="r8_real")
        operations = [request.operation for request in real.requests if request.operation != "models.get"]
    create = "models.predictions.create"
    assert operations == [create, create, "predictions.list", create, "predictions.list"]


def test_the_examples_of_the_fixtures_pass(tmp_path: Path) -> None:
    fixtures = pytest_plugin.replicate_emulator, pytest_plugin.replicate_client
    examples = [example for one in fixtures for example in DocTestParser().get_examples(str(one.__doc__))]
    run_pytest(tmp_path, "\n".join(["import replicate_ext as replicate", *(example.source for example in examples)]))
