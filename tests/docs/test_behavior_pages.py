"""Each row of the pages on how the client behaves names a test; tests/test_page_links.py checks that it exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/behavior/*.md"))
TEST_LINK = re.compile(r"\[`test_\w+`\]\(https://")


def rows(page: str) -> list[str]:
    """Return the rows of the tables of a page, without their heads and the headings between them."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    heads = {number + offset for number, line in enumerate(lines) if line.startswith("|---") for offset in (-1, 0)}
    found = [line for number, line in enumerate(lines) if line.startswith("|") and number not in heads]
    return [row for row in found if not re.fullmatch(r"\|[^|]+\|(?: \|)+", row)]


@pytest.mark.parametrize("page", PAGES)
def test_each_row_on_how_the_client_behaves_names_its_test(page: str) -> None:
    assert len(rows(page)) > 10
    assert not [row for row in rows(page) if not TEST_LINK.search(row)]
