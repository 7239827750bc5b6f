"""Complete llms.txt (https://llmstxt.org), which Zensical writes, with the descriptions of the pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .snippets import Page


def describe(path: Path, docs: Path, url: str) -> Mapping[str, str]:
    """Add to every line of llms.txt the description in the front matter of its page; return these by page."""
    found: dict[str, str] = {}

    def add(match: re.Match[str]) -> str:
        page = match[1].removeprefix(url)
        if not (docs / page).exists():  # Zensical gives each page a folder
            page = page.replace("/index.md", ".md")
        found[page] = Page(docs / page, docs).description
        return f"{match[0]}: {found[page]}"

    text = re.sub(r"\(<([^>]*)>\)$", add, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    return found
