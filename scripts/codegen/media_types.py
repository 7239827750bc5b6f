"""Which media types the generated code sends and parses, and as what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

BODIES = frozenset({"text/plain", "multipart/form-data", "application/octet-stream"})
"""The types of request bodies other than JSON."""

EVENT_STREAM = "text/event-stream"

_BINARY = re.compile(
    r"(image|audio|video|font|model)/.+|\*/\*|application/(octet-stream|pdf|zip|gzip|zstd|wasm|x-tar|x-zip-compressed)"
)


def essence(media_type: str) -> str:
    """Return a media type without its parameters, in lower case (RFC 9110, section 8.3.1)."""
    return media_type.partition(";")[0].strip().lower()


def kind(media_type: str, media: Mapping[str, Any] | None = None) -> str | None:
    """Return what a body is parsed as: `json`, `events`, `text` or `bytes`; None if it is not supported."""
    name = essence(media_type)
    if name == "application/json" or name.endswith("+json"):
        return "json"
    if name == EVENT_STREAM:
        return "events"
    if name.startswith("text/"):
        return "text"
    is_binary = _BINARY.fullmatch(name) or (media or {}).get("schema", {}).get("format") == "binary"
    return "bytes" if is_binary else None
