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
        self._rest = ""
        self._begun = self._after_cr = False
        self._event, self._data = "", list[str]()
        self._retry: int | None = None
        self._id: str | None = None

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield the events that this chunk completes. An event without its blank line at the end is none."""
        text = self._text.decode(chunk)
        if not self._begun and text:
            self._begun, text = True, text.removeprefix("\ufeff")
        if self._after_cr and text:  # the CR ended a line; an LF right behind it is the other half of a CRLF
            self._after_cr, text = False, text.removeprefix("\n")
        self._after_cr = self._after_cr or text.endswith("\r")
        *lines, self._rest = re.split(r"\r\n|\n|\r", self._rest + text)
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
