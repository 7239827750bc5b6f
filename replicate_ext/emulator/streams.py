"""Event streams of jobs, framed as nchan does it, which Replicate streams through (docs/api-facts.md, section 9)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from .clock import Clock, wait_first
from .execution import StreamEvent
from .http import wait_for_disconnect
from .problems import not_found
from .runner import Runner

IDLE_TIMEOUT = 30.0
"""Seconds without an event after which a connection is closed, whether or not the job is finished."""


async def stream_events(request: Request, runner: Runner, clock: Clock, max_events: int | None = None) -> Response:
    """Return the event stream of a job, from its first event or after `Last-Event-ID`.

    Args:
        request: The request for the stream.
        runner: Knows the streams.
        clock: Measures the idle timeout.
        max_events: Number of events after which the connection is closed; None for no limit.
    """
    execution = runner.streams.get(request.url.path)
    if execution is None or execution.job.is_data_removed:
        return not_found().response()
    last_id = request.headers.get("last-event-id") or request.query_params.get("last_event_id")
    ids = [event.id for event in execution.events]
    start = ids.index(last_id) + 1 if last_id in ids else 0

    async def body() -> AsyncIterator[str]:
        yield ": hi\n\n"
        position = start
        while True:
            while position < len(execution.events):
                if max_events is not None and position - start >= max_events:
                    return
                yield encode_event(execution.events[position])
                position += 1
            match await wait_first(
                execution.wait_for_change(), clock.sleep(IDLE_TIMEOUT), wait_for_disconnect(request.receive)
            ):
                case 1 if position == len(execution.events):
                    yield ":408: 408 Request Timeout\n\n"
                    return
                case 2:
                    return

    return StreamingResponse(body(), media_type="text/event-stream", headers={"cache-control": "no-store"})


def encode_event(event: StreamEvent) -> str:
    """Return an event in the wire format: event, id, and a data line for each line of the data."""
    data = "".join(f"data: {line}\n" for line in event.data.split("\n"))
    return f"event: {event.event}\nid: {event.id}\n{data}\n"
