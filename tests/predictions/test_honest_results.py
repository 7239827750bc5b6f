"""Results are what the server said about this prediction, complete, or an error."""

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest
from test_stream import DONE, event_stream, prediction_response, run_stream, sse_event

from conftest import FakeClock, Harness, ScriptedServer, json_response, prediction, replace_sleep
from replicate_ext import ModelError, StreamError

ID = "x0fmfzfcf5rma0cq65c825tcbm"


@pytest.mark.parametrize("output", [[], {}, "", [None], {"a": None, "b": [""]}])
def test_held_create_with_an_empty_output_is_not_complete(harness: Harness, output: object) -> None:
    harness.server.respond_with(
        json_response(prediction("processing", output=output), 201), json_response(prediction(output=["text"]))
    )
    assert harness.call(harness.client.run("acme/hello")) == ["text"]
    assert harness.server.requested[-1] == f"GET /predictions/{ID}"


def test_held_create_with_an_error_is_not_complete(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(prediction("processing", output=["half"], error="boom"), 201),
        json_response(prediction("failed", error="boom")),
    )
    with pytest.raises(ModelError, match="boom"):
        harness.call(harness.client.run("acme/hello"))


@pytest.mark.parametrize("output", [0, False, [0], {"text": "x"}])
def test_held_create_with_an_output_is_complete(harness: Harness, output: object) -> None:
    harness.server.respond_with(json_response(prediction("processing", output=output), 201))
    assert harness.call(harness.client.run("acme/hello")) == output
    assert len(harness.server.requests) == 1


@pytest.mark.parametrize("verb", ["run", "wait", "stream"])
def test_poll_of_another_prediction_is_fetched_again(harness: Harness, verb: str) -> None:
    other = json_response(prediction(id="another", output="not yours"))
    first = [] if verb == "wait" else [json_response(prediction("starting"), 201)]
    harness.server.respond_with(*first, other, json_response(prediction(output="yours")))
    if verb == "run":
        assert harness.call(harness.client.run("acme/hello", wait=False)) == "yours"
    elif verb == "wait":
        assert harness.call(harness.client.wait(ID)).output == "yours"
    else:
        _, stream, _ = run_stream(harness)
        assert stream.text == "yours"


def test_stream_is_not_resumed_after_an_event_without_an_id(harness: Harness) -> None:
    harness.server.respond_with(
        prediction_response(),
        event_stream(sse_event("a", 0), sse_event("b"), httpx.ReadError("reset")),
        prediction_response("succeeded", output=["a", "b", "c"]),
    )
    events, stream, error = run_stream(harness)
    assert (stream.text, error) == ("abc", None)
    assert sum("streams" in str(request.url) for request in harness.server.requests) == 1
    assert [event.data for event in events if event.event == "output"] == ["a", "b", "c"]


def test_text_that_a_restarted_stream_repeats_under_new_ids_is_an_error(harness: Harness) -> None:
    harness.server.respond_with(
        prediction_response(),
        event_stream(sse_event("a", 0), httpx.ReadError("reset")),
        prediction_response("processing"),
        event_stream(sse_event("a", 5), sse_event("b", 6), DONE),
        prediction_response("succeeded", output=["a", "b"]),
    )
    _, stream, error = run_stream(harness)
    assert isinstance(error, StreamError)
    assert stream.prediction.output == ["a", "b"]


def test_text_that_a_resumed_stream_lost_is_yielded_at_the_end(harness: Harness) -> None:
    harness.server.respond_with(
        prediction_response(),
        event_stream(sse_event("a", 0), httpx.ReadError("reset")),
        prediction_response("processing"),
        event_stream(DONE),
        prediction_response("succeeded", output=["a", "b"]),
    )
    _, stream, error = run_stream(harness)
    assert (stream.text, error) == ("ab", None)


class Heartbeats(httpx.SyncByteStream, httpx.AsyncByteStream):
    """An event stream that stays alive, but never says `done`."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock

    def __iter__(self):
        for _ in range(1000):
            self.clock.time += 15
            yield b": hi\n\n"
        raise AssertionError("the prediction was not polled")

    async def __aiter__(self):
        for chunk in self:
            yield chunk


@pytest.mark.parametrize("verb", ["run", "stream"])
def test_prediction_is_polled_every_minute_while_its_stream_is_alive(harness: Harness, verb: str) -> None:
    heartbeats = lambda request: httpx.Response(200, stream=Heartbeats(harness.clock))  # noqa: E731  # a response
    processing, succeeded = prediction_response("processing"), prediction_response("succeeded", output="x")
    harness.server.respond_with(prediction_response(), heartbeats, processing)
    if verb == "run":
        harness.server.respond_with(heartbeats, succeeded)
        assert harness.call(harness.client.run("acme/poet", wait=False)) == "x"
    else:
        harness.server.respond_with(succeeded)
        _, stream, error = run_stream(harness)
        assert (stream.text, error) == ("x", None)
    assert harness.clock.time - 1000 < 200


def test_abandoned_create_that_is_listed_later_is_found_and_canceled(server: ScriptedServer, clock: FakeClock) -> None:
    lists = 0

    async def respond(request: httpx.Request) -> httpx.Response:
        nonlocal lists
        server.requests.append(request)
        if request.url.path.endswith("/cancel"):
            return json_response(prediction("canceled", id="late"))
        if request.method == "POST":
            await asyncio.Event().wait()
        lists += 1
        job = prediction("starting", id="late", created_at=datetime.now(UTC).isoformat())
        date = format_datetime(datetime.now(UTC), usegmt=True)
        return json_response({"next": None, "results": [job] if lists == 2 else []}, date=date)

    async def main() -> None:
        harness = Harness(server, clock, is_async=True, transport=httpx.MockTransport(respond))
        replace_sleep(harness.client, lambda seconds: asyncio.sleep(0))
        task = asyncio.ensure_future(harness.client.run("acme/hello", {"text": "hi"}))
        while not server.requests:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert server.requested[1:] == ["GET /predictions"] * 2 + ["POST /predictions/late/cancel"]
