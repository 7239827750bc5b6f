"""The two clients: `Replicate` and `AsyncReplicate`."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import httpx

from replicate_api.types import UNSET, Request, Unset

from ._backends.sync import SyncBackend, run_sync
from ._batch.map import MapMixin
from ._config import DEFAULT_MAX_RETRIES, Config, HTTPBackend, load_config
from ._files.save_all import FilesMixin
from ._functions.use import UseMixin
from ._generated.resources import Operations
from ._pagination import PaginationMixin
from ._request import RequestMixin
from ._sansio.retry import MAX_RETRY_AFTER_TOTAL
from ._send import BackendT, Session

if TYPE_CHECKING:
    from replicate_api.client import AsyncSender, Sender

    from ._backends.asyncio import AsyncBackend

T = TypeVar("T")
TransportT = TypeVar("TransportT", httpx.BaseTransport, httpx.AsyncBaseTransport)


class _Client(
    Operations[BackendT],
    UseMixin[BackendT],
    MapMixin[BackendT],
    PaginationMixin[BackendT],
    FilesMixin[BackendT],
    RequestMixin[BackendT],
    Generic[BackendT, TransportT],
):
    """Every operation of the API, and what both clients add to them."""

    _is_async: ClassVar[bool]
    _owns_connections = True

    def __init__(
        self,
        api_token: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float | httpx.Timeout | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
        max_rate_limit_wait: float | None = MAX_RETRY_AFTER_TOTAL,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        verify: bool | str | os.PathLike[str] | ssl.SSLContext = True,
        transport: TransportT | None = None,
        http_backend: HTTPBackend | None = None,
    ) -> None:
        config = load_config(
            api_token,
            is_async=self._is_async,
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            max_rate_limit_wait=max_rate_limit_wait,
            headers=headers,
            user_agent=user_agent,
            verify=verify,
            transport=transport,
            http_backend=http_backend,
        )
        super().__init__(Session(self._make_backend(lambda: config)))

    @staticmethod
    def _make_backend(load_config: Callable[[], Config]) -> Any:
        raise NotImplementedError

    @classmethod
    def _from_environment(cls) -> Self:
        """Return a client that reads the environment on first use."""
        client = cls.__new__(cls)
        super(_Client, client).__init__(Session(cls._make_backend(load_config)))
        return client

    def with_options(
        self,
        *,
        timeout: float | httpx.Timeout | Unset | None = UNSET,
        max_retries: int | Unset = UNSET,
        max_rate_limit_wait: float | Unset | None = UNSET,
        headers: Mapping[str, str] | Unset = UNSET,
        user_agent: str | Unset | None = UNSET,
    ) -> Self:
        """Return a client with other options, on the same connections and under the same rate limit.

        What is omitted stays the same. Closing the new client cancels only its own predictions; the connections are
        closed with this one.

        Args:
            timeout: Seconds for one HTTP request to connect, to read and to write, or an `httpx.Timeout`; None for the
                default.
            max_retries: How often a request is retried, if a retry is safe; 0 disables retries.
            max_rate_limit_wait: Seconds that one call waits, in total, for the server's rate limit; None for no limit.
            headers: Headers that are added to those of this client, or replace them by name.
            user_agent: The User-Agent header; None for the default.

        Returns:
            A client of the same class.

        Raises:
            TypeError, ValueError: An option is invalid.

        Examples:
            >>> client.with_options(timeout=5, max_retries=0).account.get().username
            'acme'
        """
        options = {
            "timeout": timeout,
            "max_retries": max_retries,
            "max_rate_limit_wait": max_rate_limit_wait,
            "headers": headers,
            "user_agent": user_agent,
        }
        changes = {name: value for name, value in options.items() if not isinstance(value, Unset)}
        session = self._session.with_config(self._session.config.with_options(**changes))
        client = type(self).__new__(type(self))
        super(_Client, client).__init__(session)
        client._predictions = self._predictions.with_session(session)
        client._owns_connections = False
        return client

    async def _close(self) -> None:
        """Cancel what is still waited for, and close the connections, unless they belong to another client."""
        if not self._owns_connections:
            await self._predictions.close()
            return
        backend = self._session.backend
        backend.close_count += 1
        await self._predictions.close_all()
        await backend.close()
        await backend.join()

    def __repr__(self) -> str:
        session: Session[Any] = self._session
        config = session.backend._config
        if config is None:
            return f"<{type(self).__name__}: not configured yet, reads the environment on first use>"
        return f"{type(self).__name__}(base_url={config.base_url!r})"


class Replicate(_Client[SyncBackend, httpx.BaseTransport]):
    """A sync client for Replicate's HTTP API; can be shared between threads.

    Use it in a `with` block, or call `close()`. Every operation of the API is a method of a namespace:
    `client.predictions.list()`.

    Args:
        api_token: The API token; by default the environment variable REPLICATE_API_TOKEN.
        base_url: Another server, to which `/v1` is added if the URL has no path; by default REPLICATE_BASE_URL, else
            Replicate's.
        timeout: Seconds for one HTTP request to connect, to read and to write, or an `httpx.Timeout`; by default 10 s
            to connect, and 60 s to read and to write. To limit a whole run, use `run(timeout=…)`.
        max_retries: How often a request is retried, if a retry is safe; 0 disables retries.
        max_rate_limit_wait: Seconds that one call waits, in total, for the server's rate limit; then it raises
            RateLimitError. None waits as long as it takes. Waiting calls are sent one after another.
        headers: Additional headers for requests to the API; like the token, they are sent to no other host.
        user_agent: Replaces the default User-Agent.
        verify: False, the path of a file or folder with CA certificates (of a company, say), or an `ssl.SSLContext`. By
            default SSL_CERT_FILE and SSL_CERT_DIR are respected.
        transport: An httpx transport. By default the proxies of the environment are used.
        http_backend: The HTTP library of AsyncReplicate: "httpx", "aiohttp", or None for aiohttp where the extra `fast`
            is installed. SOCKS proxies always use httpx, and so does Replicate.

    Raises:
        AuthenticationError: The token is missing or malformed.
        TypeError, ValueError: Another argument, or a variable of the environment, is invalid.

    Examples:
        >>> with replicate.Replicate(timeout=30, max_retries=2) as client:
        ...     print(client.run("acme/hello", {"text": "Ada"}))
        Hello, Ada!
    """

    _is_async = False

    @staticmethod
    def _make_backend(load_config: Callable[[], Config]) -> SyncBackend:
        return SyncBackend(load_config)

    @property
    def api(self) -> Sender:
        """The argument `client` of the functions in `replicate_api`: they use this client's connections and token.

        They are retried as other calls are, and raise the errors of this package.

        Examples:
            >>> from replicate_api.api.account import account_get
            >>> account = account_get.sync(client=client.api)
        """
        return _Api(self._session)

    def close(self) -> None:
        """Cancel the predictions that are still waited for, and close the connections.

        A client that is used again opens new ones. A `with` block calls it at its end.

        Examples:
            >>> client.close()
        """
        run_sync(self._close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncReplicate(_Client["AsyncBackend", httpx.AsyncBaseTransport]):
    """An async client for Replicate's HTTP API; can serve several event loops, one after another.

    It has the methods of `Replicate`, awaited; lists and streams are iterated with `async for`. The arguments are those
    of `Replicate`; `transport` is an `httpx.AsyncBaseTransport`. Use it in an `async with` block, or call `aclose()`.

    Examples:
        >>> async def main() -> None:
        ...     async with replicate.AsyncReplicate() as client:
        ...         print(await client.run("acme/hello", {"text": "Ada"}))
        >>> asyncio.run(main())
        Hello, Ada!
    """

    _is_async = True

    @staticmethod
    def _make_backend(load_config: Callable[[], Config]) -> AsyncBackend:
        from ._backends.asyncio import AsyncBackend  # and with it asyncio, which sync callers do not need

        return AsyncBackend(load_config)

    @property
    def api(self) -> AsyncSender:
        """The argument `client` of the functions in `replicate_api`: they use this client's connections and token.

        They are retried as other calls are, and raise the errors of this package:
        `await account_get.asyncio(client=client.api)`.
        """
        return _AsyncApi(self._session)

    async def aclose(self) -> None:
        """Cancel the predictions that are still waited for, and close the connections of the running event loop.

        A client that is used again opens new ones. An `async with` block calls it at its end.
        """
        await self._close()

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
