"""The event stream of a job, framed as nchan does it, which is what Replicate streams through."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from .clock import Clock, first
from .problems import not_found
from .runner import Message, Runner

IDLE = 30.0
"""Seconds without an event after which a connection is closed, before or after the end of the job."""


async def stream(request: Request, runner: Runner, clock: Clock, cut_after: int | None = None) -> Response:
    """Send the events of a job, from its beginning or after the one that the client had last."""
    execution = runner.streams.get(request.url.path)
    if execution is None or execution.job.is_removed:
        return not_found().response()
    last = request.headers.get("last-event-id") or request.query_params.get("last_event_id")
    ids = [message.id for message in execution.messages]
    start = ids.index(last) + 1 if last in ids else 0

    async def body() -> AsyncIterator[str]:
        yield ": hi\n\n"
        sent = start
        while True:
            while sent < len(execution.messages):
                if cut_after is not None and sent - start >= cut_after:
                    return
                yield frame(execution.messages[sent])
                sent += 1
            match await first(execution.changed(), clock.sleep(IDLE), _left(request)):
                case 1 if sent == len(execution.messages):
                    yield ":408: 408 Request Timeout\n\n"
                    return
                case 2:
                    return

    return StreamingResponse(body(), media_type="text/event-stream", headers={"cache-control": "no-store"})


async def _left(request: Request) -> None:
    """Return when the client has closed the connection, or this server closes down."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def frame(message: Message) -> str:
    """Return one event on the wire: event, id, then a data line for each line of the payload."""
    data = "".join(f"data: {line}\n" for line in message.data.split("\n"))
    return f"event: {message.event}\nid: {message.id}\n{data}\n"
