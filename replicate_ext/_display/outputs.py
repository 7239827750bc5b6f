"""The list that `run` returns."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

MAX_WIDTH_IN_ROW = "20em"
"""Width up to which a file is shown if it is not the only one."""

MAX_TEXT_SIZE = 100_000
"""Characters of a text that are shown."""


class Outputs(list[Any]):
    """The output of a model that returns a list: a list that a notebook shows as pictures, players and text.

    `str()` of pieces of text is the whole text.

    Examples:
        >>> words = client.run("acme/poet", {"prompt": "the sea", "lines": 1})
        >>> words[:3]
        ['Beneath', ' the', ' sea']
        >>> print(words, end="")
        Beneath the sea a garden remembers.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return "".join(self) if all(map(_is_text, self)) else repr(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        from . import markup

        if not self:
            return "[]"
        groups = [(is_text, [*items]) for is_text, items in groupby(self, _is_text)]
        parts = [part for is_text, items in groups for part in (["".join(items)] if is_text else items)]
        in_row = f'<div style="max-width:{MAX_WIDTH_IN_ROW}">' if len(parts) > 1 else "<div>"
        shown = "".join(
            f"{in_row if _is_file(part) else '<div>'}{_html(part)}</div>" for part in parts[: markup.MAX_ITEMS]
        )
        row = f'<div style="display:flex;flex-wrap:wrap;gap:8px;align-items:flex-start">{shown}</div>'
        return row + markup.more(len(parts) - markup.MAX_ITEMS)


def _is_text(item: object) -> bool:
    return type(item) is str  # and no file


def _is_file(item: object) -> bool:
    return hasattr(item, "_repr_html_")


def _html(item: Any) -> str:
    from . import markup

    if _is_file(item):
        return str(item._repr_html_())
    if isinstance(item, str):
        return markup.pre(item, MAX_TEXT_SIZE)
    code = json.dumps(markup.conceal(item), ensure_ascii=False, indent=2, default=str)
    return f'<div style="font-family:monospace">{markup.pre(code)}</div>'
