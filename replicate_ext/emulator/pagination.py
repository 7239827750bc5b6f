"""Lists in pages: `next` and `previous` are absolute URLs with a cursor (docs/api-facts.md, section 4)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote_plus, urlencode

from .problems import not_found

T = TypeVar("T")


def paginate(
    items: Iterable[T], key: Callable[[T], str], size: int, url: str, query: dict[str, str], descending: bool = True
) -> tuple[dict[str, str | None], list[T]]:
    """Return the links and the items of the requested page.

    Args:
        items: All items of the list, in any order.
        key: Returns the unique sort key of an item; the cursor holds it.
        size: Maximum number of items on a page.
        url: The URL of the list, without its query.
        query: The query of the request; `cursor` selects the page, by default the first.
        descending: Whether the item with the greatest key comes first.
    """
    ordered = sorted(items, key=key, reverse=descending)
    backward, position = _decode_cursor(query["cursor"]) if query.get("cursor") else (False, None)

    if position is None:
        candidates = ordered
    else:
        wants_lower = backward != descending
        candidates = [item for item in ordered if (key(item) < position if wants_lower else key(item) > position)]
        candidates = candidates[-size:] if backward else candidates
    results = candidates[:size]
    has_next = bool(results) and key(results[-1]) != key(ordered[-1])
    has_previous = bool(results) and key(results[0]) != key(ordered[0])

    def link(backward: bool, item: T) -> str:
        text = f"{'r=1&' if backward else ''}p={quote_plus(key(item))}"
        cursor = base64.b64encode(text.encode()).decode()
        return f"{url}?{urlencode({**query, 'cursor': cursor})}"

    return {
        "next": link(False, results[-1]) if has_next else None,
        "previous": link(True, results[0]) if has_previous else None,
    }, results


def _decode_cursor(cursor: str) -> tuple[bool, str]:
    """Return whether a cursor points backward, and its sort key."""
    try:
        fields: dict[str, Any] = parse_qs(base64.b64decode(cursor, validate=True).decode())
        return "r" in fields, fields["p"][0]
    except (ValueError, KeyError):
        raise not_found("Invalid cursor") from None
