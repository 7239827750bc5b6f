"""Eighteen unusual but valid server-sent events: the lines that the server sends, and the data that they contain.

The events with CRLF or CR line ends come last. A client that cannot handle a change of line ends, such as the
JavaScript one, joins all later events into one, which would hide how it decodes the others.

See https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream.
"""

from __future__ import annotations

LONG_LINE = "a line that is longer than any buffer, " * 300

EDGE_CASES: list[tuple[str, str]] = [
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
    (f"data: {LONG_LINE}\n", LONG_LINE),
    ("unknown: field\nretry: 1000\ndata: among others\n", "among others"),
    ("data: of\r\ndata: Windows\r\n", "of\nWindows"),
    ("data: of\rdata: old Macs\r", "of\nold Macs"),
]


def encode() -> bytes:
    """Return the events as they are sent. The id of each contains its number."""
    events = []
    for number, (lines, _) in enumerate(EDGE_CASES):
        end = "\r\n" if "\r\n" in lines else "\r" if "\r" in lines else "\n"
        events.append(f"event: output{end}id: case:{number}{end}{lines}{end}")
    return "".join(events).encode()


def count_correct(data_by_id: dict[str, str]) -> int:
    """Return how many events were decoded correctly."""
    return sum(data_by_id.get(f"case:{number}") == data for number, (_, data) in enumerate(EDGE_CASES))
