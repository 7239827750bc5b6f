"""What the generated namespaces of the clients are made of: `client.models.versions`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from replicate_api._runtime.deprecation import INTERNAL_PACKAGES
from replicate_api.types import Call, Operation

from ._dual import DualDescriptor, Resource, dual_iterator
from ._files.inputs import prepare_input
from ._send import BackendT, Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Concatenate

    from ._pagination import PageResponse

P = ParamSpec("P")
T = TypeVar("T")

INTERNAL_PACKAGES.add(__name__.partition(".")[0])


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


class _Child(DualDescriptor):
    """The descriptor that `child` returns."""

    def __init__(self, cls: Any) -> None:
        self._cls = cls

    def make_member(self, cls: type[Resource[Any]], name: str) -> _ChildProperty:
        member = _ChildProperty(self._cls, cls._is_async)
        member.__set_name__(cls, name)
        return member


class _ChildProperty(cached_property[Any]):
    """A namespace of a client, made on first access; on the class of the client it is the class of the namespace."""

    def __init__(self, cls: Any, is_async: bool) -> None:
        def make(parent: Namespace[Any]) -> Any:
            return self._make_class()(parent._session)

        make.__doc__, make.__annotations__["return"] = cls.__doc__, cls
        super().__init__(make)
        self._make_class = partial(_make_class_of_one_kind, cls, is_async)

    def __get__(self, obj: object, owner: type[Any] | None = None) -> Any:
        return self._make_class() if obj is None else super().__get__(obj, owner)


@cache
def _make_class_of_one_kind(cls: type[Any], is_async: bool) -> type[Any]:
    return type(cls.__name__, (cls,), {"_is_async": is_async, "__doc__": cls.__doc__, "__module__": cls.__module__})


def child(cls: type[Namespace[Any]]) -> Any:
    """Make an attribute that is another namespace of the client."""
    return _Child(cls)


def list_method(
    operation: Operation[P, PageResponse[T]],
) -> Callable[[Callable[Concatenate[Any, P], AsyncIterator[T]]], dual_iterator[P, T]]:
    """Offer a method that yields the items of a list operation; `paginate` finds the operation in it."""

    def decorate(function: Callable[Concatenate[Any, P], AsyncIterator[T]]) -> dual_iterator[P, T]:
        vars(function)["operation"] = operation
        return dual_iterator(function)

    return decorate


async def send_files(session: Session[Any], call: Callable[..., Call[Any]], input: Any) -> Any:
    """Send the files in the `input` of an operation, as `run` does, and return it with their URLs in their place."""
    prepared = prepare_input(input)
    call(input={})  # raises for any other invalid argument before files are sent
    return await prepared.send(session)
