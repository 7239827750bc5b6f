"""From an operation of the OpenAPI document to a method of the clients, in one line each.

class Predictions(Namespace[BackendT]):
    create = method_with_files(op.PREDICTIONS_CREATE)
    get = operation_method(op.PREDICTIONS_GET)
    list = paginated_method(op.PREDICTIONS_LIST)
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from replicate_api.types import Call, Operation

from ._dual import Resource, class_of_one_kind, dual_iterator, dual_method
from ._files.inputs import prepare_input
from ._pagination import PageResponse, iterate_items
from ._send import BackendT

P = ParamSpec("P")
T = TypeVar("T")


class Namespace(Resource[BackendT]):
    """The operations whose ids begin with the same words: `client.models.versions`."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self._public_names())}>"

    def _public_names(self) -> list[str]:
        return [name for name in dir(type(self)) if not name.startswith("_")]

    if not TYPE_CHECKING:  # type checkers would accept every name

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            names = ", ".join(self._public_names())
            raise AttributeError(
                f"{type(self).__name__} has no {name!r}: the OpenAPI document that this client was generated from has "
                f"no such operation; available: {names}",
                name=name,
                obj=self,
            )


class _Child:
    """The descriptor that `child` returns."""

    def __init__(self, cls: Any) -> None:
        self._cls = cls
        self.__doc__ = cls.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, obj: Namespace[Any] | None, owner: type[Namespace[Any]]) -> Any:
        kind = class_of_one_kind(owner)
        cls = _make_class_of_one_kind(self._cls, kind._is_async) if kind else self._cls
        if obj is None:
            return cls
        namespace = vars(obj)[self._name] = cls(obj._session)
        return namespace


@cache
def _make_class_of_one_kind(cls: type[Any], is_async: bool) -> type[Any]:
    return type(cls.__name__, (cls,), {"_is_async": is_async, "__doc__": cls.__doc__, "__module__": cls.__module__})


def child(cls: type[Namespace[Any]]) -> Any:
    """Make an attribute that is another namespace of the client, made on first access; on a class it is the class."""
    return _Child(cls)


def operation_method(operation: Operation[P, T]) -> dual_method[P, T]:
    """Make a method that sends the request of an operation and returns its parsed response."""

    async def method(self: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True
        return await self._session.call(operation(*args, **kwargs))

    return dual_method(method, operation)


def method_with_files(operation: Operation[P, T]) -> dual_method[P, T]:
    """Make a method of an operation with an `input`, whose files are sent first, as `run` does."""

    async def method(self: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True
        session, fields = self._session, dict[str, Any](kwargs)
        build: Any = operation
        if "input" in fields:
            prepared = prepare_input(fields["input"])
            build(*args, **{**fields, "input": {}})  # raises for any other invalid argument before files are sent
            fields["input"] = await prepared.send(session)
        call: Call[T] = build(*args, **fields)
        return await session.call(call)

    return dual_method(method, operation)


def paginated_method(operation: Operation[P, PageResponse[T]]) -> dual_iterator[P, T]:
    """Make a method of a list operation: it yields the items of all pages, and fetches each page when it is reached."""

    def method(self: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        __tracebackhide__ = True
        return iterate_items(self._session, operation(*args, **kwargs))  # raises for invalid arguments immediately

    vars(method)["operation"] = operation  # for `paginate`
    return dual_iterator(method, operation)
