"""The README: one screen, whose promises name tests; tests/test_page_links.py checks that these exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROMISES = [line for line in README.splitlines() if re.search(r"\[test_\w+\]\(https://", line)]


def test_every_promise_about_money_names_a_test() -> None:
    [table] = re.findall(r"\[start:money\] -->\n(.*?)<!--", README, re.DOTALL)
    assert table.splitlines()[2:] == PROMISES
    assert len(PROMISES) > 5


def test_it_is_one_screen_with_the_two_commands() -> None:
    assert len(README.splitlines()) <= 100
    assert re.search(r"^make demo .*\nmake test ", README, re.MULTILINE)


def test_the_home_page_has_its_introduction_and_its_promises() -> None:
    home = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    sections = re.findall(r'^--8<-- "README.md:(\w+)"$', home, re.MULTILINE)
    assert sections == re.findall(r"<!-- --8<-- \[start:(\w+)\] -->", README) == ["intro", "money"]
