"""The items of a page as a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from . import markup

_COLUMNS = ("id", "owner", "name", "slug", "status", "model", "visibility", "sku", "created_at", "completed_at")
"""The fields that are shown, as far as the items have them; of others, the first `MAX_COLUMNS`."""

MAX_COLUMNS = 6


def table(items: Sequence[Any]) -> str:
    """Return the HTML of a list of models, with a row for each of the first ones."""
    if not items:
        return "[]"
    rows = [_fields(item) for item in items[: markup.MAX_ITEMS]]
    names = [*dict.fromkeys(name for row in rows for name in row)]
    columns = [name for name in _COLUMNS if name in names] or names[:MAX_COLUMNS]
    cells = [tuple(markup.preview(row.get(name, ""), 80, name) for name in columns) for row in rows]
    return markup.table(cells, columns) + markup.more(len(items) - markup.MAX_ITEMS)


def _fields(item: Any) -> dict[str, Any]:
    if hasattr(item, "to_dict"):
        fields = item.to_dict() | {name: value for name, value in dict(item).items() if isinstance(value, datetime)}
    else:
        fields = item if isinstance(item, dict) else {"value": item}
    return {name: value for name, value in fields.items() if not isinstance(value, dict | list)}
