"""Waiting by listening: the event stream of a prediction reports its end."""

from collections.abc import Callable

import httpx
import pytest

from conftest import ByteStream, Harness, delayed, json_response, prediction
from replicate_ext import WaitTimeoutError


def streaming_prediction(status: str = "starting", **fields):
    job = prediction(status, **fields)
    return job | {"urls": job["urls"] | {"stream": "https://stream.replicate.com/v1/streams/abc"}}


DONE = b"event: output\nid: 1:0\ndata: x\n\nevent: done\nid: 1:1\ndata: {}\n\n"


def test_done_event_ends_the_wait_without_polling(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(streaming_prediction(), 201),
        httpx.Response(200, content=DONE),
        json_response(streaming_prediction(output=["x"], status="succeeded")),
    )
    assert harness.call(harness.client.run("acme/poet", wait=False)) == ["x"]
    assert harness.server.requested[1:] == ["GET /streams/abc", "GET /predictions/x0fmfzfcf5rma0cq65c825tcbm"]
    assert harness.clock.sleeps == []
    assert "authorization" not in harness.server.requests[1].headers


def test_unfinished_prediction_after_the_done_event_is_polled(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(streaming_prediction(), 201),
        httpx.Response(200, content=DONE),
        json_response(streaming_prediction("processing")),
    )
    harness.server.respond_with(json_response(streaming_prediction("succeeded", output=["x"])))
    assert harness.call(harness.client.run("acme/poet", wait=False)) == ["x"]
    assert harness.clock.sleeps == [0.1]


@pytest.mark.parametrize(
    "response", [httpx.Response(404), httpx.ConnectError("no"), httpx.Response(200, content=b": hi\n\n")]
)
def test_stream_without_done_event_is_not_reopened(harness: Harness, response) -> None:
    harness.server.respond_with(
        json_response(streaming_prediction(), 201), response, json_response(streaming_prediction("processing"))
    )
    harness.server.respond_with(json_response(streaming_prediction("succeeded", output=["x"])))
    assert harness.call(harness.client.run("acme/poet", wait=False)) == ["x"]
    assert harness.server.requested.count("GET /streams/abc") == 1


def test_reconnect_after_an_idle_timeout(harness: Harness) -> None:
    idle_stream = delayed(harness.clock, 30, httpx.Response(200, content=b": hi\n\n:408: 408 Request Timeout\n\n"))
    harness.server.respond_with(
        json_response(streaming_prediction(), 201),
        idle_stream,
        json_response(streaming_prediction("starting")),
        idle_stream,
    )
    harness.server.respond_with(json_response(streaming_prediction("starting")), httpx.Response(200, content=DONE))
    harness.server.respond_with(json_response(streaming_prediction("succeeded", output=["x"])))
    assert harness.call(harness.client.run("acme/poet", wait=False)) == ["x"]
    assert harness.server.requested.count("GET /streams/abc") == 3
    assert harness.clock.sleeps == []


def test_timeout_while_listening(harness: Harness) -> None:
    idle_stream = delayed(harness.clock, 10, httpx.Response(200, content=b": hi\n\n"))
    harness.server.respond_with(
        json_response(streaming_prediction(), 201),
        *[idle_stream, json_response(streaming_prediction("processing"))] * 3,
    )
    with pytest.raises(WaitTimeoutError):
        harness.call(harness.client.run("acme/poet", wait=False, timeout=25))
    assert harness.clock.time - 1000 == 30
    read_timeouts = [
        request.extensions["timeout"]["read"] for request in harness.server.requests if "streams" in str(request.url)
    ]
    assert read_timeouts == [25, 15, 5]


def test_progress_polls_instead_of_listening(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(streaming_prediction(), 201),
        json_response(streaming_prediction("processing")),
        json_response(streaming_prediction("succeeded")),
    )
    statuses: list[str] = []
    harness.call(harness.client.run("acme/poet", wait=False, progress=lambda job: statuses.append(job.status)))
    assert statuses == ["starting", "processing", "succeeded"]


def test_at_most_one_open_request_per_prediction(make_harness: Callable[..., Harness]) -> None:
    open_bodies: list[httpx.SyncByteStream] = []
    counts: list[int] = []

    class CountedStream(ByteStream):
        def __init__(self, *pieces: bytes) -> None:
            super().__init__(*pieces)
            open_bodies.append(self)
            counts.append(len(open_bodies))

        def close(self) -> None:
            open_bodies.remove(self)

        async def aclose(self) -> None:
            self.close()

    bodies = [
        json_response(streaming_prediction(), 201).content,
        DONE + b"event: more",
        json_response(streaming_prediction("succeeded")).content,
    ]
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=CountedStream(bodies.pop(0))))
    harness = make_harness(transport=transport)
    harness.call(harness.client.run("acme/poet", wait=False))
    assert counts == [1, 1, 1]
    assert open_bodies == []
