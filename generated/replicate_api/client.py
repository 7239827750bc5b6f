"""The interface that endpoint modules need of a client, and a minimal client that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import httpx

    from .types import Request


class Sender(Protocol):
    """Sends a request and returns the response, whatever its status."""

    def send(self, request: Request, /) -> httpx.Response: ...


class AsyncSender(Protocol):
    """Sends a request without blocking and returns the response, whatever its status."""

    async def asend(self, request: Request, /) -> httpx.Response: ...


class Client:
    """A minimal client over httpx, sync and async: no retries, no polling.

    httpx does not follow redirects by default, so the token is sent to `base_url` only.

    Args:
        base_url: The URL that request paths are appended to.
        token: Sent with every request, as `Authorization: Bearer <token>`.
        **httpx_arguments: Passed to `httpx.Client` and `httpx.AsyncClient`.
    """

    def __init__(self, base_url: str, token: str | None = None, **httpx_arguments: Any) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._httpx_arguments = httpx_arguments
        self._client: httpx.Client | None = None
        self._async_client: httpx.AsyncClient | None = None

    def send(self, request: Request, /) -> httpx.Response:
        """Send a request and return the response, whatever its status."""
        import httpx

        if self._client is None:
            self._client = httpx.Client(**self._httpx_arguments)
        return self._client.request(**self._request_arguments(request))

    async def asend(self, request: Request, /) -> httpx.Response:
        """Send a request without blocking and return the response, whatever its status."""
        import httpx

        if self._async_client is None:
            self._async_client = httpx.AsyncClient(**self._httpx_arguments)
        return await self._async_client.request(**self._request_arguments(request))

    def _request_arguments(self, request: Request) -> dict[str, Any]:
        arguments = request.arguments()
        arguments["headers"] = self._headers | request.headers
        return {"method": request.method, "url": self._base_url + request.path, **arguments}

    def close(self) -> None:
        """Close the connections of the sync methods."""
        if self._client is not None:
            self._client.close()

    async def aclose(self) -> None:
        """Close the connections of the async methods."""
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
