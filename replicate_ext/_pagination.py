"""Lists that come in pages: follow `next` until the last page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, overload
from urllib.parse import urlsplit

from replicate_api.types import Call, Operation

from ._dual import Resource, dual_iterator
from ._sansio.base_url import DEFAULT_BASE_URL
from ._sansio.redact import strip_query
from ._send import BackendT, Session
from .errors import ReplicateError, ResponseDecodeError

if TYPE_CHECKING:
    from ._backends.asyncio import AsyncBackend
    from ._backends.sync import SyncBackend

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class PageResponse(Protocol[T_co]):
    """The response of a list operation: some items, and the URL of the next page."""

    @property
    def results(self) -> Sequence[T_co] | None: ...

    @property
    def next(self) -> str | None: ...


class Page(list[T]):
    """The items of one page: a list that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        from ._display.page import table

        return table(self)


class _paginate_method(dual_iterator[..., Any]):
    """`dual_iterator` for the one method whose items depend on its argument."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, obj: None, owner: type) -> Callable[..., Any]: ...
        @overload
        def __get__(self, obj: Resource[SyncBackend], owner: type | None = None) -> _SyncPaginate: ...
        @overload
        def __get__(self, obj: Resource[AsyncBackend], owner: type | None = None) -> _AsyncPaginate: ...
        def __get__(self, obj: Resource[Any] | None, owner: type | None = None) -> Any: ...


class PaginationMixin(Resource[BackendT]):
    """Adds `paginate` to the clients."""

    @_paginate_method
    def paginate(
        self, list_method: Any, /, *args: Any, limit: int | None = None, prefetch: bool = True, **filters: Any
    ) -> AsyncIterator[Page[Any]]:
        """Yield the pages of a list; each next page is fetched while you process the current one.

        A list method itself yields single items: `for model in client.models.list()`.

        Args:
            list_method: A list method of this client, such as `client.predictions.list`.
            *args: Its positional arguments.
            limit: The maximum number of items in total.
            prefetch: Whether to fetch the next page in the background.
            **filters: Its keyword arguments, such as `created_after`.

        Yields:
            A `Page` of items.

        Raises:
            TypeError, ValueError: An argument is invalid; nothing was sent.
            APIStatusError, APIConnectionError, ResponseDecodeError: A page could not be fetched, despite retries; a
                note gives its number and how many items came before it.

        Examples:
            >>> for page in client.paginate(client.models.list, limit=3):
            ...     print(len(page))
            3
        """
        operation = getattr(list_method, "operation", None)
        if not isinstance(operation, Operation):
            raise TypeError(f"paginate takes a list method such as client.models.list, not {list_method!r:.100}")
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise ValueError(f"limit must be 1 or more, or None, not {limit!r}")
        return _iterate_pages(self._session, operation(*args, **filters), limit, prefetch)


async def iterate_items(session: Session[Any], call: Call[PageResponse[T]]) -> AsyncGenerator[T, None]:
    """Yield the items of all pages, with one page in memory at a time."""
    async with aclosing(_iterate_pages(session, call)) as pages:
        async for page in pages:
            for item in page:
                yield item
            del page  # or it stays in memory while the next one is fetched


async def _iterate_pages(
    session: Session[Any], call: Call[PageResponse[T]], limit: int | None = None, prefetch: bool = False
) -> AsyncGenerator[Page[T], None]:
    count, number, prefetched = 0, 1, None
    # Brent's cycle detection: stops a `next` chain that loops, in O(1) memory.
    checkpoint, next_checkpoint = call.request.path, 2
    try:
        while True:
            try:
                response = await (prefetched.result() if prefetched else session.call(call))
                if not isinstance(response.results, list):
                    label = f"{call.request.method} {strip_query(call.request.path)}"
                    raise ResponseDecodeError(f"{label}: the response is no page, it has no list of results")
                path = next_path(response.next, session.config.base_url)
            except ReplicateError as error:
                error.add_note(f"this was page {number} of the list, after {count} items")
                raise
            page = Page(response.results)
            if limit is not None:
                del page[limit - count :]
            count += len(page)
            is_last = path in (None, call.request.path, checkpoint) or count == limit
            if not is_last:
                call = call.at(str(path))
                prefetched = session.backend.start_soon(session.call(call)) if prefetch else None
            number += 1
            if number == next_checkpoint:
                checkpoint, next_checkpoint = call.request.path, 2 * number
            yield page
            del page, response  # or two pages are in memory while the next one is fetched
            if is_last:
                return
    finally:
        if prefetched:
            prefetched.cancel()


def next_path(url: object, base_url: str) -> str | None:
    """Return the path and query of the next page, below the base URL, or None after the last page.

    The next page is requested at the base URL, whatever host the link names: behind a gateway that is the API's own.
    Without a gateway, a link to another host is an error. The scheme is ignored: an example in Replicate's OpenAPI
    document has an http link, another one the string "null" (docs/api-facts.md, section 3).

    Raises:
        ResponseDecodeError: The link leads elsewhere.
    """
    if not isinstance(url, str) or url in ("", "null"):
        return None
    foreign = ResponseDecodeError(f"the URL of the next page is not below {base_url}: {url.partition('?')[0]}")
    try:
        base, link, api = urlsplit(base_url), urlsplit(url), urlsplit(DEFAULT_BASE_URL)
        port = link.port
    except ValueError:
        raise foreign from None
    own_ports = (base.port,) if base.port else (None, 80, 443)
    is_own_host = link.hostname == base.hostname and port in own_ports
    if is_own_host or (link.hostname and base.hostname != api.hostname):
        for prefix in (base.path, api.path):
            if link.path.startswith(f"{prefix}/"):
                return link.path.removeprefix(prefix) + (f"?{link.query}" if link.query else "")
    raise foreign


if TYPE_CHECKING:

    class _SyncPaginate(Protocol):
        def __call__(
            self,
            list_method: Callable[..., Iterator[T]],
            /,
            *args: Any,
            limit: int | None = None,
            prefetch: bool = True,
            **filters: Any,
        ) -> Iterator[Page[T]]: ...

    class _AsyncPaginate(Protocol):
        def __call__(
            self,
            list_method: Callable[..., AsyncIterator[T]],
            /,
            *args: Any,
            limit: int | None = None,
            prefetch: bool = True,
            **filters: Any,
        ) -> AsyncIterator[Page[T]]: ...
