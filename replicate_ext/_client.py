"""The two clients: `Replicate` and `AsyncReplicate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import httpx

from replicate_api.types import UNSET, Request

from ._backends.sync import SyncBackend, run_sync
from ._config import DEFAULT_MAX_RETRIES, Config, load_config
from ._dual import dual_method
from ._files.outputs import FilesMixin
from ._generated.resources import Operations
from ._pagination import PaginationMixin
from ._predictions.run import RunMixin
from ._send import BackendT, Session

if TYPE_CHECKING:
    import ssl

    from replicate_api.client import AsyncSender, Sender

    from ._backends.asyncio import AsyncBackend

T = TypeVar("T")
TransportT = TypeVar("TransportT", httpx.BaseTransport, httpx.AsyncBaseTransport)


class _Client(
    Operations[BackendT],
    RunMixin[BackendT],
    PaginationMixin[BackendT],
    FilesMixin[BackendT],
    Generic[BackendT, TransportT],
):
    """Every operation of the API, and what both clients add to them."""

    def __init__(
        self,
        api_token: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float | httpx.Timeout | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        verify: bool | ssl.SSLContext = True,
        transport: TransportT | None = None,
    ) -> None:
        config = load_config(
            api_token,
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            headers=headers,
            user_agent=user_agent,
            verify=verify,
            transport=transport,
        )
        super().__init__(Session(self._make_backend(lambda: config)))

    @staticmethod
    def _make_backend(load_config: Callable[[], Config]) -> Any:
        raise NotImplementedError

    @classmethod
    def _from_environment(cls) -> Self:
        """Return a client that reads the environment on first use."""
        client = cls.__new__(cls)
        Operations.__init__(client, Session(cls._make_backend(load_config)))
        return client

    @dual_method
    async def request(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: object = None
    ) -> Any:
        """Send any request to the API and return the decoded JSON of the response, or None if it has no body.

        For what the OpenAPI document does not define yet; retries and errors are those of every other call.

        Args:
            method: The HTTP method.
            path: The path below the base URL, beginning with a slash: `/predictions`.
            params: The query parameters.
            json: The JSON body, or None for no body.
        """
        if not path.startswith("/"):
            raise ValueError(f"path must begin with a slash, below {self._session.config.base_url}: {path!r}")
        request = Request(method.upper(), path, dict(params or {}), json=UNSET if json is None else json)
        response = await self._session.send(request, lambda response: response.json() if response.content else None)
        return response.value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._session.config.base_url!r})"


class Replicate(_Client[SyncBackend, httpx.BaseTransport]):
    """A sync client for Replicate's HTTP API; can be shared between threads.

    Args:
        api_token: The API token; by default the environment variable REPLICATE_API_TOKEN. A missing or malformed token
            raises AuthenticationError immediately.
        base_url: Another server, with or without `/v1`; by default REPLICATE_BASE_URL, else Replicate's.
        timeout: Seconds for one HTTP request to connect, to read and to write, or an `httpx.Timeout`. To limit a whole
            run, use `run(timeout=…)`.
        max_retries: How often a request is retried, if a retry is safe.
        headers: Additional headers for requests to the API; like the token, they are sent to no other host.
        user_agent: Replaces the default User-Agent.
        verify: False, or an `ssl.SSLContext` of your own (for a corporate CA, say).
        transport: An httpx transport. By default the proxies of the environment are used.

    Use it in a `with` block, or call `close()`.
    """

    @staticmethod
    def _make_backend(load_config: Callable[[], Config]) -> SyncBackend:
        return SyncBackend(load_config)

    @property
    def api(self) -> Sender:
        """The generated client, with the connections, token and retries of this one, for typed low-level calls.

        `predictions_get.sync("…", client=client.api)`. It raises the errors of this package.
        """
        return _Api(self._session)

    def close(self) -> None:
        """Close the connections. A client that is used again opens new ones."""
        self._session.backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncReplicate(_Client["AsyncBackend", httpx.AsyncBaseTransport]):
    """An async client for Replicate's HTTP API; can serve several event loops, one after another.

    The arguments are those of `Replicate`; `transport` is an `httpx.AsyncBaseTransport`. Use it in an `async with`
    block, or call `aclose()`.
    """

    @staticmethod
    def _make_backend(load_config: Callable[[], Config]) -> AsyncBackend:
        from ._backends.asyncio import AsyncBackend  # and with it asyncio, which sync callers do not need

        return AsyncBackend(load_config)

    @property
    def api(self) -> AsyncSender:
        """The generated client, with the connections, token and retries of this one, for typed low-level calls.

        `await predictions_get.asyncio("…", client=client.api)`. It raises the errors of this package.
        """
        return _AsyncApi(self._session)

    async def aclose(self) -> None:
        """Close the connections of the running event loop. A client that is used again opens new ones."""
        await self._session.backend.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


class _Api:
    """What the generated client needs to send requests: `replicate_api.client.Sender`."""

    def __init__(self, session: Session[SyncBackend]) -> None:
        self._session = session

    def send(self, request: Request, parse: Callable[[httpx.Response], T], /) -> T:
        return run_sync(self._session.send(request, parse)).value


class _AsyncApi:
    """What the generated client needs to send requests: `replicate_api.client.AsyncSender`."""

    def __init__(self, session: Session[AsyncBackend]) -> None:
        self._session = session

    async def asend(self, request: Request, parse: Callable[[httpx.Response], T], /) -> T:
        return (await self._session.send(request, parse)).value
