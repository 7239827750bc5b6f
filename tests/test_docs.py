"""Run the examples of all pages against the emulator, and the webhook recipes with the real frameworks."""

from __future__ import annotations

import ast
import csv
import json
import re
import subprocess
import sys
import tomllib
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs_site.snippets import COMMAND, ROOT, Page, Snippet, load_pages
from example_runner import NAMESPACES, api as api, run_code, run_page, stopping_emulators as stopping_emulators
from replicate_ext import Replicate, webhooks
from replicate_ext.emulator import Emulator

PAGES = load_pages()
BY_NAME = {page.name: page for page in PAGES}
OWN_TESTS = {"docs/guides/testing.md"}
"""Pages whose examples are tests, which one below runs."""

LANGUAGES = {"python", "sh", "text", "py", "js", "json", "yaml", "toml", "csv"}
PROGRAMS = {
    *(COMMAND, "pip", "make", "export", "git", "replicate-emulator", "uvicorn", "dask", "sbatch", "kubectl"),
    ".venv/bin/python",
}
"""The first words of commands; those of ours are run."""

OTHERS = {"replicate 1.x", "replicate 2 beta", "JavaScript", "SLURM", "Kubernetes", "Coiled"}
"""Titles of code that is not run: that of other clients, and of systems that the tests do not have."""

SCRIPTS = {"docs/guides/command-line.md": ("script", "jq")}
"""Titles of `sh` blocks by page, which tests/cli/test_command_line_page.py runs."""

SILENCED = re.compile(r"#\s*(type:|pyright:|mypy:|noqa)")

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # examples need not close what they open

every_page = pytest.mark.parametrize("page", PAGES, ids=repr)


@pytest.mark.parametrize("page", [page for page in PAGES if page.is_run and page.name not in OWN_TESTS], ids=repr)
def test_the_examples_of_a_page_run_one_after_another(api: Emulator, page: Page) -> None:
    run_page(page)


def test_the_tests_of_the_page_on_testing_pass(tmp_path: Path) -> None:
    path = tmp_path / "test_page.py"
    codes = [snippet.code for snippet in BY_NAME["docs/guides/testing.md"].snippets if snippet.is_program]
    path.write_text("\n\n".join(codes), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(path)]
    process = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert process.returncode == 0, process.stdout
    tests = sum(len(re.findall(r"^(?:async )?def test_", code, re.MULTILINE)) for code in codes)
    assert f"{tests} passed" in process.stdout


# What the code blocks are


@every_page
def test_the_code_blocks_of_a_page_have_a_known_form(page: Page) -> None:
    fail_with([flaw for snippet in page.snippets for flaw in flaws(page, snippet)])


def fail_with(flaws: list[str]) -> None:
    """Fail with one line for each flaw of a page, and without a traceback."""
    if flaws:
        pytest.fail("\n".join(flaws), pytrace=False)


def flaws(page: Page, snippet: Snippet) -> list[str]:
    """Return what is wrong with the form of a code block."""
    found = []
    lines = [line for line in snippet.code.splitlines() if line.strip() and not line.startswith((" ", "#"))]
    is_example_of_a_command = snippet.info == "shell" and page.name == "docs/reference/command-line.md"
    if snippet.language not in LANGUAGES and not is_example_of_a_command:  # tests/cli/test_examples.py runs those
        found.append(f"the language is {snippet.info!r}")
    if snippet.language in ("py", "js") and snippet.title not in OTHERS:
        found.append(f"its title {snippet.title!r} does not say that it is the code of others")
    if snippet.output and snippet.output.code.strip() == "...":
        found.append("its output matches anything")
    if snippet.language == "python" and SILENCED.search(snippet.code):
        found.append("it silences a type checker")
    if page.name in OWN_TESTS and (snippet.output or snippet.commands):
        found.append("its output is not compared, since the page is run as tests")
    if snippet.language == "sh" and snippet.title not in (None, *SCRIPTS.get(page.name, ())):
        found.append("nothing runs it, since it has a title")
    if snippet.language == "sh" and snippet.title is None:
        programs = {line.split()[0] for line in lines}
        found += [f"{program} is not in the list of programs" for program in programs - PROGRAMS]
        is_mixed = COMMAND in programs and programs != {COMMAND}
        if is_mixed or re.search(rf"[;&|]\s*{COMMAND}\s", "" if snippet.commands else snippet.code):
            found.append("only some of its lines can be run")
        elif COMMAND in programs and not snippet.commands:
            found.append("nothing runs it, since its first line is no command")
        if snippet.output and not snippet.commands:
            found.append("it has an output, which nothing compares")
    try:
        PARSERS.get(snippet.language, str)(snippet.code)
    except (ValueError, SyntaxError, yaml.YAMLError) as error:
        found.append(f"it is no {snippet.language}: {error}")
    return [f"{page}:{snippet.line}: {flaw}" for flaw in found]


def parse_csv(text: str) -> None:
    rows = [*csv.reader(text.splitlines(), strict=True)]
    if len({len(row) for row in rows}) != 1:
        raise ValueError("its rows have different lengths")


PARSERS: dict[str, Any] = {
    "py": ast.parse,
    "json": json.loads,
    "yaml": lambda text: [*yaml.safe_load_all(text)],
    "toml": tomllib.loads,
    "csv": parse_csv,
}


@pytest.mark.parametrize(
    ("block", "flaw"),
    [
        ("Python\nx = 1", "the language is 'Python'"),
        ("{.python}\nx = 1", "the language is '{.python}'"),
        ("\nx = 1", "the language is ''"),
        ('py title="3.x"\nx = 1', "its title '3.x' does not say that it is the code of others"),
        ('py title="Coiled"\nx =', "it is no py: invalid syntax (<unknown>, line 1)"),
        ("python\nx: int = ''  # type: ignore", "it silences a type checker"),
        ('sh title="script"\nmake x', "nothing runs it, since it has a title"),
        ("sh\nsudo x", "sudo is not in the list of programs"),
        ("sh\nreplicate-ext whoami\nmake x", "only some of its lines can be run"),
        ("sh\nexport A=1; replicate-ext whoami", "only some of its lines can be run"),
        ("sh\n# a comment\nreplicate-ext whoami", "nothing runs it, since its first line is no command"),
        ("sh\nmake x\n```\n\n```text\ndone", "it has an output, which nothing compares"),
        ("python\nprint(1)\n```\n\n```text\n...", "its output matches anything"),
        ("json\n{", "it is no json: Expecting property name enclosed in double quotes: line 2 column 1 (char 2)"),
        ("csv\na,b\n1", "it is no csv: its rows have different lengths"),
    ],
)
def test_a_code_block_that_nothing_runs_is_noticed(tmp_path: Path, block: str, flaw: str) -> None:
    (tmp_path / "page.md").write_text(f"# Title\n\n```{block}\n```\n", encoding="utf-8")
    page = Page(tmp_path / "page.md", tmp_path)
    assert flaws(page, page.snippets[0]) == [f"page.md:4: {flaw}"]


@pytest.mark.parametrize("page", [page for page in PAGES if page.name.startswith("docs/")], ids=repr)
def test_a_page_has_a_description(page: Page) -> None:
    try:
        flaw = f"{len(page.description)} characters"
        is_right = 0 < len(page.description) <= 120
    except yaml.YAMLError as error:
        flaw, is_right = str(error), False
    if not is_right:
        fail_with([f"{page}: the front matter has no description of 1 to 120 characters: {flaw}"])


def test_the_pages_are_those_of_the_navigation() -> None:
    def files(entry: Any) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        return [file for part in (entry.values() if isinstance(entry, dict) else entry) for file in files(part)]

    listed = files(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    pages = [page.name.removeprefix("docs/") for page in PAGES if page.name.startswith("docs/")]
    flaws = [f"mkdocs.yml: the nav has no docs/{page}" for page in pages if page not in listed]
    fail_with(flaws + [f"mkdocs.yml: docs/{page} does not exist" for page in listed if page not in pages])
    assert len(listed) == len(pages), "a page is in the nav twice"


# The recipes


BODY = json.dumps({"id": "x0fmfzfcf5rma0cq65c825tcbm", "status": "succeeded", "output": "Hello"}).encode()


def deliveries() -> dict[str, tuple[dict[str, str], int]]:
    """Return the headers of several deliveries, each with the expected status of the response."""
    with Replicate() as client:
        secret = client.webhooks.default.secret.get().key
    good = webhooks.sign(BODY, str(secret))
    return {
        "good": (good, 200),
        "duplicate": (good, 200),
        "forged": (good | {"webhook-signature": "v1,AAAA"}, 400),
        "stale": (webhooks.sign(BODY, str(secret), timestamp=1), 400),
        "unsigned": ({}, 400),
    }


def recipe(name: str) -> dict[str, Any]:
    """Run the code block with this title, as a module."""
    [(page, snippet)] = [(page, one) for page in PAGES for one in page.snippets if is_recipe(one) and one.title == name]
    module = types.ModuleType(f"recipe_{name}")
    sys.modules[module.__name__] = module
    NAMESPACES.append(vars(module))
    run_code(page, snippet, vars(module))
    return vars(module)


def is_recipe(snippet: Snippet) -> bool:
    return snippet.language == "python" and snippet.title is not None


def test_every_recipe_has_a_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    titles = [snippet.title for page in PAGES for snippet in page.snippets if is_recipe(snippet)]
    assert {"fastapi", "flask", "django"} <= {*titles}
    assert [title for title in titles if f'("{title}")' not in tests] == []
    assert len(titles) == len({*titles})


@pytest.mark.filterwarnings("ignore:Using .httpx. with .starlette.testclient")
def test_the_recipe_for_fastapi(api: Emulator) -> None:
    from fastapi.testclient import TestClient

    made = recipe("fastapi")
    with TestClient(made["app"]) as browser:
        for headers, status in deliveries().values():
            assert browser.post("/replicate", content=BODY, headers=headers).status_code == status
    assert made["finished"] == {"x0fmfzfcf5rma0cq65c825tcbm": "Hello"}
    assert sum(entry.path.endswith("/secret") for entry in api.requests) == 2  # one by this test, one by the recipe


def test_the_recipe_for_flask(api: Emulator) -> None:
    made = recipe("flask")
    browser = made["app"].test_client()
    for headers, status in deliveries().values():
        assert browser.post("/replicate", data=BODY, headers=headers).status_code == status
    assert made["finished"] == {"x0fmfzfcf5rma0cq65c825tcbm": "Hello"}


def test_the_recipe_for_django(api: Emulator) -> None:
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(ROOT_URLCONF="recipe_django", ALLOWED_HOSTS=["*"], SECRET_KEY="x", DEBUG=True)
        django.setup()
    made = recipe("django")
    from django.test import Client

    browser = Client()
    for headers, status in deliveries().values():
        response = browser.post("/replicate", data=BODY, content_type="application/json", headers=headers)
        assert response.status_code == status
    assert made["finished"] == {"x0fmfzfcf5rma0cq65c825tcbm": "Hello"}
