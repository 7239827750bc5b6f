"""The table of errors in the reference says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from replicate_ext import errors
from replicate_ext._cli.exit_codes import exit_code
from replicate_ext._sansio.retry import Failure, retry_delay

PAGE = Path(__file__).parents[2] / "docs/reference/errors.md"


class Row(NamedTuple):
    """A row of the table."""

    prefix: str
    cls: type[Exception]
    when: str
    retried: str
    exit: str


ROWS = [
    Row(prefix, getattr(errors, name), when, retried, exit)
    for prefix, name, when, retried, exit in re.findall(
        r"^\| (└ )?\[(\w+)\]\(#replicate_ext\.errors\.\2\).*? \| (.*?) \| .*? \| (.*?) \| (.*?) \|$",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
]
IDS = [row.cls.__name__ for row in ROWS]


def test_it_is_the_tree() -> None:
    tree = []
    for row in ROWS:
        parent = row.cls.__bases__[0]
        tree.append(row.cls)
        above = next(each.cls for each in reversed(ROWS[: len(tree)]) if not each.prefix) if row.prefix else None
        assert parent is (above or (errors.ReplicateError if row.cls is not errors.InvalidInputError else ValueError))
    classes = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Exception)]
    assert {errors.ReplicateError, *tree} == set(classes)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_the_exit_codes(row: Row) -> None:
    assert str(exit_code(row.cls.__new__(row.cls))) == row.exit.partition(" ")[0]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_what_is_retried(row: Row) -> None:
    statuses = [int(status.replace("xx", "00")) for status in re.findall(r"\b[45](?:\d\d|xx)\b", row.when)]
    for status in statuses:
        get, create = (
            retry_delay(Failure(method, "/predictions", status_code=status), 1, 5) is not None
            for method in ("GET", "POST")
        )
        assert (get, create) == {"yes": (True, True), "no": (False, False)}.get(row.retried, (True, False))
