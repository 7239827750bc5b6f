"""The events of an operation that responds with `text/event-stream`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ._sansio.sse import Event, SSEDecoder
from ._send import Session
from .errors import ResponseDecodeError

if TYPE_CHECKING:
    from replicate_api.types import Request


async def iterate_events(session: Session[Any], request: Request) -> AsyncGenerator[Event, None]:
    """Send a request, with retries until a response begins, and yield its events as they arrive.

    Raises:
        APIConnectionError, APIStatusError: The request failed, or the connection was interrupted.
        ResponseDecodeError: The response is no event stream.
    """
    response = (await session.send(request, lambda response: response, stream=True)).value
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "text/event-stream":
        await session.backend.aclose(response)
        raise ResponseDecodeError(
            f"{request.method} {request.path}: the response is {media_type or 'without a media type'} and status "
            f"{response.status_code}, not text/event-stream"
        )
    decoder = SSEDecoder()
    async with aclosing(session.backend.aiter_bytes(response)) as chunks:
        async for chunk in chunks:
            for event in decoder.feed(chunk):
                yield event
