"""The events of a running prediction, and how they survive what networks do to streams.

A stream is complete only when its `done` event has arrived. One that ends without it is resumed where it stopped
(`Last-Event-ID`); if that is impossible, the prediction itself is fetched, and what its output has beyond the events so
far is yielded. A model that cannot stream is polled, and its new items are yielded as they appear.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, NamedTuple, ParamSpec, cast, overload
from urllib.parse import urlsplit

from replicate_api import operations as op

from .. import errors
from .._backends.sync import SyncBackend
from .._display.outputs import Outputs
from .._dual import DualMethod, Resource, dual_iterator
from .._files.wrap import wrap_files
from .._sansio import job as jobs
from .._sansio.sse import Event, SSEDecoder
from .._send import BackendT, Session
from .schedule import poll_interval
from .wait import STREAM_HEADERS, fetch_job

if TYPE_CHECKING:
    import httpx

    from replicate_api.models import Prediction

    from .._backends.asyncio import AsyncBackend
    from .predictions import Predictions

P = ParamSpec("P")

MAX_RECONNECTS = 5
"""Connections in a row that end without a new event, after which the prediction is polled instead."""

RECONNECT_DELAY = 0.2
"""Seconds before an interrupted stream is resumed."""


MAX_POLL_AGE = 60.0
"""Seconds after which the prediction is polled although the stream is alive: its `done` event may have been lost."""


class StreamRequest(NamedTuple):
    """What to stream, and whether to cancel the prediction if the iteration ends early."""

    predictions: Predictions
    name: str
    """The model, or the id of the prediction, for the repr."""

    start: Callable[[Session[Any]], Awaitable[Prediction]]
    """Returns the prediction, which it may create."""

    timeout: float | None
    cancel_on_exit: bool


class _Stream(Resource[BackendT], Generic[BackendT]):
    """The events of one prediction; the subclasses iterate them."""

    def __init__(self, session: Session[BackendT], request: StreamRequest) -> None:
        super().__init__(session)
        self._request = request
        self._events: list[Event] = []
        self._has_started = self._is_done = self._has_files = self._was_interrupted = False
        self.prediction: Prediction | None = None

    def __repr__(self) -> str:
        state = "not started" if not self._has_started else "creating"
        if self.prediction is not None:
            count = len(self._events)
            state = f"{count} event{'s' * (count != 1)}, {self.prediction.status}"
        return f"<{type(self).__name__} {self._request.name}, {state}>"

    @property
    def text(self) -> str:
        """The text of the output events so far, joined."""
        return "".join(self._outputs())

    def _outputs(self) -> list[str]:
        return [event.data for event in self._events if event.event == "output"]

    def __del__(self) -> None:
        """Cancel the prediction if the event loop was closed before the iteration ended."""
        attendance = getattr(self, "_attendance", None)
        if attendance is not None:
            attendance.drop()

    def _event_ids(self) -> set[str]:
        return {event.id for event in self._events if event.id}

    def _start(self) -> None:
        if self._has_started:
            raise RuntimeError("a stream can be iterated only once; a second time would run, and bill, the model again")
        self._has_started = True

    @dual_iterator
    async def _iterate(self) -> AsyncGenerator[Event, None]:
        predictions, _, start, timeout, cancel_on_exit = self._request
        if timeout is not None:
            self._session = self._session.with_options(deadline=self._session.backend.monotonic() + timeout)
        session = self._session
        self.prediction = await start(session)
        attended = predictions.attend(session, self.prediction, cancel_on_exit, is_generator=True)
        async with attended as attendance:
            self._attendance = attendance
            try:
                async with aclosing(self._iterate_stream()) as batches:
                    async for batch in batches:
                        for event in batch:
                            self._events.append(event)
                            yield self._wrap_file(event) if self._has_files else event
                            if event.event == "done":
                                self._is_done = True
                                break
                        if self._is_done:
                            break
                async with aclosing(self._poll_until_finished()) as events:
                    async for event in events:
                        yield event
                jobs.raise_unless_succeeded(self._job)
            finally:
                attendance.job = self._job

    @property
    def _job(self) -> Prediction:
        assert self.prediction is not None
        return self.prediction

    async def _poll(self) -> bool:
        """Fetch the prediction; return whether it has ended. Raise WaitTimeoutError if `timeout` has expired."""
        try:
            self.prediction = await fetch_job(self._session, op.PREDICTIONS_GET, jobs.id_of(self._job))
        except errors.APIConnectionError:
            if self._session.seconds_left() != 0:
                raise
        if self._session.seconds_left() == 0 and not jobs.is_finished(self._job):
            timeout = f"{self._request.timeout:g} s"
            raise errors.WaitTimeoutError(f"{self._job.id} was still {self._job.status} after {timeout}", self._job)
        return jobs.is_finished(self._job)

    async def _iterate_stream(self) -> AsyncGenerator[Sequence[Event], None]:
        """Yield the events of each chunk, and reconnect as long as no event is lost or repeated."""
        url, backend = jobs.stream_url(self._job), self._session.backend
        decoder, reconnects_left = SSEDecoder(), MAX_RECONNECTS
        polled_at = backend.monotonic()
        while url and reconnects_left:
            seen_ids = self._event_ids()  # a server that does not resume, but restarts, sends these events again
            try:
                response = await self._connect(url, decoder)
                async with aclosing(backend.aiter_bytes(response)) as chunks:
                    async for chunk in chunks:
                        batch = decoder.feed(chunk)
                        if seen_ids:
                            batch = [event for event in batch if event.id not in seen_ids]
                        yield batch
                        if backend.monotonic() - polled_at > MAX_POLL_AGE:
                            polled_at = backend.monotonic()
                            if await self._poll():
                                return
            except (errors.APIStatusError, errors.ResponseDecodeError):
                return  # the stream has expired; the prediction has its result
            except errors.APIConnectionError:
                pass
            self._was_interrupted = True
            if self._outputs() and not (decoder.last_event_id and self._events[-1].id):
                return  # without an id of the latest event, resuming could repeat or lose events
            if await self._poll():
                return
            reconnects_left = MAX_RECONNECTS if self._event_ids() > seen_ids else reconnects_left - 1
            await backend.sleep(RECONNECT_DELAY)

    async def _connect(self, url: str, decoder: SSEDecoder) -> httpx.Response:
        """Return the response with the events that follow the decoder's last one."""
        resume = {"Last-Event-ID": decoder.last_event_id} if decoder.last_event_id else {}
        decoder.reset()
        self._has_files = urlsplit(url).path.startswith("/v1/files/")  # docs/api-facts.md, section 9
        return await self._session.fetch(url, STREAM_HEADERS | resume)

    async def _poll_until_finished(self) -> AsyncGenerator[Event, None]:
        """Poll until the prediction has ended; yield what its output has beyond the events, if they are incomplete."""
        started = self._session.backend.monotonic()
        is_complete = self._is_done and not self._was_interrupted
        while True:
            is_finished = await self._poll()
            for item in [] if is_complete else self._missing_items(self._job.output):
                self._events.append(Event("output", item))
                yield self._wrap_file(self._events[-1])
            if is_finished:
                return
            delay = poll_interval(self._session.backend.monotonic() - started)
            await self._session.backend.sleep(self._session.limit_to_deadline(delay))

    def _missing_items(self, output: object) -> list[str]:
        """Return the items of an output that no event contained yet."""
        if output is None or not output:
            return []
        outputs = output if isinstance(output, list) else [output]
        items = [item if isinstance(item, str) else json.dumps(item) for item in outputs]
        received = self._outputs()
        if len(items) >= len(received) and all(map(_is_same, received, outputs)):
            return items[len(received) :]
        # Events may split the text at other places than the items of the output.
        whole = "".join(items)
        if whole.startswith(self.text):
            return [whole[len(self.text) :]] if len(whole) > len(self.text) else []
        raise errors.StreamError(
            "events of the stream were lost: the output does not begin with the events that arrived", self._job
        )

    def _wrap_file(self, event: Event) -> Event:
        return (
            event._replace(data=wrap_files(event.data, self._session.without_deadline()))
            if event.event == "output"
            else event
        )


def _is_same(data: str, item: object) -> bool:
    """Whether the data of an event is an item of the output, whatever the whitespace of its JSON."""
    if isinstance(item, str):
        return data == item
    try:
        return bool(json.loads(data) == item)
    except ValueError:
        return False


class Stream(_Stream[SyncBackend]):
    """The events of one prediction: what `client.stream` returns, to be iterated once.

    A prediction that does not exist yet is created when the iteration begins. The loop ends after the event `done`; if
    the prediction failed, was canceled or aborted, it raises a `ModelError` then. Events that were lost and cannot be
    recovered raise a `StreamError`. Leaving the loop early cancels the prediction, unless `cancel_on_exit=False`.

    Attributes:
        prediction (Prediction | None): Its latest known state: the final one after the last event, and None before the
            iteration begins.

    Examples:
        >>> stream = client.stream("acme/poet", {"prompt": "the sea", "lines": 1})
        >>> events = [event.event for event in stream]
        >>> print(events[-1], stream.text, end="")
        done Beneath the sea a garden remembers.
    """

    _is_async = False

    def __iter__(self) -> Generator[Event, None, None]:
        """Yield the events; leaving the loop early closes the stream once the iterator is closed or dropped."""
        self._start()
        return cast("Generator[Event, None, None]", iter(self._iterate()))

    def _ipython_display_(self) -> None:
        from .._display.stream import show

        show(self)


class AsyncStream(_Stream["AsyncBackend"]):
    """The events of one prediction: a `Stream` that is iterated with `async for`.

    Attributes:
        prediction (Prediction | None): Its latest known state: the final one after the last event, and None before the
            iteration begins.

    Examples:
        >>> async def main() -> None:
        ...     async with replicate.AsyncReplicate() as client:
        ...         stream = client.stream("acme/poet", {"prompt": "the sea", "lines": 1})
        ...         async for event in stream:
        ...             print(event, end="")
        >>> asyncio.run(main())
        Beneath the sea a garden remembers.
    """

    _is_async = True

    def __aiter__(self) -> AsyncGenerator[Event, None]:
        """Yield the events; `contextlib.aclosing(aiter(stream))` closes the stream when its block is left."""
        self._start()
        return cast("AsyncGenerator[Event, None]", aiter(self._iterate()))

    def _repr_html_(self) -> str:
        return Outputs(self._outputs())._repr_html_()


class stream_method(DualMethod, Generic[P]):
    """Offers a method that returns a `StreamRequest` as one that returns a `Stream` or an `AsyncStream`."""

    if TYPE_CHECKING:

        def __init__(self, function: Callable[Concatenate[Any, P], StreamRequest]) -> None: ...

        @overload
        def __get__(self, obj: None, owner: type) -> Callable[..., Any]: ...
        @overload
        def __get__(self, obj: Resource[SyncBackend], owner: type | None = None) -> Callable[P, Stream]: ...
        @overload
        def __get__(self, obj: Resource[AsyncBackend], owner: type | None = None) -> Callable[P, AsyncStream]: ...
        def __get__(self, obj: Resource[Any] | None, owner: type | None = None) -> Any: ...

    def make_method(self, function: Any, is_async: bool) -> Callable[..., Any]:
        cls = function.__annotations__["return"] = AsyncStream if is_async else Stream

        @wraps(function)
        def open_stream(self: Resource[Any], /, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            return cls(self._session, function(self, *args, **kwargs))

        return open_stream
