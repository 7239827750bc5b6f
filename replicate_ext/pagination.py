"""Follow `next` until there is none."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit

from replicate_api.types import Unset

from ._bridge import Resource, each, wearing
from ._wire import Wire, send
from .errors import ResponseError
from .operations import Operation

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Page(Protocol[T_co]):
    """Some items, and the URL of the next ones."""

    @property
    def results(self) -> Sequence[T_co] | Unset: ...

    @property
    def next(self) -> str | Unset | None: ...


def listed(operation: Operation[P, Page[T]]) -> each[P, T]:
    """Make a method of a list operation: it yields every item of every page, and asks for a page when it gets there."""

    def method(self: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        operation(*args, **kwargs)  # wrong arguments are told now, not at the first item
        return items(self._wire, operation, *args, **kwargs)

    return each(wearing(method, operation))


async def items(
    wire: Wire, operation: Operation[P, Page[T]], /, *args: P.args, **kwargs: P.kwargs
) -> AsyncGenerator[T, None]:
    """Yield the items of all pages, one page in memory at a time."""
    call = operation(*args, **kwargs)
    while True:
        page = await send(wire, call)
        for item in page.results if isinstance(page.results, list) else ():
            yield item
        path = next_path(page.next, wire.settings.base_url)
        if path is None or path == call.request.path:
            return
        call = operation.at(path)


def next_path(url: object, base_url: str) -> str | None:
    """Return the path of the next page below the base URL, or None after the last page.

    Only the API's own host is followed. The scheme is always that of the base URL: Replicate's document shows a
    link that says http.

    Raises:
        ResponseError: The link leads elsewhere.
    """
    if not isinstance(url, str) or url in ("", "null"):  # the document's own example says "null"
        return None
    base, link = urlsplit(base_url), urlsplit(url)
    same_host = link.hostname == base.hostname and (link.port == base.port or link.port is None is base.port)
    if not same_host or not link.path.startswith(base.path + "/"):
        raise ResponseError(f"the next page is not below {base_url}: {url.partition('?')[0]}")
    return link.path.removeprefix(base.path) + (f"?{link.query}" if link.query else "")
