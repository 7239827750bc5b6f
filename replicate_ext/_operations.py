"""From an operation of the OpenAPI document to a method of the clients, in one line each.

class Predictions(Namespace[BackendT]):
    create = method_with_files(op.PREDICTIONS_CREATE)
    get = operation_method(op.PREDICTIONS_GET)
    list = paginated_method(op.PREDICTIONS_LIST)
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from replicate_api.types import Call, Operation

from ._dual import Resource, dual_iterator, dual_method
from ._files.inputs import prepare_input
from ._pagination import PageResponse, iterate_items
from ._send import BackendT

P = ParamSpec("P")
T = TypeVar("T")


class Namespace(Resource[BackendT]):
    """The operations whose ids begin with the same words: `client.models.versions`."""

    if not TYPE_CHECKING:  # type checkers would accept every name

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            names = ", ".join(each for each in dir(self) if not each.startswith("_"))
            raise AttributeError(
                f"{type(self).__name__} has no {name!r}: the OpenAPI document that this client was generated from has "
                f"no such operation; available: {names}",
                name=name,
                obj=self,
            )


def operation_method(operation: Operation[P, T]) -> dual_method[P, T]:
    """Make a method that sends the request of an operation and returns its parsed response."""

    async def method(self: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._session.call(operation(*args, **kwargs))

    return dual_method(method, operation)


def method_with_files(operation: Operation[P, T]) -> dual_method[P, T]:
    """Make a method of an operation with an `input`, whose files are sent first, as `run` does."""

    async def method(self: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
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
        return iterate_items(self._session, operation(*args, **kwargs))  # raises for invalid arguments immediately

    vars(method)["operation"] = operation  # for `paginate`
    return dual_iterator(method, operation)
