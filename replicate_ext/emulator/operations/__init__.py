"""The operations of the API, each a function that is registered under its operationId."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from .. import pages
from ..clock import Clock
from ..runner import Runner
from ..state import State

T = TypeVar("T")


@dataclass
class Call:
    """One request, as an operation sees it. What an operation returns is the JSON of a 200, or a whole response."""

    request: Request
    state: State
    runner: Runner
    clock: Clock
    body: Any = None
    """The JSON of the body, in which the contract finds no fault."""
    query: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Scheme and host under which the caller knows this server."""
        return origin(self.request)

    @property
    def url(self) -> str:
        """The address that was asked for, without its query."""
        return self.origin + self.request.url.path

    def page(
        self, items: Iterable[T], key: Callable[[T], str], size: int, descending: bool = True
    ) -> tuple[dict[str, str | None], list[T]]:
        """Return the links and the items of the page of a list that was asked for, in the order of their keys."""
        return pages.page(items, key, size, self.url, self.query, descending)


def origin(request: Request) -> str:
    """Return scheme and host under which the caller knows this server."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


def parsed(raw: bytes | str) -> Any:
    """Return the value of JSON text; ValueError or RecursionError where it is none that could be sent back."""
    value = json.loads(raw, parse_constant=_refuse_constant)
    json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair has no bytes
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON as the API sends it, with a newline at the end."""
    body = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Response(body + "\n", status, headers, "application/json")


Handler = Callable[..., Awaitable[Any]]

HANDLERS: dict[str, Handler] = {}
"""Each operation's function, by operationId."""


def answers(operation_id: str) -> Callable[[Handler], Handler]:
    """Register a function for an operation; it takes a `Call` and the parameters of the path, by position."""

    def register(function: Handler) -> Handler:
        HANDLERS[operation_id] = function
        return function

    return register


def handlers() -> Mapping[str, Handler]:
    """Return the functions of all operations."""
    from . import account, deployments, files, models, predictions, trainings  # noqa: F401  # they register themselves

    return HANDLERS
