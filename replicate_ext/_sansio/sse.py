"""Server-sent events: bytes in, events out."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple


class Event(NamedTuple):
    """One event of a running prediction: `output`, `logs`, `error`, `done`, or one that we do not know yet."""

    event: str
    data: str
    id: str | None = None
    retry: int | None = None

    def __str__(self) -> str:
        """Return the text of an output event, nothing for the others: `print(event, end="")` shows the output."""
        return str(self.data) if self.event == "output" else ""


_USUAL = re.compile("event: ([^\r\n\0]+)\nid: ([^\r\n\0]*)\ndata: ([^\r\n]*)\n\n")
"""An event as Replicate's servers write it: nearly all of them, and read in a fifth of the time of any other."""

HELD = 64 * 1024
"""Bytes of an unfinished event that are looked at again with the next chunk; of a longer one each byte is read once."""


class Decoder:
    """Bytes in, events out, by the WHATWG standard.

    https://html.spec.whatwg.org/multipage/server-sent-events.html

    Lines end with LF, CR or CRLF and with nothing else (U+2028 is text), and a chunk may end anywhere, within a
    character or between CR and LF.
    """

    def __init__(self) -> None:
        self.last_id: str | None = None
        """What `Last-Event-ID` should be when reconnecting."""
        self.restart()

    def restart(self) -> None:
        """Forget an unfinished event: what comes next is the beginning of another connection."""
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = b""
        self._rest: list[str] = []
        self._begun = self._after_cr = self._is_between = False
        self._event, self._data = "", list[str]()
        self._retry: int | None = None
        self._id: str | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that this chunk completes. An event without its blank line at the end is none."""
        if not self._is_between:  # something has begun that the next bytes belong to
            return list(self._any(chunk))
        chunk = self._held + chunk if self._held else chunk
        try:
            text = chunk.decode()
        except UnicodeDecodeError:
            text = ""
        found, at = [], 0
        while usual := _USUAL.match(text, at):
            name, self._id, data = usual.groups()
            self.last_id = self._id
            found.append(Event(name, data, self._id))
            at = usual.end()
            if at == len(text):
                self._held = b""
                return found
        rest = text[at:].encode() if text else chunk
        if len(rest) <= HELD and b"\r" not in rest and b"\n\n" not in rest:
            self._held = rest  # no event ends in it
            return found
        self._held, self._is_between = b"", False
        found += self._any(rest)
        return found

    def _any(self, chunk: bytes) -> Iterator[Event]:
        text = self._text.decode(chunk)
        if not self._begun and text:
            self._begun, text = True, text.removeprefix("\ufeff")
        if self._after_cr and text:  # the CR ended a line; an LF right behind it is the other half of a CRLF
            self._after_cr, text = False, text.removeprefix("\n")
        self._after_cr = self._after_cr or text.endswith("\r")
        first, *lines = re.split(r"\r\n|\n|\r", text)
        self._rest.append(first)
        if not lines:
            return
        *lines, rest = "".join(self._rest), *lines
        self._rest = [rest]
        # Part of a character may wait in the decoder, so only after line feeds it is sure that nothing has begun.
        self._is_between = chunk.endswith(b"\n\n")
        for line in lines:
            event = self._line(line)
            if event is not None:
                yield event

    def _line(self, line: str) -> Event | None:
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
        return None  # a comment (": hi") or a field that the standard does not know

    def _dispatch(self) -> Event | None:
        event, data, retry = self._event, self._data, self._retry
        self._event, self._data, self._retry = "", [], None
        if self._id is not None:
            self.last_id = self._id
        # The standard drops events without data; one that has a name, `done`, means something to us all the same.
        return Event(event or "message", "\n".join(data), self._id, retry) if data or event else None
