"""The interface that endpoint modules need of a client, and minimal clients that have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from attrs import define, evolve, field

from .errors import UnexpectedStatus

if TYPE_CHECKING:
    import asyncio
    import ssl

    import httpx

    from ._runtime.requests import Request

T = TypeVar("T")


class Sender(Protocol):
    """Sends a request and returns its response, whatever its status, as `parse` converts it."""

    def send(self, request: Request, parse: Callable[[httpx.Response], T], /) -> T: ...


class AsyncSender(Protocol):
    """Sends a request without blocking and returns its response, whatever its status, as `parse` converts it."""

    async def asend(self, request: Request, parse: Callable[[httpx.Response], T], /) -> T: ...


def _default_timeout() -> httpx.Timeout:
    import httpx

    # The server holds a create with `Prefer: wait` for up to 60 seconds, and may respond just after that:
    # https://replicate.com/docs/topics/predictions/create-a-prediction
    return httpx.Timeout(60.0, connect=10.0, read=75.0, pool=None)


@define(eq=False)
class Client:
    """A minimal client over httpx, sync and async: no retries, no polling, no token.

    It can serve several event loops, one after another.

    Args:
        base_url: The URL that request paths are appended to.
        cookies: Cookies to send to the origin of `base_url`.
        headers: Headers to send to the origin of `base_url`.
        timeout: Seconds per phase of a request, or an `httpx.Timeout`; None for no limit. By default a response may
            take as long as a create with `Prefer: wait`.
        verify_ssl: Whether to verify certificates; or an `ssl.SSLContext`, or the path of a file or folder with CA
            certificates.
        follow_redirects: Whether to follow redirects.
        httpx_args: More arguments of `httpx.Client` and `httpx.AsyncClient`.
        raise_on_unexpected_status: Whether the functions `sync_detailed` and `asyncio_detailed` also raise
            `errors.UnexpectedStatus` for a status that is not 2xx.
    """

    _base_url: str
    _cookies: Mapping[str, str] = field(factory=dict, kw_only=True, repr=False)
    _headers: Mapping[str, str] = field(factory=dict, kw_only=True, repr=False)
    _timeout: httpx.Timeout | float | None = field(factory=_default_timeout, kw_only=True)
    _verify_ssl: bool | str | ssl.SSLContext = field(default=True, kw_only=True)
    _follow_redirects: bool = field(default=False, kw_only=True)
    _httpx_args: Mapping[str, Any] = field(factory=dict, kw_only=True, repr=False)
    raise_on_unexpected_status: bool = field(default=False, kw_only=True)
    _client: httpx.Client | None = field(default=None, init=False, repr=False)
    _async_clients: dict[asyncio.AbstractEventLoop | None, httpx.AsyncClient] = field(
        factory=dict, init=False, repr=False
    )
    """One for each event loop; that of None serves trio."""

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """Return a copy of this client with more headers."""
        import httpx

        merged = httpx.Headers(self._headers)
        merged.update(headers)
        return evolve(self, headers=merged)

    def with_cookies(self, cookies: Mapping[str, str]) -> Self:
        """Return a copy of this client with more cookies."""
        return evolve(self, cookies={**self._cookies, **cookies})

    def with_timeout(self, timeout: httpx.Timeout | float | None) -> Self:
        """Return a copy of this client with another timeout."""
        return evolve(self, timeout=timeout)

    def send(self, request: Request, parse: Callable[[httpx.Response], T], /) -> T:
        """Send a request and return its response, whatever its status, as `parse` converts it."""
        import httpx

        if self._client is None:
            self._client = httpx.Client(**self._client_arguments(self._remove_credentials))
        return self._parse(self._client.request(**self._request_arguments(request)), parse)

    async def asend(self, request: Request, parse: Callable[[httpx.Response], T], /) -> T:
        """Send a request without blocking and return its response, whatever its status, as `parse` converts it."""
        import httpx

        async def remove_credentials(request: httpx.Request) -> None:
            self._remove_credentials(request)

        loop = _running_loop()
        for closed in [each for each in self._async_clients if each is not None and each.is_closed()]:
            del self._async_clients[closed]
        if loop not in self._async_clients:
            self._async_clients[loop] = httpx.AsyncClient(**self._client_arguments(remove_credentials))
        return self._parse(await self._async_clients[loop].request(**self._request_arguments(request)), parse)

    def _parse(self, response: httpx.Response, parse: Callable[[httpx.Response], T]) -> T:
        if self.raise_on_unexpected_status and not response.is_success:
            raise UnexpectedStatus(response.status_code, response.content)
        return parse(response)

    def _own_headers(self) -> httpx.Headers:
        """Return the headers for requests to the origin of `base_url`."""
        import httpx

        return httpx.Headers(self._headers)

    def _request_arguments(self, request: Request) -> dict[str, Any]:
        if not request.path.startswith("/"):  # it could continue the host name
            raise ValueError(f"path must begin with a slash, below {self._base_url}: {request.path!r}")
        arguments = request.arguments()
        headers = self._own_headers()
        headers.update(arguments.pop("headers"))
        return {
            "method": request.method,
            "url": self._base_url.rstrip("/") + request.target,
            "headers": headers,
            **arguments,
        }

    def _client_arguments(self, request_hook: Callable[[httpx.Request], object]) -> dict[str, Any]:
        hooks = dict(self._httpx_args.get("event_hooks", {}))
        hooks["request"] = [*hooks.get("request", ()), request_hook]
        return {
            "cookies": dict(self._cookies),
            "timeout": self._timeout,
            "verify": _load_ca(self._verify_ssl) if isinstance(self._verify_ssl, str) else self._verify_ssl,
            "follow_redirects": self._follow_redirects,
            **self._httpx_args,
            "event_hooks": hooks,
        }

    def _remove_credentials(self, request: httpx.Request) -> None:
        """Remove our headers and cookies from a redirect to another origin; httpx removes only `Authorization`."""
        import httpx

        if _origin(request.url) != _origin(httpx.URL(self._base_url)):
            for name in (*self._own_headers(), "Authorization", "Cookie"):
                request.headers.pop(name, None)

    def close(self) -> None:
        """Close the connections of the sync methods. A client that is used again opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop. A client that is used again opens new ones."""
        client = self._async_clients.pop(_running_loop(), None)
        if client is not None:
            await client.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


@define(eq=False)
class AuthenticatedClient(Client):
    """A `Client` that sends a token, to the origin of `base_url` only.

    Args:
        token: The API token.
        prefix: What precedes the token in the header: `Authorization: Bearer <token>`.
        auth_header_name: The name of the header.
    """

    token: str = field(repr=False)
    prefix: str = "Bearer"
    auth_header_name: str = "Authorization"

    def _own_headers(self) -> httpx.Headers:
        headers = super()._own_headers()
        headers[self.auth_header_name] = f"{self.prefix} {self.token}" if self.prefix else self.token
        return headers


def _running_loop() -> asyncio.AbstractEventLoop | None:
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return scheme, host and port; httpx leaves out the scheme's default port."""
    return url.scheme, url.host, url.port


def _load_ca(path: str) -> ssl.SSLContext:
    import os
    import ssl

    if os.path.isdir(path):
        return ssl.create_default_context(capath=path)
    return ssl.create_default_context(cafile=path)
