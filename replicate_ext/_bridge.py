"""Write once, offer twice: how one `async def` becomes a method of `Replicate` and of `AsyncReplicate`.

Every behaviour of the package is a coroutine (or an async generator) that awaits nothing but its wire and other
coroutines of the package. Over the `AsyncWire` it runs like any coroutine. Over the `BlockingWire` the wire's own
`async def` methods block instead of suspending, so the whole coroutine runs from its first line to its last in one
step: `send(None)` starts it, and what it returns arrives in the StopIteration. No thread, no event loop, no greenlet,
and it works inside a running loop too (Jupyter). Should a coroutine try to suspend all the same, `finish` says so.

The descriptors bind a coroutine function to both clients, and their two overloads give each the exact type: on a
`Resource[BlockingWire]` the attribute is `(...) -> T`, on a `Resource[AsyncWire]` it is `(...) -> Coroutine[..., T]`.

    class Predictions(Resource[W]):
        get = plain(PREDICTIONS_GET)            # one operation of the document, one line

        @both
        async def wait(self, ...) -> Prediction: ...    # behaviour of our own

    client.predictions.get("…")                 # Replicate: a Prediction
    await client.predictions.get("…")           # AsyncReplicate: the same
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from functools import cache, update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from ._exchange import send
from ._wire import AsyncWire, BlockingWire, Wire, finish
from .operations import Operation

P = ParamSpec("P")
T = TypeVar("T")
W = TypeVar("W", bound=Wire, covariant=True)


class Resource(Generic[W]):
    """Something that talks to the API through a wire."""

    def __init__(self, wire: W) -> None:
        self._wire = wire


def drain(items: AsyncGenerator[T, None]) -> Iterator[T]:
    """Iterate an async generator that never suspends; closing, or dropping, the iterator closes the generator."""
    try:
        while True:
            try:
                item = finish(items.__anext__())
            except StopAsyncIteration:
                return
            yield item
    finally:
        finish(items.aclose())


class both(Generic[P, T]):
    """A coroutine method, offered blocking and async."""

    def __init__(self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.function.__name__ = name

    @overload
    def __get__(self, obj: Resource[BlockingWire], owner: object = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, obj: Resource[AsyncWire], owner: object = None) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, obj: Resource[Any] | None, owner: object = None) -> Any:
        if obj is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            coroutine = self.function(obj, *args, **kwargs)
            return coroutine if isinstance(obj._wire, AsyncWire) else finish(coroutine)

        return dressed(call, self.function)


class each(Generic[P, T]):
    """A method that returns an async generator, offered as an iterator and as an async iterator."""

    def __init__(self, function: Callable[Concatenate[Any, P], AsyncGenerator[T, None]]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.function.__name__ = name

    @overload
    def __get__(self, obj: Resource[BlockingWire], owner: object = None) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, obj: Resource[AsyncWire], owner: object = None) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, obj: Resource[Any] | None, owner: object = None) -> Any:
        if obj is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            items = self.function(obj, *args, **kwargs)
            return items if isinstance(obj._wire, AsyncWire) else drain(items)

        return dressed(call, self.function)


def plain(operation: Operation[P, T]) -> both[P, T]:
    """Make a method of one operation: it sends the call and returns what the answer parses to."""

    async def method(self: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await send(self._wire, operation(*args, **kwargs))

    return both(wearing(method, operation))


def wearing(method: Callable[Concatenate[Any, P], T], operation: Operation[P, Any]) -> Callable[Concatenate[Any, P], T]:
    """Give a method the docstring and the signature of its operation, for `help()` and notebooks."""
    signature = inspect.signature(operation.build)
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    method.__doc__ = operation.build.__doc__
    method.__name__ = operation.build.__module__.rpartition("_")[2]
    vars(method)["__signature__"] = signature.replace(parameters=[this, *signature.parameters.values()])
    return method


def dressed(call: Callable[P, Any], function: Callable[..., Any]) -> Callable[P, Any]:
    """Make a bound method look like the function that it came from, less its `self`."""
    update_wrapper(call, function)
    vars(call)["__signature__"] = _less_self(function)
    return call


@cache
def _less_self(function: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(function)
    return signature.replace(parameters=list(signature.parameters.values())[1:])
