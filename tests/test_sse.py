"""The decoder, as tables: every document is fed whole and split at every byte."""

import random
import re
from itertools import pairwise

import pytest

from replicate_ext._sansio import sse
from replicate_ext._sansio.sse import Decoder, Event

A, B = Event("message", "a"), Event("message", "b")
A7 = A._replace(id="7")
FRIENDS = "a\u2028b\u2029c\x0bd\x0ce\x85f"

CASES = {
    "two outputs and an end": (
        b": hi\n\nevent: output\nid: 1:0\ndata: Once upon\n\nevent: output\nid: 1:1\ndata:  a time\ndata: there\n\n"
        b"event: done\nid: 2:0\ndata: {}\n\n",
        [
            Event("output", "Once upon", "1:0"),
            Event("output", " a time\nthere", "1:1"),
            Event("done", "{}", "2:0"),
        ],
    ),
    "CRLF": (b"event: output\r\ndata: a\r\ndata: b\r\n\r\n", [Event("output", "a\nb")]),
    "CR": (b"event: output\rdata: a\rdata: b\r\r", [Event("output", "a\nb")]),
    "mixed line ends": (b"event: output\rdata: a\r\n\ndata: b\n\r\n", [Event("output", "a"), B]),
    "no id at all": (b"event: output\ndata: a\n\n", [Event("output", "a")]),
    "an id stays for the events after it": (
        b"id: 7\ndata: a\n\ndata: b\n\n",
        [A7, B._replace(id="7")],
    ),
    "an empty id takes it back": (
        b"id: 7\ndata: a\n\nid\ndata: b\n\n",
        [A7, B._replace(id="")],
    ),
    "an id with NUL is none": (b"id: 7\0\ndata: a\n\n", [A]),
    "comments": (b":\n: keep-alive\n\n:408: 408 Request Timeout\n\ndata: a\n\n", [A]),
    "one space is taken away, not two": (b"data:  a\ndata:b\ndata: \n\n", [Event("message", " a\nb\n")]),
    "empty data": (b"event: output\ndata:\n\n", [Event("output", "")]),
    "data without colon": (b"data\ndata\n\n", [Event("message", "\n")]),
    "U+2028 and friends are text": (
        "data: a\u2028b\u2029c\x0bd\x0ce\x85f\n\n".encode(),
        [Event("message", "a\u2028b\u2029c\x0bd\x0ce\x85f")],
    ),
    "characters of several bytes": ("data: é€😀\n\n".encode(), [Event("message", "é€😀")]),
    "broken UTF-8 is replaced": (b"data: a\xffb\n\n", [Event("message", "a\ufffdb")]),
    "a byte order mark at the beginning": ("\ufeffdata: a\n\n".encode(), [A]),
    "a byte order mark elsewhere is text": ("data: a\n\n\ufeffdata: b\n\n".encode(), [A]),
    "retry": (
        b"retry: 3000\ndata: a\n\nretry: soon\ndata: b\n\n",
        [A._replace(retry=3000), B],
    ),
    "unknown fields and events": (b"foo: bar\nevent: confetti\ndata: a\n\n", [Event("confetti", "a")]),
    "done without data": (b"event: done\n\n", [Event("done", "")]),
    "an event without its blank line is none": (b"data: a\n\ndata: b\n", [A]),
    "colons in values": (b"data: a: b: c\n\n", [Event("message", "a: b: c")]),
}


def decode(*chunks: bytes) -> list[Event]:
    decoder = Decoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


@pytest.mark.parametrize("name", CASES)
def test_every_document_is_decoded_however_it_is_cut(name: str) -> None:
    document, events = CASES[name]
    assert decode(document) == events
    assert decode(*(bytes([byte]) for byte in document)) == events
    for cut in range(len(document)):
        assert decode(document[:cut], document[cut:]) == events


def test_only_outputs_are_text() -> None:
    events = [Event("output", "Hello"), Event("logs", "loading"), Event("output", "!"), Event("done", "{}")]
    assert "".join(map(str, events)) == "Hello!"


def test_the_decoder_knows_where_to_resume() -> None:
    decoder = Decoder()
    assert decoder.last_id is None
    list(decoder.feed(b"id: 1:0\ndata: a\n\nid: 1:1\nda"))
    assert decoder.last_id == "1:0"
    decoder.restart()
    assert list(decoder.feed(b"data: b\n\n")) == [B]
    assert decoder.last_id == "1:0"


PIECES = [
    b"event: output\nid: 1:1\ndata: a\n\n",
    "event: output\nid: 1:2\ndata: \u2028é€😀\n\n".encode(),
    b"event: done\nid: 2:0\ndata: {}\n\n",
    b"event: output\nid: \ndata: \n\n",
    b"event: output\nid: 1:3\ndata: " + b"x" * 300 + b"\n\n",
    b"event: output\ndata: a\ndata: b\nid: 4\n\n",
    b"event: output\r\nid: 1:5\r\ndata: a\r\n\r\n",
    b"event: output\rid: 1:6\rdata: a\r\r",
    b"event: output\nid: 1:7\ndata: a\xff\n\n",
    b"event: output\nid: 1\x007\ndata: a\n\n",
    b"retry: 10\n",
    b": comment\n\n",
    b"\n",
    b"data: a\n\n",
]


def test_the_short_cut_for_usual_events_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(7)
    for _ in range(2000):
        document = b"".join(dice.choices(PIECES, k=dice.randint(1, 12)))
        cuts = [0, *sorted(dice.choices(range(len(document) + 1), k=dice.randint(0, 6))), len(document)]
        chunks = [document[start:stop] for start, stop in pairwise(cuts)]
        with monkeypatch.context() as patch:
            patch.setattr(sse, "_USUAL", re.compile("(?!)"))
            patch.setattr(sse, "HELD", -1)
            slowly = decode(*chunks)
        monkeypatch.setattr(sse, "HELD", dice.choice([20, 64 * 1024]))
        assert decode(*chunks) == slowly, chunks
