"""Write once, offer twice: how one `async def` becomes a method of `Replicate` and of `AsyncReplicate`.

Every behaviour of the package is a coroutine (or an async generator) that awaits nothing but its session and other
coroutines of the package. Over the `AsyncBackend` it runs like any coroutine. Over the `SyncBackend` the backend's own
`async def` methods block instead of suspending, so the whole coroutine runs from its first line to its last in one
step: `send(None)` starts it, and its result arrives in the StopIteration (`run_sync`). No thread, no event loop, no
greenlet, and it works inside a running event loop (Jupyter). If a coroutine does try to suspend, `run_sync` raises.

A descriptor offers a coroutine function on both clients, and its two overloads give each the exact type: on a
`Resource[SyncBackend]` the attribute is `(...) -> T`, on a `Resource[AsyncBackend]` it is `(...) -> Coroutine[..., T]`.
At run time the class of one kind (`Replicate`, say) gets an ordinary function, made when the class is: that is what is
called, and what `help`, `inspect`, mocks and documentation tools see.

    class Predictions(Namespace[BackendT]):     # generated, see `_generated.resources`
        @dual_method
        async def get(self, ...) -> Prediction: ...

    client.predictions.get("…")                 # Replicate: a Prediction
    await client.predictions.get("…")           # AsyncReplicate: the same
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial, update_wrapper, wraps
from inspect import CO_COROUTINE
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from ._backends.sync import SyncBackend, iterate_sync, make_sync
from ._send import BackendT, Session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from ._backends.asyncio import AsyncBackend

P = ParamSpec("P")
T = TypeVar("T")


class Resource(Generic[BackendT]):
    """An object that sends requests through the session of a client."""

    _is_async: ClassVar[bool]
    """The kind of the client; set in the classes of one kind only."""

    def __init__(self, session: Session[BackendT]) -> None:
        self._session = session

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_is_async" in vars(cls):
            members = {name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()}
            for name, value in members.items():
                if isinstance(value, DualDescriptor):
                    setattr(cls, name, value.make_member(cls, name))


class DualDescriptor:
    """A member of a `Resource` that each class of one kind has in its own way."""

    def make_member(self, cls: type[Resource[Any]], name: str) -> Any:
        """Return the member of a class of one kind."""
        raise NotImplementedError


class DualMethod(DualDescriptor):
    """Offers a function of a `Resource` as a method of both kinds of client."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = cast("FunctionType", function)
        self.__doc__ = function.__doc__

    def make_member(self, cls: type[Resource[Any]], name: str) -> Any:
        """Return the method of one kind of client, under the name that the caller uses."""
        function = _copy(self.function, self.function.__code__)
        function.__name__, function.__qualname__ = name, f"{cls.__qualname__}.{name}"
        return self.make_method(function, cls._is_async)

    def make_method(self, function: Any, is_async: bool) -> Callable[..., Any]:
        """Return a function's method of one kind of client."""
        raise NotImplementedError


class dual_method(DualMethod, Generic[P, T]):
    """Offers a coroutine method to both clients."""

    if TYPE_CHECKING:

        def __init__(self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> None: ...

        @overload
        def __get__(self, obj: None, owner: type) -> Callable[..., Any]: ...
        @overload
        def __get__(self, obj: Resource[SyncBackend], owner: type | None = None) -> Callable[P, T]: ...
        @overload
        def __get__(
            self, obj: Resource[AsyncBackend], owner: type | None = None
        ) -> Callable[P, Coroutine[Any, Any, T]]: ...
        def __get__(self, obj: Resource[Any] | None, owner: type | None = None) -> Any: ...

    def make_method(self, function: Any, is_async: bool) -> Callable[..., Any]:
        if is_async:
            return cast("Callable[..., Any]", function)
        method, code = make_sync(function), function.__code__
        # Never called: what tools see of the method is no coroutine function.
        described = _copy(function, code.replace(co_flags=code.co_flags & ~CO_COROUTINE))
        return update_wrapper(method, described)


class dual_iterator(DualMethod, Generic[P, T]):
    """Offers a method that returns an async generator as one that returns an iterator or an async iterator."""

    if TYPE_CHECKING:

        def __init__(self, function: Callable[Concatenate[Any, P], AsyncIterator[T]]) -> None: ...

        @overload
        def __get__(self, obj: None, owner: type) -> Callable[..., Any]: ...
        @overload
        def __get__(self, obj: Resource[SyncBackend], owner: type | None = None) -> Callable[P, Iterator[T]]: ...
        @overload
        def __get__(self, obj: Resource[AsyncBackend], owner: type | None = None) -> Callable[P, AsyncIterator[T]]: ...
        def __get__(self, obj: Resource[Any] | None, owner: type | None = None) -> Any: ...

    def make_method(self, function: Any, is_async: bool) -> Callable[..., Any]:
        operation = getattr(function, "operation", None)
        name = operation.operation_id if operation else function.__name__
        if not is_async:
            function.__annotations__["return"] = function.__annotations__["return"].removeprefix("Async")

        @wraps(function)
        def method(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            generator, show = function(*args, **kwargs), partial(_show_call, name, args[1:], kwargs)
            return AsyncItems(generator, show) if is_async else Items(iterate_sync(generator), show)

        return method


def _copy(source: FunctionType, code: CodeType) -> FunctionType:
    function = FunctionType(code, source.__globals__, source.__name__, source.__defaults__, source.__closure__)
    function.__kwdefaults__ = source.__kwdefaults__
    update_wrapper(function, source).__annotations__ = dict(source.__annotations__)
    del vars(function)["__wrapped__"]  # set by `update_wrapper`
    return function


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
