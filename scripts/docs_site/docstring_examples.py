"""The examples in the docstrings of the public API, with the places of their lines in the source."""

from __future__ import annotations

import ast
import doctest
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .public_api import PublicName, public_names
from .snippets import ROOT

GLOBALS = '''
"""The variables of examples in docstrings."""

import asyncio
from pathlib import Path

import replicate_ext as replicate
from replicate_ext import Replicate
from replicate_ext.emulator import Emulator

__all__ = ["Path", "asyncio", "client", "emulator", "replicate"]

client: Replicate
emulator: Emulator
'''
"""A module, for the type checkers, with what examples may use without importing it."""


class DocstringExamples(NamedTuple):
    """The examples of one docstring."""

    name: str
    test: doctest.DocTest

    @property
    def source(self) -> str:
        """The file of the docstring, below the root of the repository."""
        return Path(str(self.test.filename)).relative_to(ROOT).as_posix()

    @property
    def module_name(self) -> str:
        """A name for the module with the examples that is no other's."""
        return "docstring__" + re.sub(r"\W", "__", self.name)

    @property
    def code(self) -> str:
        """The examples as a module, each on its line in the source."""
        lines = ["from docstring_globals import *"]
        for example in self.test.examples:
            lines += [""] * ((self.test.lineno or 0) + example.lineno - len(lines))
            lines += example.source.splitlines()
        return "\n".join(lines) + "\n"


def find_examples() -> list[DocstringExamples]:
    """Return the docstrings with examples, sorted by name."""
    parser = doctest.DocTestParser()
    found = []
    for one in public_names():
        if ">>> " in one.docstring:
            path, line = _docstring_place(one)
            test = parser.get_doctest(one.docstring, {}, one.name, path, line - 1)
            found.append(DocstringExamples(one.name, test))
    return found


def _docstring_place(one: PublicName) -> tuple[str, int]:
    """Return the file and the line in which a docstring begins."""
    origins = one.object.__mro__ if one.kind == "class" else (one.object,)
    for origin in origins:
        path, line = PublicName(one.name, one.kind, origin).place
        node = _definitions(path).get(line)
        if node is not None and ast.get_docstring(node) == one.docstring:
            return path, node.body[0].lineno
    raise LookupError(f"the docstring of {one.name} is not in its source")


@cache
def _definitions(path: str) -> dict[int, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the module, at line 1, and the classes and functions of a file by the lines in which they begin."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    found: dict[int, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef] = {1: tree}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found[min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])] = node
    return found
