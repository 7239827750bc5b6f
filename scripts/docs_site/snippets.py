"""The pages of the documentation and their code blocks, for the tests and the type checkers.

`python` blocks of a page are one program; one with a title (`python title="fastapi"`) is a module of its own. The lines
of `sh` blocks that begin with `replicate-ext` are commands to run. A `text` block directly below such a block is its
output.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
COMMAND = "replicate-ext"


class Command(NamedTuple):
    """A command line of a page."""

    text: str
    line: int
    """The number of its line on the page, from 1."""

    exit_code: int

    @property
    def words(self) -> list[str]:
        """The command and its arguments."""
        return shlex.split(self.text.replace("\\\n", " "), comments=True)


class Snippet(NamedTuple):
    """A code block of a page."""

    info: str
    """What follows the opening backticks."""

    language: str
    title: str | None
    code: str
    line: int
    """The number of its first line on the page, from 1."""

    output: Snippet | None = None

    @property
    def is_program(self) -> bool:
        """Whether it is a part of the program of the page."""
        return self.language == "python" and self.title is None

    @property
    def commands(self) -> list[Command]:
        """The commands to run; a line that ends with a backslash continues on the next one."""
        found: list[Command] = []
        if self.language == "sh" and self.code.startswith(f"{COMMAND} "):
            text, start = "", self.line
            for number, line in enumerate(self.code.splitlines(), self.line):
                start = start if text else number
                text += f"{line}\n"
                if not line.endswith("\\"):
                    code = re.search(r"# exit (\d+)$", line)
                    found.append(Command(text, start, int(code[1]) if code else 0))
                    text = ""
        return [command for command in found if command.text.strip()]


class Page:
    """A page in Markdown."""

    def __init__(self, path: Path, root: Path = ROOT) -> None:
        self.path = path
        self.name = path.relative_to(root).as_posix()
        self.front_matter = ""
        self.snippets: list[Snippet] = []
        self.prose: list[str] = []
        """The lines of the page; those of code blocks and of the front matter are empty."""
        self._parse(path.read_text(encoding="utf-8").splitlines())

    def __repr__(self) -> str:
        return self.name

    def _parse(self, lines: list[str]) -> None:
        begin = 0
        if lines[:1] == ["---"]:
            begin = lines.index("---", 1) + 1
            self.front_matter = "\n".join(lines[1 : begin - 1])
        self.prose = [""] * begin
        while begin < len(lines):
            fence = re.match(r"( *)(```+)(.*)$", lines[begin])
            if fence is None:
                self.prose.append(lines[begin])
                begin += 1
                continue
            indent, ticks, info = fence.groups()
            end = begin + 1
            while end < len(lines) and not re.fullmatch(rf" *{ticks}`* *", lines[end]):
                end += 1
            code = [line.removeprefix(indent) if line.strip() else "" for line in lines[begin + 1 : end]]
            self._add(info.strip(), "".join(f"{line}\n" for line in code), begin + 2)
            self.prose += [""] * (end + 1 - begin)
            begin = end + 1

    def _add(self, info: str, code: str, line: int) -> None:
        parts = re.fullmatch(r'(\w*)(?: title="([^"]+)")?', info)
        snippet = Snippet(info, parts[1] if parts else "", parts[2] if parts else None, code, line)
        if snippet.language == "text" and self.snippets:
            above = self.snippets[-1]
            end = above.line + above.code.count("\n")  # the number of the line with the closing backticks
            if above.language in ("python", "sh") and not any(line.strip() for line in self.prose[end : line - 2]):
                self.snippets[-1] = above._replace(output=snippet)
        self.snippets.append(snippet)

    @property
    def description(self) -> str:
        """The description in the front matter, or an empty string.

        Raises:
            yaml.YAMLError: The front matter is not YAML.
        """
        return str((yaml.safe_load(self.front_matter) or {}).get("description", ""))

    @property
    def module_name(self) -> str:
        """A name for the program of the page that no other page has: `guides__typed_models`."""
        return re.sub(r"\W", "_", self.name.removeprefix("docs/").removesuffix(".md").replace("/", "__"))

    @property
    def is_run(self) -> bool:
        """Whether it has something to run."""
        return any(snippet.is_program or snippet.commands for snippet in self.snippets)


def load_pages() -> list[Page]:
    """Return the pages of the repository: those of the root and those of the site."""
    return [Page(path) for path in (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")))]
