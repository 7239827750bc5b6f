"""Operations as objects, and the calls that they return for a client to send."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from inspect import signature
from typing import TYPE_CHECKING, Generic, NamedTuple, NoReturn, ParamSpec, Protocol, Self, TypeVar

from ..errors import MissingOperation
from .requests import Request

if TYPE_CHECKING:
    import httpx

P = ParamSpec("P")
T_co = TypeVar("T_co", covariant=True)


class Endpoint(Protocol[P, T_co]):
    """The functions of an endpoint module for clients that send requests themselves."""

    @property
    def build(self) -> Callable[P, Request]: ...

    @property
    def parse(self) -> Callable[[httpx.Response], T_co]: ...


class Call(NamedTuple, Generic[T_co]):
    """A request that is ready to be sent, and the function that parses its response."""

    request: Request
    parse: Callable[[httpx.Response], T_co]

    def at(self, path: str) -> Call[T_co]:
        """Return a call that GETs another path and parses the response alike, for the next page of a list."""
        return Call(Request("GET", path), self.parse)


class Operation(Generic[P, T_co]):
    """An operation of the OpenAPI document. Calling it with the arguments of its `build` returns a `Call`."""

    def __init__(self, operation_id: str, load: Callable[[], Endpoint[P, T_co]]) -> None:
        self.operation_id = operation_id
        self._load = load

    @classmethod
    def missing(cls, operation_id: str) -> Self:
        """Return an operation that raises `MissingOperation` when it is called."""

        def load() -> NoReturn:
            raise MissingOperation(operation_id)

        return cls(operation_id, load)

    @cached_property
    def endpoint(self) -> Endpoint[P, T_co]:
        """The endpoint module, imported on first use."""
        endpoint = self._load()
        # Python begins a TypeError about wrong arguments with this name, so it must be the one that the caller used.
        # (For type checkers a `Callable` has no `__qualname__` to assign to, hence `setattr`.)
        setattr(endpoint.build, "__qualname__", self.operation_id)  # noqa: B010
        return endpoint

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[T_co]:
        """Return the request and its parser; TypeError or ValueError names an invalid argument."""
        return Call(self.endpoint.build(*args, **kwargs), self.endpoint.parse)

    @cached_property
    def arguments(self) -> frozenset[str]:
        """The names of the arguments that the OpenAPI document defines."""
        return frozenset(signature(self.endpoint.build).parameters)
