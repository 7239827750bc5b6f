"""The tables of docs/reference/settings.md: they have the arguments, variables and extras that exist, and no others."""

import ast
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from replicate_ext import AsyncReplicate, Replicate
from replicate_ext._config import DEFAULT_MAX_RETRIES
from replicate_ext._sansio.base_url import DEFAULT_BASE_URL
from replicate_ext._sansio.options import DEFAULT_TIMEOUT
from replicate_ext._sansio.retry import MAX_RETRY_AFTER_TOTAL

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")

LIBRARIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NO_COLOR"}
"""Variables that are not read by this package: urllib.request.getproxies reads the first four, rich the last."""


def rows(section: str) -> Iterator[list[str]]:
    """Yield the cells of the table of a section, without its head."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    yield from ([cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:])


@pytest.mark.parametrize("cls", [Replicate, AsyncReplicate])
def test_the_arguments_are_those_of_the_clients(cls: type) -> None:
    documented = {row[0].strip("` "): row for row in rows("Arguments")}
    assert [*documented] == [*inspect.signature(cls).parameters]
    options = PAGE.partition("`client.with_options(…)`")[2].partition(", on the same")[0]
    assert {*re.findall(r"`(\w+)`", options)} == inspect.signature(cls.with_options).parameters.keys() - {"self"}  # type: ignore[attr-defined]


def test_the_defaults_are_those_of_the_source() -> None:
    defaults = {row[0].strip("` "): row[1] for row in rows("Arguments")}
    assert f"`{DEFAULT_BASE_URL}`" in defaults["base_url"]
    assert defaults["max_retries"] == str(DEFAULT_MAX_RETRIES)
    assert defaults["max_rate_limit_wait"] == f"{MAX_RETRY_AFTER_TOTAL:g} s"
    assert DEFAULT_TIMEOUT.pool is None
    assert {DEFAULT_TIMEOUT.read, DEFAULT_TIMEOUT.write, DEFAULT_TIMEOUT.connect} == {
        float(number) for number in re.findall(r"(\d+) s", defaults["timeout"])
    }


def test_the_environment_variables_are_those_that_the_source_reads() -> None:
    documented = {name for row in rows("Environment variables") for name in re.findall(r"`([A-Z_]+)`", row[0])}
    assert documented == {*read_variables()} | LIBRARIES


def read_variables() -> Iterator[str]:
    """Yield the names with which the source reads `os.environ`, or a parameter called `environment`."""
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob("replicate_ext/**/*.py")]
    nodes = [node for text in texts if ".environ" in text for node in ast.walk(ast.parse(text))]
    constants = {
        ast.unparse(target): node.value.value
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
    }
    for node in nodes:
        match node:
            case ast.Call(ast.Attribute(mapping, "get"), [key, *_]) | ast.Subscript(mapping, key):
                pass
            case ast.Compare(key, [ast.In()], [mapping]):
                pass
            case _:
                continue
        if ast.unparse(mapping) in ("os.environ", "environment"):
            name = key.value if isinstance(key, ast.Constant) else constants.get(ast.unparse(key))
            if isinstance(name, str):  # else the variable of a loop
                yield name


def test_the_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = {"none": project["dependencies"], **project["optional-dependencies"]}
    documented = {row[0].strip("` "): row[1].split(", ") for row in rows("Extras")}
    assert documented == {name: [re.split(r"[<>=]", item)[0] for item in items] for name, items in packages.items()}
