"""Write once, offer twice: how one `async def` becomes a method of `Replicate` and of `AsyncReplicate`.

Every behaviour of the package is a coroutine (or an async generator) that awaits nothing but its session and other
coroutines of the package. Over the `AsyncBackend` it runs like any coroutine. Over the `SyncBackend` the backend's own
`async def` methods block instead of suspending, so the whole coroutine runs from its first line to its last in one
step: `send(None)` starts it, and its result arrives in the StopIteration (`run_sync`). No thread, no event loop, no
greenlet, and it works inside a running event loop (Jupyter). If a coroutine does try to suspend, `run_sync` raises.

The descriptors bind a coroutine function to both clients, and their two overloads give each the exact type: on a
`Resource[SyncBackend]` the attribute is `(...) -> T`, on a `Resource[AsyncBackend]` it is `(...) -> Coroutine[..., T]`.

    class Predictions(Namespace[BackendT]):     # generated, see `_generated.resources`
        get = operation_method(op.PREDICTIONS_GET)

    class RunMixin(Resource[BackendT]):         # handwritten
        @dual_method
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

from ._backends.sync import SyncBackend, iterate_sync, run_sync
from ._send import BackendT, Session

if TYPE_CHECKING:
    from replicate_api.types import Operation

    from ._backends.asyncio import AsyncBackend

P = ParamSpec("P")
T = TypeVar("T")


class Resource(Generic[BackendT]):
    """An object that sends requests through the session of a client."""

    def __init__(self, session: Session[BackendT]) -> None:
        self._session = session


class DualDescriptor:
    """Offers a function of a `Resource` as a method: as it is over an async backend, else through `call_sync`.

    The method of an operation takes its docstring and signature from that operation, for `help()` and notebooks. They
    are loaded when the method is first accessed.
    """

    def __init__(self, function: Callable[..., Any], operation: Operation[..., Any] | None = None) -> None:
        self.function = function
        self.operation = operation
        self.__doc__ = function.__doc__
        self._sync_function: Callable[..., Any] | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        self.function.__name__ = name
        self.function.__qualname__ = f"{owner.__qualname__}.{name}"

    def call_sync(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function over a sync backend."""
        raise NotImplementedError

    @property
    def return_annotation(self) -> Any:
        """The return type that the signature of an operation's method shows."""
        return inspect.Signature.empty

    def bind(self, obj: Resource[Any] | None) -> Any:
        """Return the bound method of an object, or this descriptor on the class."""
        if obj is None:
            return self
        if self._sync_function is None:
            self._sync_function = self._make_sync_function()
        return MethodType(self.function if obj._session.backend.is_async else self._sync_function, obj)

    def _make_sync_function(self) -> Callable[..., Any]:
        function = self.function
        if self.operation is not None:
            build = self.operation.endpoint.build
            function.__doc__ = build.__doc__
            self_parameter = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
            parameters = [self_parameter, *inspect.signature(build).parameters.values()]
            vars(function)["__signature__"] = inspect.Signature(parameters, return_annotation=self.return_annotation)

        def sync_function(*args: Any, **kwargs: Any) -> Any:
            return self.call_sync(*args, **kwargs)

        return update_wrapper(sync_function, function)


class dual_method(DualDescriptor, Generic[P, T]):
    """Offers a coroutine method to both clients."""

    if TYPE_CHECKING:

        def __init__(
            self,
            function: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
            operation: Operation[P, Any] | None = None,
        ) -> None: ...

    @overload
    def __get__(self, obj: Resource[SyncBackend], owner: object = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, obj: Resource[AsyncBackend], owner: object = None) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, obj: Resource[Any] | None, owner: object = None) -> Any:
        return self.bind(obj)

    def call_sync(self, *args: Any, **kwargs: Any) -> T:
        result: T = run_sync(self.function(*args, **kwargs))
        return result

    @property
    def return_annotation(self) -> Any:
        operation = self.operation
        if operation is None:
            return super().return_annotation
        return inspect.signature(operation.endpoint.parse).return_annotation


class dual_iterator(DualDescriptor, Generic[P, T]):
    """Offers a method that returns an async generator as one that returns an iterator or an async iterator."""

    if TYPE_CHECKING:

        def __init__(
            self,
            function: Callable[Concatenate[Any, P], AsyncGenerator[T, None]],
            operation: Operation[P, Any] | None = None,
        ) -> None: ...

    @overload
    def __get__(self, obj: Resource[SyncBackend], owner: object = None) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, obj: Resource[AsyncBackend], owner: object = None) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, obj: Resource[Any] | None, owner: object = None) -> Any:
        return self.bind(obj)

    def call_sync(self, *args: Any, **kwargs: Any) -> Iterator[T]:
        return iterate_sync(self.function(*args, **kwargs))
