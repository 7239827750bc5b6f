"""Server-sent events: bytes in, events out, by the WHATWG standard.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple


class Event(NamedTuple):
    """One event of a running prediction.

    Attributes:
        event: Its type: `output`, `logs`, `error`, `done`, or one that is not known yet.
        data: Its text: a piece of the output or of the logs. A file in the output is a `FileOutput`.
        id: Its id, by which an interrupted stream is resumed, or None.
        retry: Milliseconds that the server asks clients to wait before they reconnect, or None. It has no effect here.
    """

    event: str
    data: str
    id: str | None = None
    retry: int | None = None

    def __str__(self) -> str:
        """Return the text of an output event and "" for all others: `print(event, end="")` prints the output."""
        return str(self.data) if self.event == "output" else ""


_COMMON_EVENT = re.compile("event: ([^\r\n\0]+)\nid: ([^\r\n\0]*)\ndata: ([^\r\n]*)\n\n")
"""An event in the form that Replicate's servers write (docs/api-facts.md, section 9), parsed five times faster."""

MAX_REPARSED_SIZE = 64 * 1024
"""Bytes of an incomplete event that are parsed again with the next chunk; longer events are parsed incrementally."""


class SSEDecoder:
    """Incremental decoder: feed it chunks of the body, get the events that they complete.

    Lines end with LF, CR or CRLF and nothing else (U+2028 is text), and a chunk may end anywhere, inside a character or
    between CR and LF.
    """

    def __init__(self) -> None:
        self.last_event_id: str | None = None
        """The value of `Last-Event-ID` for the next connection."""
        self.reset()

    def reset(self) -> None:
        """Discard an incomplete event: the next chunk is the first of another connection."""
        self._text_decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = b""
        self._partial_line: list[str] = []
        self._has_begun = self._after_cr = self._is_between_events = False
        self._event, self._data = "", list[str]()
        self._retry: int | None = None
        self._id: str | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that this chunk completes; an event ends with its blank line."""
        if not self._is_between_events:  # the chunk continues an event
            return list(self._feed_lines(chunk))
        chunk = self._pending + chunk if self._pending else chunk
        try:
            text = chunk.decode()
        except UnicodeDecodeError:
            text = ""
        events, position = [], 0
        while match := _COMMON_EVENT.match(text, position):
            name, self._id, data = match.groups()
            self.last_event_id = self._id
            events.append(Event(name, data, self._id))
            position = match.end()
            if position == len(text):
                self._pending = b""
                return events
        rest = text[position:].encode() if text else chunk
        if len(rest) <= MAX_REPARSED_SIZE and b"\r" not in rest and b"\n\n" not in rest:
            self._pending = rest  # no event ends in it
            return events
        self._pending, self._is_between_events = b"", False
        events += self._feed_lines(rest)
        return events

    def _feed_lines(self, chunk: bytes) -> Iterator[Event]:
        text = self._text_decoder.decode(chunk)
        if not self._has_begun and text:
            self._has_begun, text = True, text.removeprefix("\ufeff")
        if self._after_cr and text:  # the CR ended a line; an LF right after it is the second half of a CRLF
            self._after_cr, text = False, text.removeprefix("\n")
        self._after_cr = self._after_cr or text.endswith("\r")
        first, *lines = re.split(r"\r\n|\n|\r", text)
        self._partial_line.append(first)
        if not lines:
            return
        *lines, rest = "".join(self._partial_line), *lines
        self._partial_line = [rest]
        # A part of a character may be left in the text decoder, so only line feeds prove that no event has begun.
        self._is_between_events = chunk.endswith(b"\n\n")
        for line in lines:
            event = self._feed_line(line)
            if event is not None:
                yield event

    def _feed_line(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._event = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self._retry = int(value)
        return None  # a comment (": hi") or a field that the standard does not define

    def _dispatch(self) -> Event | None:
        event, data, retry = self._event, self._data, self._retry
        self._event, self._data, self._retry = "", [], None
        if self._id is not None:
            self.last_event_id = self._id
        # The standard drops events without data; one with a name is kept, because an empty `done` matters.
        return Event(event or "message", "\n".join(data), self._id, retry) if data or event else None
