"""The list that `run` returns."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any


class Outputs(list[Any]):
    """The output of a model that returns a list: a list that a notebook shows as pictures, players and text.

    `str()` of pieces of text is the whole text.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return "".join(self) if all(map(_is_text, self)) else repr(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        from . import markup

        groups = [(is_text, [*items]) for is_text, items in groupby(self, _is_text)]
        parts = [part for is_text, items in groups for part in (["".join(items)] if is_text else items)]
        shown = "".join(f"<div>{_html(part)}</div>" for part in parts[: markup.MAX_ITEMS])
        row = f'<div style="display:flex;flex-wrap:wrap;gap:8px;align-items:flex-start">{shown}</div>'
        return row + markup.more(len(parts) - markup.MAX_ITEMS)


def _is_text(item: object) -> bool:
    return type(item) is str  # and no file


def _html(item: Any) -> str:
    from . import markup

    if hasattr(item, "_repr_html_"):
        return str(item._repr_html_())
    if isinstance(item, str):
        return markup.pre(item, MAX_TEXT_SIZE)
    return markup.pre(json.dumps(markup.conceal(item), ensure_ascii=False, indent=2, default=str))


MAX_TEXT_SIZE = 100_000
"""Characters of a text that are shown."""
