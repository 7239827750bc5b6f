"""The machinery that runs the examples of pages and docstrings finds what is wrong with them."""

from __future__ import annotations

import traceback
from doctest import DocTestParser
from pathlib import Path

import pytest

import check_snippets
from docs_site.docstring_examples import DocstringExamples
from docs_site.snippets import ROOT, Page
from example_runner import api as api, run_docstring, run_page, stopping_emulators as stopping_emulators
from replicate_ext.emulator import Emulator

PAGE = """\
---
description: A page.
---

# A page

```python
import replicate_ext as replicate
text = replicate.run("acme/hello", {"text": "Ada"})
```

=== "Sync"

    ```python
    print(text)
    if text:

        print(len(text))
    ```

    ```text
    Hello, ...
    11
    ```

```sh
replicate-ext run acme/hello \\
    text=Grace
replicate-ext run acme/hello txt=Grace  # exit 2
```

```text
Hello, Grace!
```

```python title="flask"
recipe = True
```
"""


def page_of(tmp_path: Path, text: str) -> Page:
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    return Page(tmp_path / "page.md", tmp_path)


def test_a_page_runs_with_its_tabs_and_commands(api: Emulator, tmp_path: Path) -> None:
    page = page_of(tmp_path, PAGE)
    run_page(page)
    assert page.description == "A page."
    assert [snippet.info for snippet in page.snippets if snippet.output] == ["python", "sh"]
    commands = [(command.line, command.exit_code) for command in page.snippets[3].commands]
    assert commands == [(line_of("replicate-ext run"), 0), (line_of("# exit 2"), 2)]
    assert [line for line in page.prose if line] == ["# A page", '=== "Sync"']
    assert len(page.prose) == PAGE.count("\n")


def line_of(text: str) -> int:
    """Return the number of the line of the page that has this text."""
    return PAGE.partition(text)[0].count("\n") + 1


@pytest.mark.parametrize(
    ("right", "wrong", "line", "message"),
    [
        ("    11\n", "    12\n", line_of("    Hello, ..."), "the output differs\n--- the page\n+++ printed\n"),
        ("    11\n", "    12\n", line_of("    Hello, ..."), "\n Hello, Ada!\n-12\n+11\n"),
        ("Hello, Grace!\n", "Hello\n", line_of("Hello, Grace"), "\n-Hello\n+Hello, Grace!\n"),
        ("    text=Grace\n", "    txt=Grace\n", line_of("replicate-ext run"), "exit code 2"),
        ("# exit 2", "# exit 3", line_of("# exit 2"), "replicate-ext run acme/hello txt=Grace  # exit 3\nexit code 2"),
    ],
)
def test_a_wrong_output_or_exit_code_fails(
    api: Emulator, tmp_path: Path, right: str, wrong: str, line: int, message: str
) -> None:
    with pytest.raises(pytest.fail.Exception) as caught:
        run_page(page_of(tmp_path, PAGE.replace(right, wrong)))
    assert str(caught.value).startswith(f"page.md:{line}: ")
    assert message in str(caught.value)


def test_tracebacks_have_the_lines_of_the_page(api: Emulator, tmp_path: Path) -> None:
    page = page_of(tmp_path, PAGE.replace("print(len(text))", "print(1 / 0)"))
    with pytest.raises(ZeroDivisionError) as caught:
        run_page(page)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.filename, last.lineno) == (str(page.path), line_of("print(len(text))"))
    assert last.line == "print(1 / 0)"


def test_commands_with_pipes_run_in_a_shell(api: Emulator, tmp_path: Path) -> None:
    command = "replicate-ext --version | cut -c 1-13 > name.txt"
    run_page(page_of(tmp_path, f"```sh\n{command}\n```\n"))
    assert (tmp_path / "name.txt").read_text() == "replicate-ext\n"


def test_a_block_with_a_title_is_not_part_of_the_program(tmp_path: Path) -> None:
    modules = check_snippets.page_modules(page_of(tmp_path, PAGE))
    assert [module.name for module in modules] == ["page", "page__flask"]
    for module in modules:
        for written, line in zip(module.code.splitlines(), PAGE.splitlines(), strict=False):
            assert written in ("", line, line.removeprefix("    "))
    assert modules[0].code.count("\n") == line_of("print(len(text))")


DOCSTRING = """Return what a model returns.

Examples:
    >>> client.run("acme/hello", {"text": "Ada"})
    'Hello, ...'
    >>> replicate.run("acme/hello", {"text": emulator.token[:2]})
    'Hello, r8!'
    >>> async def main() -> None:
    ...     print(Path("x"))
    >>> asyncio.run(main())
    x
"""


def examples_of(docstring: str) -> DocstringExamples:
    test = DocTestParser().get_doctest(docstring, {}, "run", str(ROOT / "replicate_ext/_client.py"), 9)
    return DocstringExamples("Replicate.run", test)


def test_the_examples_of_a_docstring_run_with_their_variables(api: Emulator) -> None:
    run_docstring(examples_of(DOCSTRING).test, api)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("r8!", "r9!", '_client.py", line 15, in run\n'),
        ("emulator.token", "emulator.tokens", "AttributeError"),
    ],
)
def test_a_wrong_example_of_a_docstring_fails(api: Emulator, right: str, wrong: str, message: str) -> None:
    with pytest.raises(pytest.fail.Exception) as caught:
        run_docstring(examples_of(DOCSTRING.replace(right, wrong)).test, api)
    assert message in str(caught.value)


def test_the_type_checkers_report_the_lines_of_the_source() -> None:
    examples = examples_of(DOCSTRING)
    lines = examples.code.splitlines()
    assert examples.module_name == "docstring__Replicate__run"
    assert examples.source == "replicate_ext/_client.py"
    assert lines[0] == "from docstring_globals import *"
    assert lines[12] == 'client.run("acme/hello", {"text": "Ada"})'
    assert lines[16:18] == ["async def main() -> None:", '    print(Path("x"))']
