"""What a handler gets, and the registry of handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import Request

from ..clock import Clock
from ..http import get_origin
from ..pagination import paginate
from ..runner import Runner
from ..state import State

T = TypeVar("T")

Handler = Callable[..., Awaitable[Any]]
"""Takes a `Context` and the path parameters by position; returns the JSON of a 200, or a whole `Response`."""

HANDLERS: dict[str, Handler] = {}
"""operationId → handler."""


@dataclass
class Context:
    """One request, and the parts of the emulator that handlers use."""

    request: Request
    state: State
    runner: Runner
    clock: Clock
    body: Any = None
    """The JSON body, valid for the operation's schema."""
    query: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Scheme and host under which the client reached this server."""
        return get_origin(self.request)

    @property
    def url(self) -> str:
        """The requested URL, without its query."""
        return self.origin + self.request.url.path

    def paginate(
        self, items: Iterable[T], key: Callable[[T], str], size: int, descending: bool = True
    ) -> tuple[dict[str, str | None], list[T]]:
        """Return the links and the items of the requested page; see `pagination.paginate`.

        Unlike there, the items may be in any order.
        """
        return paginate(sorted(items, key=key), key, size, self.url, self.query, descending)


def handles(operation_id: str) -> Callable[[Handler], Handler]:
    """Register a function as the handler of an operation."""

    def register(handler: Handler) -> Handler:
        HANDLERS[operation_id] = handler
        return handler

    return register
