"""The output of a command: its result on stdout, everything else on stderr.

On a terminal, lists are tables; elsewhere, rows with tabs. Colors, and rich, only on a terminal.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from .._models.literals import visible
from .._sansio.redact import hide_secrets


class Output:
    """Writes the result of a command in the form that its options ask for.

    `fields` are names in an object as the API sends it, separated by spaces; `latest_version.id` is one within another,
    and `owner/name` is two of them in one column.
    With `--quiet`, only the first one is written.
    """

    def __init__(self, *, as_json: bool = False, as_lines: bool = False, quiet: bool = False) -> None:
        self._as_json, self._as_lines = as_json, as_lines
        self.quiet = quiet
        self._is_in_line = True

    @property
    def is_json(self) -> bool:
        """Whether the result is to be JSON."""
        return self._as_json or self._as_lines

    @property
    def is_lines(self) -> bool:
        """Whether the result is to be JSON lines, as they arrive."""
        return self._as_lines

    @property
    def is_live(self) -> bool:
        """Whether a person watches stderr, and wants to see what happens."""
        return sys.stderr.isatty() and not self.quiet

    @property
    def is_terminal(self) -> bool:
        """Whether stdout is a terminal."""
        return sys.stdout.isatty()

    def record(self, record: Any, fields: str | None = None) -> None:
        """Write one object: JSON, the first field alone, or a line for each field; all simple ones by default."""
        value = to_json(record)
        if self.is_json:
            self.json(value)
            return
        names = fields.split() if fields else [name for name in value if not isinstance(value[name], dict | list)]
        if self.quiet:
            self.line(cell(value, names[0]))
        elif self.is_terminal:
            _print_table([(name, cell(value, name)) for name in names], None)
        else:
            for name in names:
                self.line(f"{name}\t{cell(value, name)}")

    def records(self, records: Iterable[Any], fields: str, name: str = "results") -> None:
        """Write a list: a JSON array, JSON lines, the first field of each, a table, or rows with tabs.

        Instead of an empty table, a terminal gets the line that no `name` were found.
        """
        values, names = map(to_json, records), fields.split()
        if self._as_lines:
            for value in values:
                self.json(value)
        elif self._as_json:
            self.json([*values])
        elif self.quiet or not self.is_terminal:
            for value in values:
                self.line("\t".join(cell(value, name) for name in names[: 1 if self.quiet else None]))
        elif rows := [tuple(cell(value, field) for field in names) for value in values]:
            _print_table(rows, names)
        else:
            self.note(f"no {name} found")

    def lines(self, items: Iterable[tuple[Any, str]]) -> None:
        """Write a list whose items are lines of text: each is given as the object that is its JSON, and as the text."""
        if self.is_json:
            self.records((value for value, _ in items), "")
        else:
            for _, text in items:
                self.line(text)

    def json(self, value: Any) -> None:
        """Write a JSON value in one line."""
        is_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
        self.line(json.dumps(value, ensure_ascii=not is_unicode, default=str))

    def line(self, text: object) -> None:
        """Write a line of the result, and flush it: its reader may wait for it."""
        self.text(f"{text}\n")

    def text(self, text: str) -> None:
        """Write text of the result; on a terminal without the characters that would control it."""
        sys.stdout.write(printable(text) if self.is_terminal else text)
        sys.stdout.flush()
        self._is_in_line = not text.endswith("\n") if text else self._is_in_line

    def end_line(self) -> None:
        """End the line of a text, unless it has ended it itself."""
        if self._is_in_line:
            self.text("\n")

    def bytes(self, chunks: Iterable[bytes]) -> None:
        """Write bytes of the result."""
        sys.stdout.flush()
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()

    def note(self, text: str) -> None:
        """Write a line to stderr, unless `--quiet` is given."""
        if not self.quiet:
            print(visible(text), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Replace the characters that would control a terminal: C0, C1 and DEL, but line breaks and tabs."""
    return re.sub(r"[^\n\t -~\xa0-\U0010ffff]", "\N{REPLACEMENT CHARACTER}", text)


def to_json(record: Any) -> Any:
    """Return an object as the API sent it."""
    if hasattr(record, "to_dict"):
        return record.to_dict()
    return record._asdict() if hasattr(record, "_asdict") else record


def cell(value: Any, name: str) -> str:
    """Return a field of an object as text in one line."""
    if "/" in name:
        return "/".join(cell(value, part) for part in name.split("/"))
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    value = hide_secrets(value, name)
    match value:
        case None:
            return ""
        case str():
            return visible(value)
        case float():
            return f"{value:g}"
    return json.dumps(value, ensure_ascii=False, default=str)


def _print_table(rows: list[tuple[str, ...]], names: list[str] | None) -> None:
    """Print a table that fits the terminal: long columns are shortened, but never the first, which may be copied.

    Without names of columns it is the table of one object, which has a row for each field, in full.
    """
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    titles = [name.removesuffix("_at").rpartition(".")[2] for name in names or [""] * 2]
    cells = [[row[0], *map(_abbreviate, row[1:])] for row in rows] if names else rows
    widths = fit_columns([max(map(cell_len, column)) for column in zip(titles, *cells, strict=True)], console.width)
    table = Table(box=None, show_header=names is not None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    table.add_column(titles[0], width=widths[0], overflow="fold")
    for title, width in zip(titles[1:], widths[1:], strict=False):
        table.add_column(title, width=width, no_wrap=names is not None, overflow="ellipsis" if names else "fold")
    for row in cells:
        table.add_row(*map(Text, row[: len(widths)]))
    console.print(table)


GAP = 2
"""Spaces between the columns of a table."""

MIN_WIDTH = 8
"""Characters below which a column is left out, instead of being shortened."""


def fit_columns(widths: list[int], total: int) -> list[int]:
    """Return the widths of as many columns as fit, the widest ones shortened."""
    kept = [*widths]
    while len(kept) > 1 and sum([kept[0], *(min(width, MIN_WIDTH) + GAP for width in kept[1:])]) > total:
        kept.pop()
    while len(kept) > 1 and sum(kept) + GAP * (len(kept) - 1) > total:
        kept[max(range(1, len(kept)), key=kept.__getitem__)] -= 1
    return [min(kept[0], total), *kept[1:]]


def _abbreviate(text: str) -> str:
    """Return a time without its fraction, and the first characters of a version id."""
    if re.fullmatch("[0-9a-f]{64}", text):
        return text[:12]
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\S*$", r"\1 \2", text)
