"""HTML of values from outside: escaped, shortened, and without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape as escape
from typing import Any
from urllib.parse import urlsplit

from .._sansio.redact import SECRET_NAME, hide_tokens

MAX_ITEMS = 20
"""Items of a list or dict, and rows of a table, that are shown."""

MAX_DEPTH = 6
"""Levels of nesting that are shown; a model may nest its output deeper than Python's stack."""

ERROR_COLOR = "#d93f49"
"""Like all colors here, readable on white and on black, since not every notebook tells its theme."""

PRE_STYLE = "white-space:pre-wrap;overflow-wrap:anywhere;text-align:left"


def text(value: object, limit: int = 2000) -> str:
    """Return the HTML of a value's text, shortened to a number of characters."""
    return escape(_shorten(hide_tokens(str(value)), limit))


def pre(value: object, limit: int = 2000) -> str:
    """Return the HTML of a text with its line breaks."""
    return f'<div style="{PRE_STYLE}">{text(value, limit)}</div>'


def link(url: object, label: object) -> str:
    """Return a link, or only its label if the URL is none of the web: a script or a data URI."""
    if not isinstance(url, str) or url[:8].lower().partition("//")[0] not in ("http:", "https:"):
        return text(label)
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{text(label, 200)}</a>'


def table(rows: Iterable[tuple[str, ...]], header: Iterable[str] = ()) -> str:
    """Return a table of cells that are HTML already."""
    style = "text-align:left;vertical-align:top;white-space:normal"
    lines = ["".join(f'<td style="{style}">{cell}</td>' for cell in row) for row in rows]
    head = "".join(f'<th style="{style}">{text(name)}</th>' for name in header)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def more(count: int) -> str:
    """Return the line that says how many items are not shown, or nothing."""
    return f"<div>… {count:,} more</div>" if count > 0 else ""


def preview(value: object, limit: int = 200, name: str = "") -> str:
    """Return the HTML of a time or a JSON value, shortened and without secrets."""
    if isinstance(value, datetime):
        return text(f"{value:%Y-%m-%d %H:%M:%S %Z}")
    shown = conceal(value, name)
    return text(shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False, default=str), limit)


def conceal(value: Any, name: str = "", depth: int = 0) -> Any:
    """Return a JSON value that may be shown: without secrets, the content of data URIs, and the queries of URLs."""
    if isinstance(value, str):
        return "…" if value and SECRET_NAME.search(name) else _conceal_url(str(value))
    if isinstance(value, Mapping | list) and depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        shown = {str(key): conceal(item, str(key), depth + 1) for key, item in [*value.items()][:MAX_ITEMS]}
        return shown | ({"…": f"{len(value) - MAX_ITEMS:,} more"} if len(value) > MAX_ITEMS else {})
    if isinstance(value, list):
        items = [conceal(item, name, depth + 1) for item in value[:MAX_ITEMS]]
        return items + ([f"… {len(value) - MAX_ITEMS:,} more"] if len(value) > MAX_ITEMS else [])
    return value


def _conceal_url(value: str) -> str:
    if value[:5].lower() == "data:":
        return f"{_shorten(value.partition(',')[0], 80)},… ({len(value):,} characters)"
    if not re.match(r"https?://\S+$", value, re.IGNORECASE):
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        return value
    # The query may be a signature, and the part before the host a password (RFC 3986, section 3.2.1).
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="…" if parts.query else "").geturl()


def _shorten(value: str, limit: int) -> str:
    return value if len(value) <= limit else f"{value[:limit]}… ({len(value):,} characters)"
