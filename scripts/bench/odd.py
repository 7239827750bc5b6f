"""Eighteen events that are odd but legal: what the server sends of each, and the data that a client should read.

Those whose lines end with CRLF or CR come last: a client that stumbles over the change of line ends, as the JavaScript
one does, glues all events behind it together, and would hide how it does with the others.
"""

from __future__ import annotations

LONG = "a long line that no buffer holds, " * 300

ODD: list[tuple[str, str]] = [
    ("data: plain\n", "plain"),
    ("data: naïve café\n", "naïve café"),
    ("data: 🚀 and 👩‍🚀\n", "🚀 and 👩‍🚀"),
    ("data: first\ndata: second\ndata: third\n", "first\nsecond\nthird"),
    (": a comment\ndata: with comments\n:another, without a blank\n", "with comments"),
    ("data: line\u2028separator\n", "line\u2028separator"),
    ("data: paragraph\u2029separator\n", "paragraph\u2029separator"),
    ("data: next\u0085line\n", "next\u0085line"),
    ("data: vertical\x0btab and form\x0cfeed\n", "vertical\x0btab and form\x0cfeed"),
    ("data: file\x1cgroup\x1drecord\x1eseparators\n", "file\x1cgroup\x1drecord\x1eseparators"),
    ("data: \ndata: \ndata: \n", "\n\n"),
    ("data\ndata:\n", "\n"),
    ("data:   two blanks kept\n", "  two blanks kept"),
    ("data:without: a blank, https://with.colons\n", "without: a blank, https://with.colons"),
    (f"data: {LONG}\n", LONG),
    ("unknown: field\nretry: 1000\ndata: among others\n", "among others"),
    ("data: of\r\ndata: Windows\r\n", "of\nWindows"),
    ("data: of\rdata: old Macs\r", "of\nold Macs"),
]


def wire() -> bytes:
    """Return the events as they are sent; the id of each is its number."""
    events = []
    for number, (lines, _) in enumerate(ODD):
        end = "\r\n" if "\r\n" in lines else "\r" if "\r" in lines else "\n"
        events.append(f"event: output{end}id: odd:{number}{end}{lines}{end}")
    return "".join(events).encode()


def right(heard: dict[str, str]) -> int:
    """Return how many events were heard as they should be, of data by id."""
    return sum(heard.get(f"odd:{number}") == data for number, (_, data) in enumerate(ODD))
