"""What an endpoint needs of a client: something that sends a `Request`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import httpx

    from .types import Request


class Sender(Protocol):
    """Sends a request and returns the answer, whatever its status."""

    def send(self, request: Request, /) -> httpx.Response: ...


class AsyncSender(Protocol):
    """Sends a request and returns the answer, whatever its status, without blocking."""

    async def asend(self, request: Request, /) -> httpx.Response: ...


class Client:
    """A bare client over httpx: no retries, no waiting, just the calls.

    `token` goes out with every request, and a request can only go below `base_url`; redirects are not followed.
    Further keyword arguments are those of `httpx.Client` and `httpx.AsyncClient`.
    """

    def __init__(self, base_url: str, token: str | None = None, **httpx_arguments: Any) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._arguments = httpx_arguments
        self._client: httpx.Client | None = None
        self._async_client: httpx.AsyncClient | None = None

    def send(self, request: Request, /) -> httpx.Response:
        """Send a request and return the answer, whatever its status."""
        import httpx

        if self._client is None:
            self._client = httpx.Client(**self._arguments)
        return self._client.request(**self._httpx(request))

    async def asend(self, request: Request, /) -> httpx.Response:
        """Send a request and return the answer, whatever its status, without blocking."""
        import httpx

        if self._async_client is None:
            self._async_client = httpx.AsyncClient(**self._arguments)
        return await self._async_client.request(**self._httpx(request))

    def _httpx(self, request: Request) -> dict[str, Any]:
        arguments = request.arguments()
        arguments["headers"] = self._headers | request.headers
        return {"method": request.method, "url": self._base_url + request.path, **arguments}

    def close(self) -> None:
        """Close the connections of the blocking half."""
        if self._client is not None:
            self._client.close()

    async def aclose(self) -> None:
        """Close the connections of the async half."""
        if self._async_client is not None:
            await self._async_client.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
