"""The SSE decoder, as tables: every stream is decoded whole and split at every byte."""

import random
import re
from itertools import pairwise

import pytest

from replicate_ext._sansio import sse
from replicate_ext._sansio.sse import Event, SSEDecoder

A, B = Event("message", "a"), Event("message", "b")


A7 = A._replace(id="7")
CASES = {
    "outputs and done": (
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
    "mixed line endings": (b"event: output\rdata: a\r\n\ndata: b\n\r\n", [Event("output", "a"), B]),
    "no id": (b"event: output\ndata: a\n\n", [Event("output", "a")]),
    "an id holds for the events after it": (
        b"id: 7\ndata: a\n\ndata: b\n\n",
        [A7, B._replace(id="7")],
    ),
    "an empty id resets it": (
        b"id: 7\ndata: a\n\nid\ndata: b\n\n",
        [A7, B._replace(id="")],
    ),
    "an id with NUL is ignored": (b"id: 7\0\ndata: a\n\n", [A]),
    "comments": (b":\n: keep-alive\n\n:408: 408 Request Timeout\n\ndata: a\n\n", [A]),
    "one leading space is removed": (b"data:  a\ndata:b\ndata: \n\n", [Event("message", " a\nb\n")]),
    "empty data": (b"event: output\ndata:\n\n", [Event("output", "")]),
    "data without colon": (b"data\ndata\n\n", [Event("message", "\n")]),
    "other Unicode line separators are text": (
        "data: a\u2028b\u2029c\x0bd\x0ce\x85f\n\n".encode(),
        [Event("message", "a\u2028b\u2029c\x0bd\x0ce\x85f")],
    ),
    "multi-byte characters": ("data: é€😀\n\n".encode(), [Event("message", "é€😀")]),
    "invalid UTF-8 is replaced": (b"data: a\xffb\n\n", [Event("message", "a\ufffdb")]),
    "a byte order mark at the beginning": ("\ufeffdata: a\n\n".encode(), [A]),
    "a byte order mark elsewhere is text": ("data: a\n\n\ufeffdata: b\n\n".encode(), [A]),
    "retry": (
        b"retry: 3000\ndata: a\n\nretry: soon\ndata: b\n\n",
        [A._replace(retry=3000), B],
    ),
    "unknown fields and events": (b"foo: bar\nevent: confetti\ndata: a\n\n", [Event("confetti", "a")]),
    "done without data": (b"event: done\n\n", [Event("done", "")]),
    "an event without a blank line is incomplete": (b"data: a\n\ndata: b\n", [A]),
    "colons in values": (b"data: a: b: c\n\n", [Event("message", "a: b: c")]),
}


def decode(*chunks: bytes) -> list[Event]:
    decoder = SSEDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


@pytest.mark.parametrize("name", CASES)
def test_decode_at_any_chunk_boundary(name: str) -> None:
    stream, events = CASES[name]
    assert decode(stream) == events
    assert decode(*(bytes([byte]) for byte in stream)) == events
    for index in range(len(stream)):
        assert decode(stream[:index], stream[index:]) == events


def test_only_output_events_have_text() -> None:
    events = [Event("output", "Hello"), Event("logs", "loading"), Event("output", "!"), Event("done", "{}")]
    assert "".join(map(str, events)) == "Hello!"


def test_last_event_id_for_reconnect() -> None:
    decoder = SSEDecoder()
    assert decoder.last_event_id is None
    list(decoder.feed(b"id: 1:0\ndata: a\n\nid: 1:1\nda"))
    assert decoder.last_event_id == "1:0"
    decoder.reset()
    assert list(decoder.feed(b"data: b\n\n")) == [B]
    assert decoder.last_event_id == "1:0"


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


def test_fast_path_agrees_with_the_full_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(7)
    for _ in range(2000):
        stream = b"".join(rng.choices(PIECES, k=rng.randint(1, 12)))
        splits = [0, *sorted(rng.choices(range(len(stream) + 1), k=rng.randint(0, 6))), len(stream)]
        chunks = [stream[start:stop] for start, stop in pairwise(splits)]
        with monkeypatch.context() as patch:
            patch.setattr(sse, "_COMMON_EVENT", re.compile("(?!)"))  # disables the fast path
            patch.setattr(sse, "MAX_REPARSED_SIZE", -1)
            expected = decode(*chunks)
        monkeypatch.setattr(sse, "MAX_REPARSED_SIZE", rng.choice([20, 64 * 1024]))
        assert decode(*chunks) == expected, chunks
