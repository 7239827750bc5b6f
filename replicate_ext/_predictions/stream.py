"""The events of a running prediction, and how they survive what networks do to streams.

A stream counts as whole only when its `done` has come. One that ends without it is taken up again where it stopped
(`Last-Event-ID`), and where that is not possible the prediction itself is asked, and what it has beyond the events
so far is yielded. A model that cannot stream is polled, and its new items are yielded as they appear.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from functools import update_wrapper
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, NamedTuple, ParamSpec, overload
from urllib.parse import urlsplit

from replicate_api import operations as op

from .. import errors
from .._backends.sync import BlockingWire
from .._dual import Resource, W, each
from .._files.outputs import files
from .._sansio.sse import Decoder, Event
from .._send import fetch, send
from . import abandon as leaving
from . import lifecycle

if TYPE_CHECKING:
    import httpx

    from replicate_api.models import Prediction

    from .._backends.asyncio import AsyncWire

RECONNECTS = 5
"""How often a stream may end early without a new event in between, before the prediction is polled instead."""

RECONNECT_DELAY = 0.2
"""Seconds before a stream that ended early is taken up again."""


class Opening(NamedTuple):
    """What a stream begins with: how to create its prediction, and whether leaving early cancels it."""

    create: Callable[[], Awaitable[Prediction]]
    cancel_on_exit: bool


class _Stream(Resource[W], Generic[W]):
    """The events of one prediction, to be iterated once.

    The prediction is created when the iteration begins. After the last event, or an error, `prediction` is the
    prediction as last seen and `text` what its output events said.

    Raises, at the end of the iteration:
        ModelError: The prediction failed; its subclasses: it was canceled or aborted. `text` holds what came before.
        StreamError: Events were lost for good: the finished prediction does not continue what was yielded.
    """

    def __init__(self, wire: W, opening: Opening) -> None:
        super().__init__(wire)
        self._create, self._cancel_on_exit = opening
        self._said: list[Event] = []
        self._is_begun = self._is_done = self._makes_files = False
        self.prediction: Prediction | None = None

    @property
    def text(self) -> str:
        """The output so far, joined."""
        return "".join(self._outputs())

    def _outputs(self) -> list[str]:
        return [event.data for event in self._said if event.event == "output"]

    def _ids(self) -> set[str]:
        return {event.id for event in self._said if event.id}

    def _begin(self) -> None:
        if self._is_begun:
            raise RuntimeError("a stream is iterated once; a second time would run, and bill, the model again")
        self._is_begun = True

    @each
    async def _events(self) -> AsyncGenerator[Event, None]:
        try:
            self.prediction = await self._create()
            said = self._said
            async with aclosing(self._streamed()) as batches:
                async for batch in batches:
                    for event in batch:
                        said.append(event)
                        yield self._with_file(event) if self._makes_files else event
                        if event.event == "done":
                            self._is_done = True
                            break
                    if self._is_done:
                        break
            async with aclosing(self._rest()) as rest:
                async for event in rest:
                    yield event
            lifecycle.result(self._job)
        except BaseException as reason:
            # Closing the stream early arrives here as GeneratorExit, in which an async generator may still await.
            unfinished = self.prediction is not None and not lifecycle.is_finished(self.prediction)
            if self._cancel_on_exit and unfinished and not isinstance(reason, Exception):
                await leaving.give_up(self._wire, self._job)
            if isinstance(reason, errors.ReplicateError) and reason.prediction is None:
                reason.prediction = self.prediction
            raise

    @property
    def _job(self) -> Prediction:
        assert self.prediction is not None
        return self.prediction

    async def _streamed(self) -> AsyncGenerator[Sequence[Event], None]:
        """Yield events, chunk by chunk, reconnecting where that loses and repeats nothing."""
        url = lifecycle.stream_url(self._job)
        decoder, left = Decoder(), RECONNECTS
        while url and left:
            seen = self._ids()  # they come again from a server that does not resume, but begins anew
            try:
                response = await self._connected(url, decoder)
                async with aclosing(self._wire.body(response)) as chunks:
                    async for chunk in chunks:
                        batch = decoder.feed(chunk)
                        if seen:
                            batch = [event for event in batch if event.id not in seen]
                        yield batch
            except (errors.APIStatusError, errors.ResponseError):
                return  # gone: the prediction knows how it went
            except errors.ConnectionFailed:
                pass
            if self._outputs() and not decoder.last_id:
                return  # without ids there is no way to resume that could not repeat something
            self.prediction = await send(self._wire, op.PREDICTIONS_GET(self._job.id))
            if lifecycle.is_finished(self._job):
                return
            left = RECONNECTS if self._ids() > seen else left - 1
            await self._wire.sleep(RECONNECT_DELAY)

    async def _connected(self, url: str, decoder: Decoder) -> httpx.Response:
        """Return the answer that the events come in, from where the decoder stopped."""
        resume = {"Last-Event-ID": decoder.last_id} if decoder.last_id else {}
        decoder.restart()
        self._makes_files = urlsplit(url).path.startswith("/v1/files/")
        return await fetch(self._wire, url, lifecycle.STREAM_HEADERS | resume)

    async def _rest(self) -> AsyncGenerator[Event, None]:
        """Wait for the end of the prediction; without a `done`, yield what its output has beyond the events."""
        began = self._wire.now()
        while True:
            self.prediction = await send(self._wire, op.PREDICTIONS_GET(self._job.id))
            for item in [] if self._is_done else self._missing(self._job.output):
                self._said.append(Event("output", item))
                yield self._with_file(self._said[-1])
            if lifecycle.is_finished(self._job):
                return
            await self._wire.sleep(lifecycle.poll_interval(self._wire.now() - began))

    def _missing(self, output: object) -> list[str]:
        """Return the items of an output that no event has said yet."""
        if output is None or not output:
            return []
        listed = output if isinstance(output, list) else [output]
        items = [item if isinstance(item, str) else json.dumps(item) for item in listed]
        said = self._outputs()
        if len(items) >= len(said) and all(map(_is_same, said, listed)):
            return items[len(said) :]
        # Events may cut the text elsewhere than the output's items do.
        whole = "".join(items)
        if whole.startswith(self.text):
            return [whole[len(self.text) :]] if len(whole) > len(self.text) else []
        raise errors.StreamError(
            "events of the stream were lost: the output does not begin with what they said", self._job
        )

    def _with_file(self, event: Event) -> Event:
        return event._replace(data=files(event.data, self._wire)) if event.event == "output" else event


def _is_same(said: str, item: object) -> bool:
    """Whether an event said an item of the output, whatever the spacing of its JSON."""
    if isinstance(item, str):
        return said == item
    try:
        return bool(json.loads(said) == item)
    except ValueError:
        return False


class Stream(_Stream[BlockingWire]):
    __doc__ = _Stream.__doc__

    def __iter__(self) -> Iterator[Event]:
        """Yield the events; leaving the loop early closes the stream once the iterator is closed or dropped."""
        self._begin()
        return self._events()


class AsyncStream(_Stream["AsyncWire"]):
    __doc__ = _Stream.__doc__

    def __aiter__(self) -> AsyncIterator[Event]:
        """Yield the events."""
        self._begin()
        return self._events()


P = ParamSpec("P")


class opens(Generic[P]):
    """A method that says how a stream begins, offered as one that returns a `Stream` or an `AsyncStream`."""

    def __init__(self, function: Callable[Concatenate[Any, P], Opening]) -> None:
        def open(self: Resource[Any], *args: P.args, **kwargs: P.kwargs) -> Any:
            return (Stream if self._wire.blocks else AsyncStream)(self._wire, function(self, *args, **kwargs))

        self._open = update_wrapper(open, function)
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, obj: Resource[BlockingWire], owner: object = None) -> Callable[P, Stream]: ...
    @overload
    def __get__(self, obj: Resource[AsyncWire], owner: object = None) -> Callable[P, AsyncStream]: ...
    def __get__(self, obj: Resource[Any] | None, owner: object = None) -> Any:
        return self if obj is None else MethodType(self._open, obj)
