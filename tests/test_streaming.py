"""Streams: promise 7, on both clients."""

import asyncio
import gc

import httpx
import pytest

from conftest import Harness, prediction, replied
from replicate_ext import ModelError, PredictionCanceled, StreamError

URL = "https://stream.replicate.com/v1/streams/abc"
FILES_URL = "https://stream.replicate.com/v1/files/abc"


def streaming(status: str = "starting", url: str | None = URL, **fields):
    job = prediction(status, **fields)
    return replied(job | {"urls": job["urls"] | ({"stream": url} if url else {})}, 201)


def event(data: str, number: int | None = None, name: str = "output") -> bytes:
    lines = [f"event: {name}", *([f"id: 1:{number}"] if number is not None else [])]
    return "\n".join([*lines, *(f"data: {line}" for line in data.split("\n")), "", ""]).encode()


DONE = event("{}", 99, "done")


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces, and may break off with an exception."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces
        self.closed = False

    def __iter__(self):
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self):
        for piece in self:
            yield piece

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


def sse(*pieces: bytes | Exception):
    return lambda request: httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Body(*pieces))


def run(both: Harness, **options) -> tuple[list, object]:
    """Return the events of a stream, and the stream; what it raised is its `error`."""
    stream = both.client.stream("acme/poet", {"prompt": "sea"}, **options)
    events: list = []

    async def consume() -> None:
        async for one in stream:
            events.append(one)

    stream.error = None
    try:
        if both.kind == "sync":
            events.extend(_remember(stream, events))
        else:
            asyncio.run(consume())
    except Exception as error:
        stream.error = error
    return events, stream


def _remember(stream, events: list):
    for one in stream:
        events.append(one)
    return []


def test_events_come_in_order_and_end_with_the_prediction(both: Harness) -> None:
    both.server.will(
        streaming(),
        sse(b": hi\n\n", event("Once ", 0) + event("upon\na", 1), event("loading", 2, "logs"), DONE),
        streaming("succeeded", output=["Once ", "upon\na"]),
    )
    events, stream = run(both)
    assert [one.event for one in events] == ["output", "output", "logs", "done"]
    assert "".join(map(str, events)) == stream.text == "Once upon\na"
    assert stream.prediction.status == "succeeded"
    assert both.server.asked == [
        "POST /models/acme/poet/predictions",
        "GET /streams/abc",
        "GET /predictions/x0fmfzfcf5rma0cq65c825tcbm",
    ]


def test_the_stream_is_opened_without_the_token_and_without_a_hold(both: Harness) -> None:
    both.server.will(streaming(), sse(DONE), streaming("succeeded"))
    run(both)
    create, stream, _ = both.server.requests
    assert "Prefer" not in create.headers
    assert "Authorization" not in stream.headers
    assert stream.headers["Accept"] == "text/event-stream"
    assert "Last-Event-ID" not in stream.headers


@pytest.mark.parametrize("resumes", [True, False])
@pytest.mark.parametrize(
    "ending", [[], [httpx.ReadError("reset")], [b":408: 408 Request Timeout\n\n"], [b"event: out"]]
)
def test_a_stream_that_breaks_off_is_taken_up_again_without_loss_or_double(both, resumes: bool, ending: list) -> None:
    replay = [event("b", 1), event("c", 2), DONE]
    both.server.will(
        streaming(),
        sse(event("a", 0), event("b", 1), *ending),
        streaming("processing", output=["a", "b"]),
        sse(*replay[1:]) if resumes else sse(event("a", 0), *replay),
        streaming("succeeded", output=["a", "b", "c"]),
    )
    events, stream = run(both)
    assert stream.text == "abc"
    assert [one.event for one in events] == ["output"] * 3 + ["done"]
    assert both.server.requests[3].headers["Last-Event-ID"] == "1:1"


def test_a_stream_that_ends_without_done_is_completed_from_the_prediction(both: Harness) -> None:
    both.server.will(streaming(), sse(event("a", 0)), streaming("succeeded", output=["a", "b", "c"]))
    events, stream = run(both)
    assert [str(one) for one in events] == ["a", "b", "c"]
    assert stream.prediction.status == "succeeded"


def test_without_ids_the_rest_comes_from_the_prediction_and_nothing_twice(both: Harness) -> None:
    both.server.will(
        streaming(),
        sse(event("a"), httpx.ReadError("reset")),
        streaming("processing", output=["a"]),
        streaming("processing", output=["a", "b"]),
        streaming("succeeded", output=["a", "b", "c"]),
    )
    events, _ = run(both)
    assert [str(one) for one in events] == ["a", "b", "c"]
    assert both.server.asked.count("GET /streams/abc") == 1


def test_a_text_cut_in_other_places_is_continued_by_its_characters(both: Harness) -> None:
    both.server.will(streaming(), sse(event("He", 0), event("llo", 1)), streaming("succeeded", output=["Hello", " u"]))
    events, _ = run(both)
    assert [str(one) for one in events] == ["He", "llo", " u"]


@pytest.mark.parametrize(
    ("said", "output"),
    [
        ("data:image/png;base64,aGk=", ["https://replicate.delivery/x/out.png"]),
        ('{"a":1}', [{"a": 1}]),
        ("whatever", ["something", "else"]),
    ],
)
def test_what_done_says_is_whole_is_not_doubted(both: Harness, said: str, output: list) -> None:
    both.server.will(streaming(), sse(event(said, 0), DONE), streaming("succeeded", output=output))
    events, stream = run(both)
    assert stream.error is None
    assert [one.event for one in events] == ["output", "done"]


def test_items_that_are_no_strings_are_compared_as_json(both: Harness) -> None:
    both.server.will(streaming(), sse(event('{"a":1}')), streaming("succeeded", output=[{"a": 1}, {"a": 2}]))
    events, stream = run(both)
    assert stream.error is None
    assert [one.data for one in events] == ['{"a":1}', '{"a": 2}']


def test_a_stream_is_iterated_once(both: Harness) -> None:
    both.server.will(streaming(), sse(DONE), streaming("succeeded"))
    stream = both.client.stream("acme/poet")
    both.collect(stream)
    with pytest.raises(RuntimeError, match="iterated once"):
        both.collect(stream)
    assert sum(asked.startswith("POST") for asked in both.server.asked) == 1


def test_lost_events_are_told(both: Harness) -> None:
    both.server.will(streaming(), sse(event("x", 0)), streaming("succeeded", output=["a", "b"]))
    events, stream = run(both)
    assert isinstance(stream.error, StreamError)
    assert stream.error.prediction.status == "succeeded"
    assert [str(one) for one in events] == ["x"]


@pytest.mark.parametrize(
    "answer", [httpx.Response(404), httpx.Response(410, text="gone"), httpx.Response(200, text="<p>")]
)
def test_a_stream_that_is_not_there_is_polled_for(both: Harness, answer: httpx.Response) -> None:
    both.server.will(streaming(), answer, *[streaming("processing", output=["a"])] * 2)
    both.server.will(streaming("succeeded", output=["a", "b"]))
    if answer.status_code == 200:
        both.server.answers[2:] = [streaming("succeeded", output=["a", "b"])]
    events, _ = run(both)
    assert [str(one) for one in events] == ["a", "b"]


@pytest.mark.parametrize(
    ("outputs", "items"),
    [
        ([["a"], ["a", "b"]], ["a", "b"]),
        ([None, "whole text"], ["whole text"]),
        (["He", "Hello"], ["He", "llo"]),
        ([None, {"n": 1}], ['{"n": 1}']),
        ([[1], [1, {"x": 2}]], ["1", '{"x": 2}']),
        ([None, None], []),
    ],
)
def test_a_model_that_cannot_stream_is_polled_for_new_items(both: Harness, outputs: list, items: list) -> None:
    first, last = outputs
    both.server.will(
        streaming(url=None),
        streaming("processing", url=None, output=first),
        streaming("succeeded", url=None, output=last),
    )
    events, stream = run(both)
    assert [str(one) for one in events] == items
    assert stream.error is None


@pytest.mark.parametrize(("status", "error"), [("failed", ModelError), ("canceled", PredictionCanceled)])
def test_a_bad_end_raises_after_the_events_with_the_text_so_far(both: Harness, status: str, error: type) -> None:
    both.server.will(
        streaming(),
        sse(
            event("partial", 0),
            event('{"detail": "out of memory"}', 1, "error"),
            event('{"reason": "error"}', 2, "done"),
        ),
        streaming(status, output=None, error="out of memory"),
    )
    events, stream = run(both)
    assert type(stream.error) is error
    assert stream.text == "partial"
    assert [one.event for one in events] == ["output", "error", "done"]
    assert "out of memory" in str(stream.error)


def test_events_with_names_unknown_to_us_pass_through(both: Harness) -> None:
    both.server.will(streaming(), sse(event("x", 0, "confetti"), b"data: y\n\n", DONE), streaming("succeeded"))
    events, _ = run(both)
    assert [(one.event, one.data) for one in events[:2]] == [("confetti", "x"), ("message", "y")]


def test_the_stream_of_a_file_model_yields_files(both: Harness) -> None:
    picture = "https://replicate.delivery/a/out.png"
    both.server.will(
        streaming(url=FILES_URL), sse(event(picture, 0), DONE), streaming("succeeded", url=FILES_URL, output=[picture])
    )
    events, _ = run(both)
    assert hasattr(events[0].data, "save")
    assert events[0].data == picture


def test_a_stream_that_keeps_breaking_off_is_polled_in_the_end(both: Harness) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/streams/abc":
            return sse(b": hi\n\n")(request)
        if both.server.asked.count("GET /streams/abc") < 5:
            return streaming("processing")
        return streaming("succeeded", output=["late"])

    both.server.will(streaming(), respond)
    events, _ = run(both)
    assert [str(one) for one in events] == ["late"]


@pytest.mark.parametrize("cancel", [True, False])
def test_leaving_early_closes_the_connection_and_cancels_where_wanted(both: Harness, cancel: bool) -> None:
    body = Body(event("a", 0), event("b", 1), DONE)
    both.server.will(
        streaming(), lambda request: httpx.Response(200, stream=body), streaming("canceled"), streaming("canceled")
    )
    stream = both.client.stream("acme/poet", {}, cancel_on_exit=cancel)
    if both.kind == "sync":
        for one in stream:
            assert str(one) == "a"
            break
        gc.collect()
    else:

        async def leave() -> None:
            events = aiter(stream)
            assert str(await anext(events)) == "a"
            await events.aclose()

        asyncio.run(leave())
    assert body.closed
    cancels = [asked for asked in both.server.asked if asked.endswith("/cancel")]
    assert cancels == (["POST /predictions/x0fmfzfcf5rma0cq65c825tcbm/cancel"] if cancel else [])


def test_wrong_arguments_are_told_at_the_call(both: Harness) -> None:
    with pytest.raises(ValueError, match="model reference"):
        both.client.stream("poet")
    with pytest.raises(TypeError, match="input"):
        both.client.stream("acme/poet", ["x"])
