"""docs/guides/batches.md: the messages that it explains are those of the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import replicate_ext

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/guides/batches.md").read_text(encoding="utf-8")
MIN_SIZE = 8
"""Characters of a part of a message that is searched for."""


def texts() -> Iterator[str]:
    """Yield the strings of the package; in those that are formatted, … stands for each value."""
    for path in Path(replicate_ext.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)  # type: ignore[misc]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_the_messages_that_are_explained_exist() -> None:
    table = PAGE.partition("## When something goes wrong")[2].partition("\n\n**")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    messages = [message for cell in cells for message in re.findall(r"`([^`]+)`", cell)]
    parts = {part.strip() for message in messages for part in re.split(r"…|\d+|'\w+'|: \[Errno.*; ", message)}
    known = "\n".join(texts())
    assert [part for part in sorted(parts) if len(part) >= MIN_SIZE and part not in known] == []
    assert len(messages) > 15
