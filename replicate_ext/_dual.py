"""Write once, offer twice: how one `async def` becomes a method of `Replicate` and of `AsyncReplicate`.

Every behaviour of the package is a coroutine (or an async generator) that awaits nothing but its wire and other
coroutines of the package. Over the `AsyncWire` it runs like any coroutine. Over the `BlockingWire` the wire's own
`async def` methods block instead of suspending, so the whole coroutine runs from its first line to its last in one
step: `send(None)` starts it, and what it returns arrives in the StopIteration. No thread, no event loop, no greenlet,
and it works inside a running loop too (Jupyter). Should a coroutine try to suspend all the same, `finish` says so.

The descriptors bind a coroutine function to both clients, and their two overloads give each the exact type: on a
`Resource[BlockingWire]` the attribute is `(...) -> T`, on a `Resource[AsyncWire]` it is `(...) -> Coroutine[..., T]`.

    class Predictions(Namespace[W]):            # generated, see `_generated.resources`
        get = plain(op.PREDICTIONS_GET)

    class Running(Resource[W]):                 # behaviour of our own
        @both
        async def run(self, ...) -> Any: ...

    client.predictions.get("…")                 # Replicate: a Prediction
    await client.predictions.get("…")           # AsyncReplicate: the same
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from functools import update_wrapper
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from ._backends.sync import Wire, finish, suspended
from ._send import send

if TYPE_CHECKING:
    from replicate_api.types import Operation

    from ._backends.asyncio import AsyncWire
    from ._backends.sync import BlockingWire

P = ParamSpec("P")
T = TypeVar("T")
W = TypeVar("W", bound=Wire, covariant=True)


class Resource(Generic[W]):
    """Something that talks to the API through a wire."""

    def __init__(self, wire: W) -> None:
        self._wire = wire


class Namespace(Resource[W]):
    """Operations of the document, under the words that their ids begin with."""

    if not TYPE_CHECKING:  # or a type checker would take every name for granted

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            there = ", ".join(each for each in dir(self) if not each.startswith("_"))
            raise AttributeError(
                f"{type(self).__name__} has no {name!r}: there is no such operation in the document that this client "
                f"was generated from; it has {there}",
                name=name,
                obj=self,
            )


def drain(items: AsyncGenerator[T, None]) -> Iterator[T]:
    """Iterate an async generator that never suspends; closing, or dropping, the iterator closes the generator."""
    try:
        while True:
            try:
                items.__anext__().send(None)  # `finish`, written out: this is done for every event of every stream
            except StopIteration as stop:
                item = stop.value
            except StopAsyncIteration:
                return
            else:
                raise suspended()
            yield item
    finally:
        finish(items.aclose())


class Offered:
    """A function of a `Resource`, offered as a method: `blocking` over one wire, the function itself over the other.

    Where it was made of an operation, that is loaded when the method is first asked for, and lends it its docstring and
    its signature, for `help()` and notebooks.
    """

    def __init__(self, function: Callable[..., Any], operation: Operation[..., Any] | None = None) -> None:
        self.function = function
        self.operation = operation
        self.__doc__ = function.__doc__
        self._blocking: Callable[..., Any] | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        self.function.__name__ = name
        self.function.__qualname__ = f"{owner.__qualname__}.{name}"

    def blocking(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, and block until what it does is done."""
        raise NotImplementedError

    @property
    def returns(self) -> Any:
        """What to show as the type of what an operation's method returns."""
        return inspect.Signature.empty

    def bind(self, obj: Resource[Any] | None) -> Any:
        """Return the method of an object, or this where there is none."""
        if obj is None:
            return self
        if self._blocking is None:
            self._blocking = self._dressed()
        return MethodType(self._blocking if obj._wire.blocks else self.function, obj)

    def _dressed(self) -> Callable[..., Any]:
        function = self.function
        if self.operation is not None:
            function.__doc__ = self.operation.endpoint.build.__doc__
            taken = inspect.signature(self.operation.endpoint.build).parameters.values()
            this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
            vars(function)["__signature__"] = inspect.Signature([this, *taken], return_annotation=self.returns)

        def blocking(*args: Any, **kwargs: Any) -> Any:
            return self.blocking(*args, **kwargs)

        return update_wrapper(blocking, function)


class both(Offered, Generic[P, T]):
    """A coroutine method, offered blocking and async."""

    if TYPE_CHECKING:

        def __init__(
            self,
            function: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
            operation: Operation[P, Any] | None = None,
        ) -> None: ...

    @overload
    def __get__(self, obj: Resource[BlockingWire], owner: object = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, obj: Resource[AsyncWire], owner: object = None) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, obj: Resource[Any] | None, owner: object = None) -> Any:
        return self.bind(obj)

    def blocking(self, *args: Any, **kwargs: Any) -> T:
        result: T = finish(self.function(*args, **kwargs))
        return result

    @property
    def returns(self) -> Any:
        operation = self.operation
        return inspect.signature(operation.endpoint.parse).return_annotation if operation else super().returns


class each(Offered, Generic[P, T]):
    """A method that returns an async generator, offered as an iterator and as an async iterator."""

    if TYPE_CHECKING:

        def __init__(
            self,
            function: Callable[Concatenate[Any, P], AsyncGenerator[T, None]],
            operation: Operation[P, Any] | None = None,
        ) -> None: ...

    @overload
    def __get__(self, obj: Resource[BlockingWire], owner: object = None) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, obj: Resource[AsyncWire], owner: object = None) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, obj: Resource[Any] | None, owner: object = None) -> Any:
        return self.bind(obj)

    def blocking(self, *args: Any, **kwargs: Any) -> Iterator[T]:
        return drain(self.function(*args, **kwargs))


def plain(operation: Operation[P, T]) -> both[P, T]:
    """Make a method of one operation: it sends the call and returns what the answer parses to."""

    async def method(self: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await send(self._wire, operation(*args, **kwargs))

    return both(method, operation)
