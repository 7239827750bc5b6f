"""`stream`: events, reconnects, fallback to polling, errors."""

import asyncio
import gc
from typing import Any

import httpx
import pytest

from conftest import ByteStream, Harness, json_response, prediction
from replicate_ext import ModelError, PredictionCanceledError, StreamError

STREAM_URL = "https://stream.replicate.com/v1/streams/abc"
FILE_STREAM_URL = "https://stream.replicate.com/v1/files/abc"


def prediction_response(status: str = "starting", url: str | None = STREAM_URL, **fields):
    job = prediction(status, **fields)
    return json_response(job | {"urls": job["urls"] | ({"stream": url} if url else {})}, 201)


def sse_event(data: str, number: int | None = None, name: str = "output") -> bytes:
    lines = [f"event: {name}", *([f"id: 1:{number}"] if number is not None else [])]
    return "\n".join([*lines, *(f"data: {line}" for line in data.split("\n")), "", ""]).encode()


DONE = sse_event("{}", 99, "done")


def event_stream(*pieces: bytes | Exception):
    return lambda request: httpx.Response(
        200, headers={"content-type": "text/event-stream"}, stream=ByteStream(*pieces)
    )


def run_stream(harness: Harness, **options) -> tuple[list, Any, Exception | None]:
    """Return the events of a stream, the stream itself, and the exception that it raised, if any."""
    stream = harness.client.stream("acme/poet", {"prompt": "sea"}, **options)
    events: list = []
    try:
        harness.for_each(stream, events.append)
    except Exception as error:
        return events, stream, error
    return events, stream, None


def test_events_in_order_and_final_prediction(harness: Harness) -> None:
    harness.server.respond_with(
        prediction_response(),
        event_stream(
            b": hi\n\n", sse_event("Once ", 0) + sse_event("upon\na", 1), sse_event("loading", 2, "logs"), DONE
        ),
        prediction_response("succeeded", output=["Once ", "upon\na"]),
    )
    events, stream, _ = run_stream(harness)
    assert [event.event for event in events] == ["output", "output", "logs", "done"]
    assert "".join(map(str, events)) == stream.text == "Once upon\na"
    assert stream.prediction.status == "succeeded"
    assert harness.server.requested == [
        "POST /models/acme/poet/predictions",
        "GET /streams/abc",
        "GET /predictions/x0fmfzfcf5rma0cq65c825tcbm",
    ]


def test_stream_request_has_no_token_and_no_hold(harness: Harness) -> None:
    harness.server.respond_with(prediction_response(), event_stream(DONE), prediction_response("succeeded"))
    run_stream(harness)
    create, stream, _ = harness.server.requests
    assert "Prefer" not in create.headers
    assert "Authorization" not in stream.headers
    assert stream.headers["Accept"] == "text/event-stream"
    assert "Last-Event-ID" not in stream.headers


@pytest.mark.parametrize("resumes", [True, False])
@pytest.mark.parametrize(
    "ending", [[], [httpx.ReadError("reset")], [b":408: 408 Request Timeout\n\n"], [b"event: out"]]
)
def test_reconnect_resumes_without_lost_or_duplicate_events(harness: Harness, resumes: bool, ending: list) -> None:
    replay = [sse_event("b", 1), sse_event("c", 2), DONE]
    harness.server.respond_with(
        prediction_response(),
        event_stream(sse_event("a", 0), sse_event("b", 1), *ending),
        prediction_response("processing", output=["a", "b"]),
        event_stream(*replay[1:]) if resumes else event_stream(sse_event("a", 0), *replay),
        prediction_response("succeeded", output=["a", "b", "c"]),
    )
    events, stream, _ = run_stream(harness)
    assert stream.text == "abc"
    assert [event.event for event in events] == ["output"] * 3 + ["done"]
    assert harness.server.requests[3].headers["Last-Event-ID"] == "1:1"


def test_stream_without_done_event_is_completed_from_the_prediction(harness: Harness) -> None:
    harness.server.respond_with(
        prediction_response(), event_stream(sse_event("a", 0)), prediction_response("succeeded", output=["a", "b", "c"])
    )
    events, stream, _ = run_stream(harness)
    assert [str(event) for event in events] == ["a", "b", "c"]
    assert stream.prediction.status == "succeeded"


def test_stream_without_event_ids_is_completed_by_polling(harness: Harness) -> None:
    harness.server.respond_with(
        prediction_response(),
        event_stream(sse_event("a"), httpx.ReadError("reset")),
        prediction_response("processing", output=["a"]),
        prediction_response("processing", output=["a", "b"]),
        prediction_response("succeeded", output=["a", "b", "c"]),
    )
    events, _, _ = run_stream(harness)
    assert [str(event) for event in events] == ["a", "b", "c"]
    assert harness.server.requested.count("GET /streams/abc") == 1


def test_differently_split_text_is_continued_by_characters(harness: Harness) -> None:
    harness.server.respond_with(
        prediction_response(),
        event_stream(sse_event("He", 0), sse_event("llo", 1)),
        prediction_response("succeeded", output=["Hello", " u"]),
    )
    events, _, _ = run_stream(harness)
    assert [str(event) for event in events] == ["He", "llo", " u"]


@pytest.mark.parametrize(
    ("data", "output"),
    [
        ("data:image/png;base64,aGk=", ["https://replicate.delivery/x/out.png"]),
        ('{"a":1}', [{"a": 1}]),
        ("whatever", ["something", "else"]),
    ],
)
def test_done_event_is_trusted_even_if_the_output_differs(harness: Harness, data: str, output: list) -> None:
    harness.server.respond_with(
        prediction_response(), event_stream(sse_event(data, 0), DONE), prediction_response("succeeded", output=output)
    )
    events, _, error = run_stream(harness)
    assert error is None
    assert [event.event for event in events] == ["output", "done"]


def test_items_that_are_not_strings_are_compared_as_json(harness: Harness) -> None:
    harness.server.respond_with(
        prediction_response(),
        event_stream(sse_event('{"a":1}')),
        prediction_response("succeeded", output=[{"a": 1}, {"a": 2}]),
    )
    events, _, error = run_stream(harness)
    assert error is None
    assert [event.data for event in events] == ['{"a":1}', '{"a": 2}']


def test_stream_can_be_iterated_only_once(harness: Harness) -> None:
    harness.server.respond_with(prediction_response(), event_stream(DONE), prediction_response("succeeded"))
    stream = harness.client.stream("acme/poet")
    harness.collect(stream)
    with pytest.raises(RuntimeError, match="iterated only once"):
        harness.collect(stream)
    assert sum(request.startswith("POST") for request in harness.server.requested) == 1


def test_lost_events_raise_stream_error(harness: Harness) -> None:
    harness.server.respond_with(
        prediction_response(), event_stream(sse_event("x", 0)), prediction_response("succeeded", output=["a", "b"])
    )
    events, _, error = run_stream(harness)
    assert isinstance(error, StreamError)
    assert error.prediction.status == "succeeded"
    assert [str(event) for event in events] == ["x"]


@pytest.mark.parametrize(
    "response", [httpx.Response(404), httpx.Response(410, text="gone"), httpx.Response(200, text="<p>")]
)
def test_unavailable_stream_falls_back_to_polling(harness: Harness, response: httpx.Response) -> None:
    harness.server.respond_with(prediction_response(), response, *[prediction_response("processing", output=["a"])] * 2)
    harness.server.respond_with(prediction_response("succeeded", output=["a", "b"]))
    if response.status_code == 200:
        harness.server.responses[2:] = [prediction_response("succeeded", output=["a", "b"])]
    events, _, _ = run_stream(harness)
    assert [str(event) for event in events] == ["a", "b"]


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
def test_model_without_stream_is_polled_for_new_items(harness: Harness, outputs: list, items: list) -> None:
    first, last = outputs
    harness.server.respond_with(
        prediction_response(url=None),
        prediction_response("processing", url=None, output=first),
        prediction_response("succeeded", url=None, output=last),
    )
    events, _, error = run_stream(harness)
    assert [str(event) for event in events] == items
    assert error is None


def test_fruitless_reconnects_fall_back_to_polling(harness: Harness) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/streams/abc":
            return event_stream(b": hi\n\n")(request)
        if harness.server.requested.count("GET /streams/abc") < 5:
            return prediction_response("processing")
        return prediction_response("succeeded", output=["late"])

    harness.server.respond_with(prediction_response(), respond)
    events, _, _ = run_stream(harness)
    assert [str(event) for event in events] == ["late"]


@pytest.mark.parametrize(("status", "error_class"), [("failed", ModelError), ("canceled", PredictionCanceledError)])
def test_failed_or_canceled_prediction_raises_after_its_events(
    harness: Harness, status: str, error_class: type
) -> None:
    harness.server.respond_with(
        prediction_response(),
        event_stream(
            sse_event("partial", 0),
            sse_event('{"detail": "out of memory"}', 1, "error"),
            sse_event('{"reason": "error"}', 2, "done"),
        ),
        prediction_response(status, output=None, error="out of memory"),
    )
    events, stream, error = run_stream(harness)
    assert type(error) is error_class
    assert stream.text == "partial"
    assert [event.event for event in events] == ["output", "error", "done"]
    assert "out of memory" in str(error)


def test_unknown_event_names_pass_through(harness: Harness) -> None:
    harness.server.respond_with(
        prediction_response(),
        event_stream(sse_event("x", 0, "confetti"), b"data: y\n\n", DONE),
        prediction_response("succeeded"),
    )
    events, _, _ = run_stream(harness)
    assert [(event.event, event.data) for event in events[:2]] == [("confetti", "x"), ("message", "y")]


def test_stream_of_a_file_model_yields_file_outputs(harness: Harness) -> None:
    url = "https://replicate.delivery/a/out.png"
    harness.server.respond_with(
        prediction_response(url=FILE_STREAM_URL),
        event_stream(sse_event(url, 0), DONE),
        prediction_response("succeeded", url=FILE_STREAM_URL, output=[url]),
    )
    events, _, _ = run_stream(harness)
    assert hasattr(events[0].data, "save")
    assert events[0].data == url


@pytest.mark.parametrize("cancel", [True, False])
def test_leaving_early_closes_the_stream_and_cancels_on_exit(harness: Harness, cancel: bool) -> None:
    body = ByteStream(sse_event("a", 0), sse_event("b", 1), DONE)
    harness.server.respond_with(
        prediction_response(),
        lambda request: httpx.Response(200, stream=body),
        prediction_response("canceled"),
        prediction_response("canceled"),
    )
    stream = harness.client.stream("acme/poet", {}, cancel_on_exit=cancel)
    if not harness.is_async:
        for event in stream:
            assert str(event) == "a"
            break
        gc.collect()
    else:

        async def close_early() -> None:
            events = aiter(stream)
            assert str(await anext(events)) == "a"
            await events.aclose()

        asyncio.run(close_early())
    assert body.is_closed
    cancels = [request for request in harness.server.requested if request.endswith("/cancel")]
    assert cancels == (["POST /predictions/x0fmfzfcf5rma0cq65c825tcbm/cancel"] if cancel else [])


def test_invalid_arguments_of_stream_are_rejected_at_the_call(harness: Harness) -> None:
    with pytest.raises(ValueError, match="model reference"):
        harness.client.stream("poet")
    with pytest.raises(TypeError, match="input"):
        harness.client.stream("acme/poet", ["x"])
