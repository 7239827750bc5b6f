"""The names that pages and docstrings mention in prose exist: methods, errors, commands, extras, targets, files."""

from __future__ import annotations

import builtins
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

import replicate_ext.typed
from docs_site.public_api import public_names
from docs_site.snippets import ROOT, Page, load_pages
from replicate_ext import AsyncReplicate, Batch, FileOutput, Function, Item, Replicate, Report, Stream, errors
from replicate_ext._cli.main import cli
from replicate_ext.emulator import Emulator

PAGES = [page for page in load_pages() if not page.name.startswith("docs/migrating/")]  # which name those of others
METHODS = "map paginate request run save search submit use wait"
OBJECTS: dict[str, Any] = {
    "client": Replicate,
    "replicate": replicate_ext,
    "replicate_ext": replicate_ext,
    "file": FileOutput,
    "batch": Batch,
    "item": Item,
    "report": Report,
    "stream": Stream,
    "function": Function,
    "emulator": Emulator,
    **{cls.__name__: cls for cls in (AsyncReplicate, Batch, Emulator, FileOutput, Function, Item, Replicate, Report)},
    **{name: getattr(Replicate, name) for name in METHODS.split()},
}
"""What the names are with which calls and attributes begin in prose."""

CALL = re.compile(rf"(?<![\w/.])((?:{'|'.join(OBJECTS)})(?:\.(?!py\b|com\b|delivery\b)\w+)*)(?:\(([^()]*)\))?")
"""A name, which is neither that of a file nor of a host, and its arguments."""

EXCEPTIONS = {
    "client.votes": "an operation that an update might add",
    "client.votes.list": "an operation that an update might add",
    "client.run_": "what an operation would be called that is not yet there",
    "file.aiter_bytes": "of an AsyncFileOutput",
}

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FOLDERS = ("replicate_ext", "generated", "scripts", "tests", "examples", ".github")
FILES = [path.as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*.*")]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def unknown_names(page: Page) -> Iterator[str]:
    """Yield the places of names on a page that do not exist."""
    for number, line in enumerate(page.prose, 1):
        yield from (f"{page}:{number}: {flaw}" for flaw in wrong_names(line))
    for snippet in page.snippets:
        if snippet.language == "sh":
            for number, line in enumerate(snippet.code.splitlines(), snippet.line):
                yield from (f"{page}:{number}: {flaw}" for flaw in wrong_words(line))


def wrong_names(text: str) -> Iterator[str]:
    for code in re.findall(r"`([^`]+)`", text):
        for check in (wrong_calls, wrong_errors, wrong_commands, wrong_words, wrong_paths):
            yield from check(code)


def wrong_calls(code: str) -> Iterator[str]:
    for path, arguments in CALL.findall(code):
        root, *names = path.split(".")
        value = OBJECTS[root]
        for name in names if path not in EXCEPTIONS else ():
            if not has_member(value, name):
                yield f"{path} does not exist"
                break
            value = getattr(value, name, None)
        else:
            keywords = re.findall(r"\b(\w+)=", re.sub(r'"[^"]*"', "", arguments))
            is_variable = inspect.isclass(value) and path.islower()
            if keywords and callable(value) and not is_variable:
                yield from (f"{path} has no argument {name}" for name in keywords if not takes(value, name))


def takes(function: Any, keyword: str) -> bool:
    parameters = inspect.signature(function).parameters
    return keyword in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def has_member(value: Any, name: str) -> bool:
    """Return whether an object or the objects of a class have an attribute; what is not known (None) may have it."""
    documented = re.search(rf"^ +{name}(?: \(.*\))?: ", str(value.__doc__), re.MULTILINE)
    return value is None or hasattr(value, name) or documented is not None


def wrong_errors(code: str) -> Iterator[str]:
    for name in re.findall(r"\b[A-Z]\w+Error\b", code):
        if not any(hasattr(module, name) for module in (errors, builtins, httpx)):
            yield f"{name} does not exist"


def wrong_commands(code: str) -> Iterator[str]:
    if not code.startswith("replicate-ext "):
        return
    command: click.Command = cli
    for word in re.split(r" (?:[|&;<>]|\$\()", code)[0].split()[1:]:
        context = click.Context(command)
        if word.startswith("--"):
            if word.partition("=")[0] not in {name for option in command.get_params(context) for name in option.opts}:
                yield f"{command.name} has no option {word}"
        elif isinstance(command, click.Group) and re.fullmatch(r"[a-z][a-z-]*", word):
            subcommand = command.get_command(context, word)
            if subcommand is None:
                yield f"there is no command {word}"
                return
            command = subcommand


def wrong_words(code: str) -> Iterator[str]:
    """Yield extras, targets of the Makefile and environment variables that do not exist."""
    for extras in re.findall(r"replicate-ext\[([\w,-]+)\]", code):
        yield from (f"there is no extra {name}" for name in {*extras.split(",")} - {*PROJECT["optional-dependencies"]})
    for target in re.findall(r"(?<![\w-])make ([a-z-]+)", code):
        if target not in TARGETS:
            yield f"there is no target {target}"


def wrong_paths(code: str) -> Iterator[str]:
    """Yield a path of a source file that does not exist; it may begin below any folder."""
    is_path = re.fullmatch(r"\.?(?:\w+/)+[\w.-]+\.(?:py|ya?ml)", code)
    if is_path and not any(path.endswith(f"/{code}") for path in FILES):
        yield f"{code} does not exist"


@pytest.mark.parametrize("page", PAGES, ids=repr)
def test_the_names_on_a_page_exist(page: Page) -> None:
    if found := [*unknown_names(page)]:
        pytest.fail("\n".join(found), pytrace=False)


def test_the_names_in_docstrings_exist() -> None:
    flaws = {f"{one.location}: {one.name}: {flaw}" for one in public_names() for flaw in wrong_names(one.docstring)}
    if flaws:
        pytest.fail("\n".join(sorted(flaws)), pytrace=False)


@pytest.mark.parametrize(
    ("code", "flaw"),
    [
        ("`client.predictions.fetch(id)`", "client.predictions.fetch does not exist"),
        ("`await client.run(ref, retries=2)`", "client.run has no argument retries"),
        ("`wait(id, retries=2)`", "wait has no argument retries"),
        ("`Replicate(token=…)`", "Replicate has no argument token"),
        ("`file.download()`", "file.download does not exist"),
        ("a `QuotaError`", "QuotaError does not exist"),
        ("`replicate-ext predictions drop`", "there is no command drop"),
        ("`replicate-ext run --fast`", "run has no option --fast"),
        ("`pip install 'replicate-ext[all]'`", "there is no extra all"),
        ("```sh\nmake everything\n```", "there is no target everything"),
        ("`_predictions/runner.py`", "_predictions/runner.py does not exist"),
        ("`client.run(ref, timeout=60)`, `item.index`, `NotFoundError`, `replicate-ext run -o x | jq .`", None),
        ("`_predictions/run.py`, `make test`, `replicate-ext[cli]`", None),
    ],
)
def test_a_name_that_does_not_exist_is_found(tmp_path: Path, code: str, flaw: str | None) -> None:
    (tmp_path / "page.md").write_text(f"{code}\n", encoding="utf-8")
    line = 2 if code.startswith("```") else 1
    assert [*unknown_names(Page(tmp_path / "page.md", tmp_path))] == ([f"page.md:{line}: {flaw}"] if flaw else [])
