"""docs/guides/emulator.md: its command lines start the emulator, and its table has every option.

tests/test_docs.py runs its programs.
"""

from __future__ import annotations

import re

from test_emulator_command import start_command

from docs_site.snippets import ROOT, Page
from replicate_ext.emulator.__main__ import create_parser

PAGE = Page(ROOT / "docs/guides/emulator.md")


def test_the_command_lines_of_the_page_start_the_emulator() -> None:
    lines = [line for snippet in PAGE.snippets if snippet.language == "sh" for line in snippet.code.splitlines()]
    commands = [line.partition("#")[0].split()[1:] for line in lines if line.startswith("replicate-emulator")]
    assert commands
    for options in commands:
        assert "8787" in options
        with start_command(*["0" if option == "8787" else option for option in options]) as url:
            assert url.startswith("http://127.0.0.1:")


def test_the_page_documents_every_option_of_the_command() -> None:
    options = set(re.findall(r"--[a-z-]+", create_parser().format_help())) - {"--help"}
    assert options == set(re.findall(r"(?<=[ `])--[a-z][a-z-]+", "\n".join(PAGE.prose)))
