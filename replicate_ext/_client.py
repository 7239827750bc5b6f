"""The two clients: token, base URL, closing, namespaces."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

import httpx

from replicate_api.types import UNSET, Request

from ._backends.sync import BlockingWire, finish
from ._config import DEFAULT_BASE_URL, DEFAULT_TIMEOUT, Settings
from ._dual import W, both
from ._files.outputs import Saving
from ._generated.resources import Operations
from ._pagination import Paginating
from ._predictions.run import Running
from ._send import exchange
from .errors import AuthenticationError

if TYPE_CHECKING:
    import ssl

    from replicate_api.client import AsyncSender, Sender

    from ._backends.asyncio import AsyncWire


class _Client(Operations[W], Running[W], Paginating[W], Saving[W]):
    """Every operation, and what both clients do besides."""

    @both
    async def request(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: object = None
    ) -> Any:
        """Send any request to the API and return the decoded JSON of the answer, None where it has no body.

        For what the document does not know yet; retries and errors are those of every other call.

        Args:
            method: The HTTP method.
            path: The path below the base URL, beginning with a slash: `/predictions`.
            params: The query.
            json: The body, where it is not None.
        """
        if not path.startswith("/"):
            raise ValueError(f"path must begin with a slash, below {self._wire.settings.base_url}: {path!r}")
        request = Request(method.upper(), path, dict(params or {}), json=UNSET if json is None else json)
        return (await exchange(self._wire, request, lambda answer: answer.json() if answer.content else None)).value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._wire.settings.base_url!r})"


class Replicate(_Client[BlockingWire]):
    """A client for Replicate that blocks; safe to share between threads.

    Args:
        api_token: The token; without it the environment variable REPLICATE_API_TOKEN. A missing token, or one with
            quotes or blanks around it, is told at once, as an AuthenticationError.
        base_url: Another server, with or without `/v1`; without it REPLICATE_BASE_URL, else Replicate's.
        timeout: Seconds for one HTTP request to connect, to read and to write, or an `httpx.Timeout` with each of
            its own. How long a whole run may take is said in `run(timeout=…)`.
        max_retries: How often a request is repeated, where a repetition cannot do harm.
        headers: Further headers for requests to the API; sent nowhere else, like the token.
        user_agent: Another User-Agent.
        verify: False, or an `ssl.SSLContext` of your own (a corporate CA, say).
        transport: An `httpx.BaseTransport`. Without it the proxies of the environment are used.

    Use it in a `with` block, or `close()` it.
    """

    def __init__(
        self,
        api_token: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float | httpx.Timeout | None = None,
        max_retries: int = 5,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        verify: bool | ssl.SSLContext = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        settings = _settings(api_token, base_url, timeout, max_retries, headers, user_agent, verify, transport)
        super().__init__(BlockingWire(lambda: settings))

    @classmethod
    def _of_environment(cls) -> Self:
        """Return a client that reads the environment when it is first used."""
        client = cls.__new__(cls)
        _Client.__init__(client, BlockingWire(_settings))
        return client

    @property
    def api(self) -> Sender:
        """The generated client, on the same connections, token and retries, for typed low-level calls.

        `predictions_get.sync("…", client=client.api)`. A failure raises the errors of this package.
        """
        return _Api(self._wire)

    def close(self) -> None:
        """Close the connections. A client that is used again opens new ones."""
        self._wire.shut()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _async_wire(settings: Callable[[], Settings]) -> AsyncWire:
    from ._backends.asyncio import AsyncWire  # and with it asyncio, which those who block do without

    return AsyncWire(settings)


class AsyncReplicate(_Client["AsyncWire"]):
    """A client for Replicate whose methods are awaited; may serve several event loops, one after another.

    The arguments are those of `Replicate`; `transport` is an `httpx.AsyncBaseTransport`. Use it in an `async with`
    block, or `aclose()` it.
    """

    def __init__(
        self,
        api_token: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float | httpx.Timeout | None = None,
        max_retries: int = 5,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        verify: bool | ssl.SSLContext = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        settings = _settings(api_token, base_url, timeout, max_retries, headers, user_agent, verify, transport)
        super().__init__(_async_wire(lambda: settings))

    @classmethod
    def _of_environment(cls) -> Self:
        """Return a client that reads the environment when it is first used."""
        client = cls.__new__(cls)
        _Client.__init__(client, _async_wire(_settings))
        return client

    @property
    def api(self) -> AsyncSender:
        """The generated client, on the same connections, token and retries, for typed low-level calls.

        `await predictions_get.asyncio("…", client=client.api)`. A failure raises the errors of this package.
        """
        return _AsyncApi(self._wire)

    async def aclose(self) -> None:
        """Close the connections of the running event loop. A client that is used again opens new ones."""
        await self._wire.shut()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


class _Api:
    """The seam of the generated client, blocking."""

    def __init__(self, wire: BlockingWire) -> None:
        self._wire = wire

    def send(self, request: Request, /) -> httpx.Response:
        return finish(exchange(self._wire, request, lambda answer: answer)).value


class _AsyncApi:
    """The seam of the generated client, async."""

    def __init__(self, wire: AsyncWire) -> None:
        self._wire = wire

    async def asend(self, request: Request, /) -> httpx.Response:
        return (await exchange(self._wire, request, lambda answer: answer)).value


def _settings(
    api_token: str | None = None,
    base_url: str | None = None,
    timeout: float | httpx.Timeout | None = None,
    max_retries: int = 5,
    headers: Mapping[str, str] | None = None,
    user_agent: str | None = None,
    verify: bool | ssl.SSLContext = True,
    transport: object = None,
) -> Settings:
    if isinstance(timeout, int | float):
        timeout = httpx.Timeout(timeout, pool=None)
    if not isinstance(max_retries, int) or max_retries < 0:
        raise ValueError(f"max_retries must be 0 or more, not {max_retries!r}")
    return Settings(
        token=check_token(api_token),
        base_url=check_base_url(base_url or os.environ.get("REPLICATE_BASE_URL") or DEFAULT_BASE_URL),
        timeout=timeout or DEFAULT_TIMEOUT,
        max_retries=max_retries,
        headers=headers,
        user_agent=user_agent,
        transport=transport,
        verify=verify,
    )


def check_token(api_token: str | None) -> str:
    """Return the token, given or of the environment; an AuthenticationError says what is wrong and how to mend it."""
    source = "api_token" if api_token is not None else "REPLICATE_API_TOKEN"
    token = api_token if api_token is not None else os.environ.get("REPLICATE_API_TOKEN", "")
    problem = None
    if not token:
        problem = (
            "there is no API token: set the environment variable REPLICATE_API_TOKEN, or pass api_token=…; "
            "your tokens are at https://replicate.com/account/api-tokens"
        )
    elif token != token.strip():
        problem = f"{source} has blanks or a line break around it: remove them"
    elif token[0] in "'\"" or token[-1] in "'\"":
        problem = f"{source} has quotes around it: remove them"
    elif re.match(r"(?i)(bearer|token)\s", token):
        problem = f"{source} begins with {token.split()[0]!r}: give the token alone"
    elif not re.fullmatch(r"[!-~]+", token):
        problem = f"{source} contains a blank or a character that cannot be in a token: copy it again"
    if problem:
        raise AuthenticationError(401, "Unauthenticated", problem)
    return token


def check_base_url(url: str) -> str:
    """Return the base URL with `/v1` and without a slash at the end; ValueError where it is no http(s) URL."""
    try:
        parsed = httpx.URL(url.strip().rstrip("/"))
    except httpx.InvalidURL as error:
        raise ValueError(f"base_url is not a URL: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"base_url must be an http(s) URL such as {DEFAULT_BASE_URL}, not {url!r}")
    if parsed.userinfo:
        raise ValueError("base_url must not hold a user or password: pass what a gateway needs as headers=…")
    if parsed.query or parsed.fragment:
        raise ValueError("base_url must end with its path, without '?' or '#'")
    if not 0 < (parsed.port or 443) < 65536:
        raise ValueError(f"base_url has a port that cannot be: {parsed.port}")
    text = str(parsed).rstrip("/")
    return text if text.endswith("/v1") else f"{text}/v1"
