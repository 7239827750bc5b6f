"""Data URIs (RFC 2397)."""

from __future__ import annotations

import re
from base64 import b64decode
from urllib.parse import unquote_to_bytes

from ..errors import ResponseDecodeError


def is_data_uri(url: str) -> bool:
    """Whether a URL contains its content itself."""
    return url[:5].lower() == "data:"


def media_type(uri: str) -> str | None:
    """Return the media type that a data URI declares."""
    return re.split("[;,]", uri[5:], maxsplit=1)[0].lower() or None


def decode(uri: str) -> bytes:
    """Return the content of a data URI; ResponseDecodeError if it is malformed."""
    head, _, content = uri.partition(",")
    raw = unquote_to_bytes(content)
    try:
        return b64decode(raw, validate=True) if head.lower().endswith(";base64") else raw
    except ValueError as error:
        raise ResponseDecodeError(f"the model returned a malformed data URI: {error}") from error
