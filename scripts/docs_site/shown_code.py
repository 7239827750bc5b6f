"""Check that the pages show the code that the tests run: that of the fences of backticks, and no other.

Markdown has more ways to write code: fences of tildes, in quotations or after a tab, indentation, HTML. And it has ways
to write a fence that no reader sees: in an HTML comment, or with a wrong indentation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .links import Site
from .snippets import Page

INCLUDE = re.compile(r'-+8<-+ "([^":]+)(?::\w+)?"')


def differences(site: Site, root: Path) -> Iterator[str]:
    """Yield the code blocks that a page of the built site has and its Markdown lacks, and those of which it is true."""
    for path in sorted((root / "docs").rglob("*.md")):
        page = Page(path, root)
        built = site.pages[built_name(path.relative_to(root / "docs"))]
        included = [match[1] for line in page.prose if (match := INCLUDE.fullmatch(line))]
        has_docstrings = any(line.startswith("::: ") for line in page.prose)
        shown = Counter(
            block.strip() for block in built.code_blocks if not (has_docstrings and block.startswith(">>> "))
        )
        known = [page, *(Page(root / name, root) for name in included)]
        for code in shown - Counter(snippet.code.strip() for each in known for snippet in each.snippets):
            first = code.partition("\n")[0]
            yield f"{page}:{line_of(path, first)}: no test sees this code, which is in no fence of backticks: {first}"
        for snippet in page.snippets:
            if snippet.code.strip() not in shown:
                yield f"{page}:{snippet.line}: readers do not see this code"


def built_name(path: Path) -> str:
    """Return the built file of a page, below the site."""
    return (path if path.name == "index.md" else path.with_suffix("") / "index").with_suffix(".html").as_posix()


def line_of(path: Path, text: str) -> int:
    """Return the number of the first line of a file with a text, or 1."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if text in line), 1)
