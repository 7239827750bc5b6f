"""Lists in pages: `next` and `previous` are addresses on this server with a cursor, as the API's are."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote_plus, urlencode

from .problems import not_found

T = TypeVar("T")


def page(
    items: Iterable[T], key: Callable[[T], str], size: int, url: str, query: dict[str, str], descending: bool = True
) -> tuple[dict[str, str | None], list[T]]:
    """Return the links of a page, and what is on it.

    Args:
        items: Everything that is listed, in any order.
        key: The position of an item, unique.
        size: How many items a page has.
        url: The address of the list, without its query.
        query: The query as it was asked, with or without a cursor.
        descending: Whether the greatest position comes first.
    """
    ordered = sorted(items, key=key, reverse=descending)
    backward, position = _decoded(query["cursor"]) if query.get("cursor") else (False, None)

    if position is None:
        rest = ordered
    else:
        wants_lower = backward != descending
        rest = [item for item in ordered if (key(item) < position if wants_lower else key(item) > position)]
        rest = rest[-size:] if backward else rest
    shown = rest[:size]
    has_next = bool(shown) and key(shown[-1]) != key(ordered[-1])
    has_previous = bool(shown) and key(shown[0]) != key(ordered[0])

    def link(backward: bool, item: T) -> str:
        text = f"{'r=1&' if backward else ''}p={quote_plus(key(item))}"
        cursor = base64.b64encode(text.encode()).decode()
        return f"{url}?{urlencode({**query, 'cursor': cursor})}"

    return {
        "next": link(False, shown[-1]) if has_next else None,
        "previous": link(True, shown[0]) if has_previous else None,
    }, shown


def _decoded(cursor: str) -> tuple[bool, str]:
    try:
        parsed: dict[str, Any] = parse_qs(base64.b64decode(cursor, validate=True).decode())
        return "r" in parsed, parsed["p"][0]
    except (ValueError, KeyError):
        raise not_found("Invalid cursor") from None
