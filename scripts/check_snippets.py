"""Check the types of all Python examples in pages and docstrings: mypy --strict and basedpyright in strict mode.

The examples of a page are one module, as in tests/test_docs.py; each recipe (a block with a title) is one of its own,
and so are the examples of a docstring, which may use the variables of tests/test_docstrings.py. The commands
`replicate-ext models` of the pages write the modules that examples import, for models of the emulator.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from docs_site.docstring_examples import GLOBALS, DocstringExamples, find_examples
from docs_site.snippets import ROOT, Page, load_pages
from replicate_ext._cli.main import main as replicate_ext_command
from replicate_ext.emulator import Emulator

PYRIGHT = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.11",
    "ignore": ["*__django.py"],  # Django has no types of its own
    "reportDuplicateImport": False,  # each example has the imports that it needs
    "reportMissingTypeStubs": False,
    "reportUnknownMemberType": False,  # of libraries that are not fully typed
    "reportUnusedExpression": False,
    "reportWildcardImportFromLibrary": False,
}
MYPY = [
    "--strict",
    "--disable-error-code=import-untyped",
    "--allow-untyped-decorators",
    "--untyped-calls-exclude=distributed",  # some of its classes have no types
]


class Module(NamedTuple):
    """Examples as a module; every line has the number that it has in its source."""

    name: str
    source: str
    code: str


def page_modules(page: Page) -> list[Module]:
    """Return the program of a page and its recipes."""
    lines: dict[str, list[str]] = {}
    for snippet in page.snippets:
        if snippet.language == "python":
            name = "__".join(filter(None, [page.module_name, snippet.title]))
            found = lines.setdefault(name, [])
            found += [""] * (snippet.line - 1 - len(found)) + snippet.code.splitlines()
    return [Module(name, page.name, "\n".join(found) + "\n") for name, found in lines.items()]


def write_models(pages: Iterable[Page]) -> None:
    """Run the commands of pages that write typed modules, in the working directory, on the emulator."""
    with Emulator() as api, contextlib.redirect_stdout(io.StringIO()):
        os.environ |= {"REPLICATE_BASE_URL": api.url, "REPLICATE_API_TOKEN": api.token}
        for command in (command for page in pages for snippet in page.snippets for command in snippet.commands):
            arguments = command.words[1:]
            if arguments[0] == "models" and replicate_ext_command(arguments) != command.exit_code:
                raise SystemExit(f"{command.text} failed")


def run_checkers(modules: list[Module]) -> int:
    """Run both type checkers in the working directory; return 1 if one finds an error, which is printed."""
    sources = {module.name: module.source for module in modules}
    Path("pyrightconfig.json").write_text(json.dumps(PYRIGHT), encoding="utf-8")
    for module in modules:
        Path(f"{module.name}.py").write_text(module.code, encoding="utf-8")
    cache = f"--cache-dir={ROOT / '.mypy_cache/snippets'}"
    commands = [
        [sys.executable, "-m", "mypy", "--config-file=", cache, *MYPY, "."],
        [str(Path(sys.executable).with_name("basedpyright")), "--pythonpath", sys.executable],
    ]
    checks = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    for check in checks:
        output, _ = check.communicate()
        print(re.sub(r"(?:\S*/)?(\w+)\.py(?=\b)", lambda match: sources.get(match[1], match[0]), output), end="")
    return int(any(check.returncode for check in checks))


def count(pages: list[Page], examples: list[DocstringExamples]) -> str:
    """Return how many examples there are, and how many outputs are compared."""
    snippets = [snippet for page in pages for snippet in page.snippets]
    lines = [example for one in examples for example in one.test.examples]
    compared = sum(snippet.output is not None for snippet in snippets) + sum(bool(one.want) for one in lines)
    counts = {
        "pages": len(pages),
        "Python blocks": sum(snippet.language == "python" for snippet in snippets),
        "commands": sum(len(snippet.commands) for snippet in snippets),
        "docstrings with examples": len(examples),
        "docstring examples": len(lines),
        "outputs compared": compared,
    }
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def main() -> int:
    """Return 1 if one of the type checkers finds an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", action="store_true", help="print how many examples there are, and check nothing")
    is_count = parser.parse_args().count
    pages, examples = load_pages(), find_examples()
    if is_count:
        print(count(pages, examples))
        return 0
    modules = [module for page in pages for module in page_modules(page)]
    modules += [Module(one.module_name, one.source, one.code) for one in examples]
    modules.append(Module("docstring_globals", "scripts/docs_site/docstring_examples.py", GLOBALS))
    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        write_models(pages)
        return run_checkers(modules)


if __name__ == "__main__":
    sys.exit(main())
