"""A file in a notebook: embedded while it is small, because its URL expires; else a link."""

from __future__ import annotations

import time
from base64 import b64encode
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from .._display import markup
from . import data_uri, media_types
from .disk import file_name
from .download import Download

if TYPE_CHECKING:
    from .._send import Session

MIB = 1024**2
MAX_EMBEDDED_SIZES = {"image": 5 * MIB, "audio": 10 * MIB, "video": 10 * MIB}
"""Bytes up to which a file is embedded, by the first part of its media type."""

RETENTION = 3600
"""Seconds for which Replicate keeps an output file (docs/api-facts.md, section 10.1)."""

_UNSPECIFIC = (None, "application/octet-stream", "binary/octet-stream")


class Content(NamedTuple):
    """A file that can be embedded."""

    media_type: str
    data: bytes


def can_be_embedded(media_type: str | None) -> bool:
    """Whether a file of this media type may be embedded, if it is small; True if the type is unknown."""
    return media_type in _UNSPECIFIC or _limit(media_type) > 0


async def load(session: Session[Any], url: str, guess: str | None) -> Content | None:
    """Download a file, or return None as soon as it turns out to be too large, or nothing that can be shown."""
    if not can_be_embedded(guess):
        return None
    download = Download(session, url)
    await download.open()
    data = bytearray()
    async with aclosing(download.chunks()) as chunks:
        async for chunk in chunks:
            data += chunk
            limit = _limit(_media_type(data, download.content_type, guess))
            if len(data) >= media_types.HEAD_SIZE and len(data) > limit:
                return None
    return embeddable(bytes(data), download.content_type, guess)


def embeddable(data: bytes, declared: str | None, guess: str | None) -> Content | None:
    """Return the content of a file with its media type, if it can be embedded."""
    media_type = _media_type(data, declared, guess)
    return Content(media_type, data) if data and len(data) <= _limit(media_type) else None


def show(content: Content, url: str) -> str:
    """Return the HTML that contains a file."""
    name, uri = markup.text(file_name(url), 100), markup.escape(_data_uri(content))
    kind = content.media_type.partition("/")[0]
    if kind == "image":
        return f'<img src="{uri}" alt="{name}" style="max-width:100%">'
    return f'<{kind} controls src="{uri}" style="max-width:100%"></{kind}>'


def show_link(url: str, api_url: str, created_at: float | None, reason: str) -> str:
    """Return the HTML of a link, with the time at which it expires and the reason why nothing is embedded."""
    host, name = _host(url), file_name(url)
    if data_uri.is_data_uri(url):
        reason = reason or f"a data URI of {len(url):,} characters"
    elif created_at is not None and (f".{host}".endswith(".replicate.delivery") or host == _host(api_url)):
        moment = time.strftime("%Y-%m-%d %H:%M %Z", time.localtime(created_at + RETENTION))
        reason = "; ".join(filter(None, [f"expires by {moment}", reason]))
    return markup.link(url, name) + (f" <small>{markup.text(reason, 300)}</small>" if reason else "")


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _limit(media_type: str | None) -> int:
    return MAX_EMBEDDED_SIZES.get((media_type or "").partition("/")[0], 0)


def _media_type(data: bytes | bytearray, declared: str | None, guess: str | None) -> str:
    """Return the media type: as the host declares it, unless that says nothing; by the name; by the first bytes."""
    candidates = (declared, guess, media_types.sniff(bytes(data[: media_types.HEAD_SIZE])))
    return next((name.lower() for name in candidates if name and name not in _UNSPECIFIC), "")


def _data_uri(content: Content) -> str:
    return f"data:{content.media_type};base64,{b64encode(content.data).decode()}"
