"""Write once, offer twice: how one `async def` becomes a method of `Replicate` and of `AsyncReplicate`.

Every behaviour of the package is a coroutine (or an async generator) that awaits nothing but its session and other
coroutines of the package. Over the `AsyncBackend` it runs like any coroutine. Over the `SyncBackend` the backend's own
`async def` methods block instead of suspending, so the whole coroutine runs from its first line to its last in one
step: `send(None)` starts it, and its result arrives in the StopIteration (`run_sync`). No thread, no event loop, no
greenlet, and it works inside a running event loop (Jupyter). If a coroutine does try to suspend, `run_sync` raises.

The descriptors bind a coroutine function to both clients, and their two overloads give each the exact type: on a
`Resource[SyncBackend]` the attribute is `(...) -> T`, on a `Resource[AsyncBackend]` it is `(...) -> Coroutine[..., T]`.
On first access a descriptor puts an ordinary function in its place on the class of one kind (`Replicate`, say): that is
what `help`, `inspect`, mocks and documentation tools see.

    class Predictions(Namespace[BackendT]):     # generated, see `_generated.resources`
        get = operation_method(op.PREDICTIONS_GET)

    class RunMixin(Resource[BackendT]):         # handwritten
        @dual_method
        async def run(self, ...) -> Any: ...

    client.predictions.get("…")                 # Replicate: a Prediction
    await client.predictions.get("…")           # AsyncReplicate: the same
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from functools import partial, update_wrapper
from types import MethodType
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from ._backends.sync import SyncBackend, iterate_sync, run_sync
from ._introspection import describe
from ._send import BackendT, Session

if TYPE_CHECKING:
    from replicate_api.types import Operation

    from ._backends.asyncio import AsyncBackend

P = ParamSpec("P")
T = TypeVar("T")


class Resource(Generic[BackendT]):
    """An object that sends requests through the session of a client."""

    _is_async: ClassVar[bool]
    """The kind of the client; set in the classes of one kind only."""

    def __init__(self, session: Session[BackendT]) -> None:
        self._session = session


def class_of_one_kind(owner: type[Any]) -> type[Resource[Any]] | None:
    """Return the class in the bases of `owner` that is of one kind: Replicate for a subclass of it."""
    return next((cls for cls in owner.__mro__ if "_is_async" in vars(cls)), None)


class DualDescriptor:
    """Offers a function of a `Resource` as a method of both kinds of client.

    The method of an operation takes its docstring and signature from that operation. They are loaded when the method is
    first accessed.
    """

    def __init__(self, function: Callable[..., Any], operation: Operation[..., Any] | None = None) -> None:
        self.function = function
        self.operation = operation
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.function.__name__ = name
        self.function.__qualname__ = f"{owner.__qualname__}.{name}"

    def make_method(self, is_async: bool) -> Callable[..., Any]:
        """Return the function that is the method of one kind of client."""
        raise NotImplementedError

    def bind(self, obj: Resource[Any] | None, owner: type | None) -> Any:
        """Return the method of an object or class, after it has replaced this descriptor."""
        cls = class_of_one_kind(owner or type(obj))
        is_async = cls._is_async if cls else obj is not None and obj._session.backend.is_async
        described = describe(self.function, self.operation)
        method = update_wrapper(self.make_method(is_async), described)
        if cls:
            setattr(cls, described.__name__, method)
        return method if obj is None else MethodType(method, obj)


class dual_method(DualDescriptor, Generic[P, T]):
    """Offers a coroutine method to both clients."""

    if TYPE_CHECKING:

        def __init__(
            self,
            function: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
            operation: Operation[P, Any] | None = None,
        ) -> None: ...

    @overload
    def __get__(self, obj: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, obj: Resource[SyncBackend], owner: type | None = None) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, obj: Resource[AsyncBackend], owner: type | None = None
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, obj: Resource[Any] | None, owner: type | None = None) -> Any:
        return self.bind(obj, owner)

    def make_method(self, is_async: bool) -> Callable[..., Any]:
        function = self.function
        if is_async:
            return function

        def method(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True  # by IPython and pytest
            return run_sync(function(*args, **kwargs))

        return method


class dual_iterator(DualDescriptor, Generic[P, T]):
    """Offers a method that returns an async generator as one that returns an iterator or an async iterator."""

    if TYPE_CHECKING:

        def __init__(
            self,
            function: Callable[Concatenate[Any, P], AsyncGenerator[T, None]],
            operation: Operation[P, Any] | None = None,
        ) -> None: ...

    @overload
    def __get__(self, obj: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, obj: Resource[SyncBackend], owner: type | None = None) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, obj: Resource[AsyncBackend], owner: type | None = None) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, obj: Resource[Any] | None, owner: type | None = None) -> Any:
        return self.bind(obj, owner)

    def make_method(self, is_async: bool) -> Callable[..., Any]:
        function = self.function
        name = self.operation.operation_id if self.operation else function.__name__

        def method(self: Resource[Any], /, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            generator, show = function(self, *args, **kwargs), partial(_show_call, name, args, kwargs)
            return AsyncItems(generator, show) if is_async else Items(iterate_sync(generator), show)

        return method


class _Items:
    """What both kinds of iterators have: a repr that shows the call that they iterate."""

    def __init__(self, generator: Any, show: Callable[[], str]) -> None:
        self._generator = generator
        self._show = show
        self._has_started = False

    def _start(self) -> Any:
        self._has_started = True
        return self._generator

    def __repr__(self) -> str:
        frame = getattr(self._generator, "gi_frame", None) or getattr(self._generator, "ag_frame", None)
        state = "finished" if frame is None else "in progress" if self._has_started else "not started"
        return f"<{self._show()}, {state}>"


class Items(_Items, Iterator[T]):
    """The items of a list, fetched page by page as you iterate."""

    def __iter__(self) -> Iterator[T]:
        """Return the generator itself: a loop over it calls no Python function per item."""
        return cast("Iterator[T]", self._start())

    def __next__(self) -> T:
        __tracebackhide__ = True
        return cast("T", next(self._start()))

    def close(self) -> None:
        """Close the connections of the iteration, and the iterator."""
        cast("Generator[T, None, None]", self._generator).close()


class AsyncItems(_Items, AsyncIterator[T]):
    """The items of a list, fetched page by page as you iterate."""

    def __aiter__(self) -> AsyncIterator[T]:
        """Return the generator itself: a loop over it calls no Python function per item."""
        return cast("AsyncIterator[T]", self._start())

    async def __anext__(self) -> T:
        __tracebackhide__ = True
        return cast("T", await anext(self._start()))

    async def aclose(self) -> None:
        """Close the connections of the iteration, and the iterator."""
        await cast("AsyncGenerator[T, None]", self._generator).aclose()


def _show_call(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return a call as text, with long arguments shortened."""
    from reprlib import Repr

    shorten = Repr()
    shorten.maxother = 60  # characters; a datetime has 50

    def show(value: object) -> str:
        operation = getattr(value, "operation", None)
        return shorten.repr(value) if operation is None else str(operation.operation_id)

    return f"{name}({', '.join([*map(show, args), *(f'{key}={show(value)}' for key, value in kwargs.items())])})"
