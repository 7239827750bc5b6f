"""Follow `next` until there is none."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast, overload
from urllib.parse import urlsplit

from replicate_api.types import Call, Operation, Unset

from ._backends.sync import BlockingWire, Wire
from ._dual import Resource, W, each
from ._send import send
from .errors import ReplicateError, ResponseError

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class _Answer(Protocol[T_co]):
    """What a list operation answers: some items, and the URL of the next ones."""

    @property
    def results(self) -> Sequence[T_co] | Unset: ...

    @property
    def next(self) -> str | Unset | None: ...


class Page(list[T]):
    """The items of one page."""


def listed(operation: Operation[P, _Answer[T]]) -> each[P, T]:
    """Make a method of a list operation: it yields every item of every page, and asks for a page when it gets there."""

    def method(self: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        return _items(self._wire, operation(*args, **kwargs))  # wrong arguments are told now, not at the first item

    vars(method)["operation"] = operation  # for `paginate`
    return each(method, operation)


class Paginating(Resource[W]):
    """What both clients do with lists."""

    @each
    def _paginate(
        self, listing: Any, /, *args: Any, limit: int | None = None, prefetch: bool = True, **filters: Any
    ) -> AsyncGenerator[Page[Any], None]:
        """Yield the pages of a list; the next one is fetched while you are busy with the one before.

            for page in client.paginate(client.models.list, limit=1000):
                print(len(page), page[0].name)

        Called by itself, a list method yields single items: `for model in client.models.list()`.

        Args:
            listing: A list method of this client, such as `client.predictions.list`.
            args: Its arguments.
            limit: How many items there should be at most, all in all.
            prefetch: Whether to fetch a page ahead.
            filters: Its keyword arguments, such as `created_after`.

        Raises:
            TypeError, ValueError: An argument is wrong; nothing was sent.
            ReplicateError: A page could not be had, repetitions included; a note says which page, after how many
                items.
        """
        operation = getattr(listing, "operation", None)
        if not isinstance(operation, Operation):
            raise TypeError(f"paginate takes a list method such as client.models.list, not {listing!r:.100}")
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise ValueError(f"limit must be 1 or more, or None, not {limit!r}")
        return _pages(self._wire, operation(*args, **filters), limit, prefetch)

    paginate = cast("_Paginate", _paginate)


async def _items(wire: Wire, call: Call[_Answer[T]]) -> AsyncGenerator[T, None]:
    """Yield the items of all pages, one page in memory at a time."""
    async with aclosing(_pages(wire, call)) as pages:
        async for page in pages:
            for item in page:
                yield item
            del page  # see there


async def _pages(
    wire: Wire, call: Call[_Answer[T]], limit: int | None = None, prefetch: bool = False
) -> AsyncGenerator[Page[T], None]:
    seen, number, coming = 0, 1, None
    landmark, next_landmark = call.request.path, 2
    try:
        while True:
            try:
                answer = await (coming.result() if coming else send(wire, call))
                path = next_path(answer.next, wire.settings.base_url)
            except ReplicateError as error:
                error.add_note(f"this was page {number} of the list, after {seen} items")
                raise
            page = Page(answer.results if isinstance(answer.results, list) else ())
            if limit is not None:
                del page[limit - seen :]
            seen += len(page)
            is_last = path in (None, call.request.path, landmark) or seen == limit
            if not is_last:
                call = call.at(str(path))
                coming = wire.ahead(send(wire, call)) if prefetch else None
            number += 1
            if number == next_landmark:  # Brent's way to notice links that go round, without remembering all of them
                landmark, next_landmark = call.request.path, 2 * number
            yield page
            del page, answer  # or two pages are in memory while the next one is read
            if is_last:
                return
    finally:
        if coming:
            coming.drop()


def next_path(url: object, base_url: str) -> str | None:
    """Return the path of the next page below the base URL, or None after the last page.

    Only the API's own host is followed. The scheme is always that of the base URL: Replicate's document shows a
    link that says http.

    Raises:
        ResponseError: The link leads elsewhere.
    """
    if not isinstance(url, str) or url in ("", "null"):  # the document's own example says "null"
        return None
    elsewhere = ResponseError(f"the next page is not below {base_url}: {url.partition('?')[0]}")
    try:
        base, link = urlsplit(base_url), urlsplit(url)
        port = link.port
    except ValueError:
        raise elsewhere from None
    own_ports = (base.port,) if base.port else (None, 80, 443)
    if link.hostname != base.hostname or port not in own_ports or not link.path.startswith(base.path + "/"):
        raise elsewhere
    return link.path.removeprefix(base.path) + (f"?{link.query}" if link.query else "")


if TYPE_CHECKING:
    from ._backends.asyncio import AsyncWire

    class _BlockingPaginate(Protocol):
        def __call__(
            self,
            listing: Callable[..., Iterator[T]],
            /,
            *args: Any,
            limit: int | None = None,
            prefetch: bool = True,
            **filters: Any,
        ) -> Iterator[Page[T]]: ...

    class _AsyncPaginate(Protocol):
        def __call__(
            self,
            listing: Callable[..., AsyncIterator[T]],
            /,
            *args: Any,
            limit: int | None = None,
            prefetch: bool = True,
            **filters: Any,
        ) -> AsyncIterator[Page[T]]: ...

    class _Paginate(Protocol):
        """`each`, for the one method whose items depend on its argument."""

        @overload
        def __get__(self, obj: Resource[BlockingWire], owner: object = None) -> _BlockingPaginate: ...
        @overload
        def __get__(self, obj: Resource[AsyncWire], owner: object = None) -> _AsyncPaginate: ...
