"""Lists in pages: `next` and `previous` are absolute URLs with a cursor (docs/api-facts.md, section 4)."""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote_plus, urlencode

from .problems import not_found

T = TypeVar("T")


def paginate(
    items: Sequence[T],
    key: Callable[[T], str],
    size: int,
    url: str,
    query: dict[str, str],
    descending: bool = True,
    start: int = 0,
    stop: int | None = None,
) -> tuple[dict[str, str | None], list[T]]:
    """Return the links and the items of the requested page; a page of a long list costs no more than one of a short.

    Args:
        items: All items, in ascending order of their keys.
        key: Returns the unique sort key of an item; the cursor holds it.
        size: Maximum number of items on a page.
        url: The URL of the list, without its query.
        query: The query of the request; `cursor` selects the page, by default the first.
        descending: Whether the item with the greatest key comes first.
        start: Position in `items` at which the list starts.
        stop: Position in `items` before which it stops; None for their end.
    """
    stop = max(start, len(items) if stop is None else stop)
    backward, position = _decode_cursor(query["cursor"]) if query.get("cursor") else (False, None)
    if backward == descending:  # the keys of the page are above the cursor
        low = start if position is None else bisect_right(items, position, start, stop, key=key)
        high = min(low + size, stop)
    else:
        high = stop if position is None else bisect_left(items, position, start, stop, key=key)
        low = max(high - size, start)
    results = list(items[low:high])[:: -1 if descending else 1]
    has_lower, has_higher = low > start, high < stop
    has_next, has_previous = (has_lower, has_higher) if descending else (has_higher, has_lower)

    def link(backward: bool, item: T) -> str:
        text = f"{'r=1&' if backward else ''}p={quote_plus(key(item))}"
        cursor = base64.b64encode(text.encode()).decode()
        return f"{url}?{urlencode({**query, 'cursor': cursor})}"

    return {
        "next": link(False, results[-1]) if results and has_next else None,
        "previous": link(True, results[0]) if results and has_previous else None,
    }, results


def _decode_cursor(cursor: str) -> tuple[bool, str]:
    """Return whether a cursor points backward, and its sort key."""
    try:
        fields: dict[str, Any] = parse_qs(base64.b64decode(cursor, validate=True).decode())
        return "r" in fields, fields["p"][0]
    except (ValueError, KeyError):
        raise not_found("Invalid cursor") from None
