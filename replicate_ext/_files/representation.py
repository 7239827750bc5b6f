"""Whether several responses are parts of the same content, and whether it is complete: decisions without I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


class Representation:
    """What identifies the content of a URL, as far as its responses have told: size, ETag and Last-Modified.

    A response to a range is checked although `If-Range` (RFC 9110, section 13.1.5) asked for the same content, and it
    may contain less than was asked for (section 15.3.7).
    """

    def __init__(self) -> None:
        self._known: dict[str, object] = {}
        self._validator: str | None = None
        self.end: int | None = None
        """Where the last response ends in the content, if it declares it."""

    @property
    def size(self) -> int | None:
        """The number of bytes, once it is known."""
        size = self._known.get("size")
        return size if isinstance(size, int) else None

    def is_complete(self, position: int) -> bool:
        """Whether the content is known to end at a position, or before."""
        return self.size is not None and position >= self.size

    def request_headers(self, position: int, stop: int | None) -> dict[str, str]:
        """Return the headers that ask for the content from a position on."""
        headers = {"Accept-Encoding": "identity"}
        if position or stop is not None:
            headers["Range"] = f"bytes={position}-{'' if stop is None else stop - 1}"
            if self._validator:
                headers["If-Range"] = self._validator
        return headers

    def continues_with(self, response: httpx.Response, position: int, is_resumed: bool) -> bool:
        """Whether a response has this content from a position on; a resumed download needs a proof of it."""
        headers = response.headers
        is_identified = self._validator is not None or self.size is not None
        length = headers.get("content-length", "")
        first, size = 0, int(length) if length.isdigit() and "content-encoding" not in headers else None
        self.end = size
        if response.status_code == 206:
            match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", headers.get("content-range", ""))
            if match is None:
                return False
            first, self.end, size = int(match[1]), int(match[2]) + 1, int(match[3]) if match[3] != "*" else None
        etag, modified = headers.get("etag"), headers.get("last-modified")
        if self._contradicts(size=size, etag=etag and etag.removeprefix("W/"), modified=modified):
            return False
        if self._validator is None and not is_resumed:
            is_strong = etag and not etag.startswith("W/")  # a weak one is no use for ranges (section 13.1.5)
            self._validator = etag if is_strong else modified
        if is_resumed and not is_identified:
            return False
        return first == position if response.status_code == 206 else not is_resumed

    def ends_at(self, position: int, headers: Mapping[str, str], is_resumed: bool) -> bool:
        """Whether the headers of a 416 (section 15.5.17) confirm that the content ends at a position.

        If nothing of it has arrived, it may also end before.
        """
        match = re.fullmatch(r"bytes \*/(\d+)", headers.get("content-range", ""))
        if match and self._contradicts(size=int(match[1])):
            return False
        return self.size in (None, position) or (not is_resumed and self.is_complete(position))

    def _contradicts(self, **facts: object) -> bool:
        """Whether a fact differs from what is known; remember new ones."""
        return any(self._known.setdefault(name, fact) != fact for name, fact in facts.items() if fact is not None)
