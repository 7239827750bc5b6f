"""Operations that respond with server-sent events: retries, interruptions, and what is released when."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from conftest import ByteStream, Harness
from replicate_api.types import Request
from replicate_ext import Event
from replicate_ext._backends.sync import iterate_sync
from replicate_ext._event_stream import iterate_events
from replicate_ext.errors import APIConnectionError, NotFoundError, ResponseDecodeError

EVENTS = (b"event: tick\nid: 1\nda", b"ta: a\n\n: comment\n\ndata: b\n", b"\ndata: incomplete")
A, B = Event("tick", "a", "1"), Event("message", "b", "1")


def watch(harness: Harness) -> Any:
    """Return what the method of an operation with events returns on a client."""
    request = Request("GET", "/events", headers={"Accept": "text/event-stream"})
    events = iterate_events(harness.client._session, request)
    return events if harness.is_async else iterate_sync(events)


def stream(*pieces: bytes | Exception, media_type: str = "text/event-stream", status: int = 200) -> httpx.Response:
    return httpx.Response(status, headers={"content-type": media_type}, stream=ByteStream(*pieces))


def respond(harness: Harness, *responses: httpx.Response) -> None:
    # As functions of the request, since the server would read the content of a response.
    harness.server.respond_with(*(lambda request, response=response: response for response in responses))


def test_events_are_yielded_as_they_arrive(harness: Harness) -> None:
    response = stream(*EVENTS, media_type="text/event-stream; charset=utf-8")
    respond(harness, response)
    assert harness.collect(watch(harness)) == [A, B]
    assert harness.server.requests[0].headers["accept"] == "text/event-stream"
    assert response.is_closed


def test_a_failure_before_the_first_event_is_retried(harness: Harness) -> None:
    respond(harness, httpx.Response(503), stream(*EVENTS))
    assert harness.collect(watch(harness)) == [A, B]
    assert harness.server.requested == ["GET /events", "GET /events"]


def test_an_interruption_raises_after_the_events_before_it(harness: Harness) -> None:
    respond(harness, stream(EVENTS[0], EVENTS[1] + b"\n", httpx.ReadError("reset")))
    seen: list[Event] = []
    with pytest.raises(APIConnectionError, match=r"GET .*/events was interrupted"):
        harness.for_each(watch(harness), seen.append)
    assert seen == [A, B]
    assert len(harness.server.requests) == 1


@pytest.mark.parametrize(
    ("response", "error", "message"),
    [
        (lambda: stream(b"{}", media_type="application/json"), ResponseDecodeError, "the response is application/json"),
        (lambda: httpx.Response(204), ResponseDecodeError, "without a media type and status 204"),
        (lambda: httpx.Response(302, headers={"location": "/x"}), ResponseDecodeError, "status 302"),
        (lambda: httpx.Response(404, json={"detail": "gone"}), NotFoundError, "gone"),
    ],
)
def test_a_response_without_events_raises(harness: Harness, response: Any, error: Any, message: str) -> None:
    respond(harness, sent := response())
    with pytest.raises(error, match=message):
        harness.collect(watch(harness))
    assert sent.is_closed


def test_leaving_early_releases_the_connection(harness: Harness) -> None:
    respond(harness, response := stream(*EVENTS))
    events = watch(harness)

    async def leave() -> Event:
        event = await anext(events)
        await events.aclose()
        return event

    if harness.is_async:
        assert asyncio.run(leave()) == A
    else:
        assert next(events) == A
        events.close()
    assert response.is_closed
