"""The configuration of a client: validated constructor arguments and the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

import httpx

from ._sansio.request import RequestBuilder
from ._sansio.retry import MAX_RETRY_AFTER_TOTAL
from .errors import AuthenticationError

if TYPE_CHECKING:
    import ssl

DEFAULT_BASE_URL = "https://api.replicate.com/v1"

DEFAULT_TIMEOUT = httpx.Timeout(connect=10.0, read=60.0, write=60.0, pool=None)
"""Seconds for one request. Waiting for a free connection has no limit: many concurrent runs queue up, none fails."""

DEFAULT_MAX_RETRIES = 5

DEFAULT_WEBHOOK_TOLERANCE = 300.0
"""Seconds by which the timestamp of a webhook delivery may differ from the local clock; Replicate suggests 5 minutes.

https://replicate.com/docs/topics/webhooks/verify-webhook
"""


class Config:
    """The immutable configuration of a client; its repr shows no secret.

    Args:
        token: The API token, or None to send none.
        base_url: The base URL of the API, ending in `/v1`.
        timeout: Seconds for one request.
        max_retries: How often a request is retried.
        max_rate_limit_wait: Seconds that one call waits, in total, for the server's rate limit; None for no limit.
        headers: Headers that are added to requests to the API.
        user_agent: Replaces the default User-Agent.
        transport: An httpx transport of the caller's.
        verify: True, False, or an `ssl.SSLContext`.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        base_url: str = DEFAULT_BASE_URL,
        timeout: httpx.Timeout = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        max_rate_limit_wait: float | None = MAX_RETRY_AFTER_TOTAL,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        transport: Any = None,
        verify: bool | ssl.SSLContext = True,
    ) -> None:
        self.token = token
        self.base_url = base_url
        self.max_retries = max_retries
        self.max_rate_limit_wait = max_rate_limit_wait
        self.transport = transport
        self._verify = verify
        self._timeout, self._headers, self._user_agent = timeout, headers, user_agent

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    @cached_property
    def requests(self) -> RequestBuilder:
        """Builds the requests of the client."""
        return RequestBuilder(self.base_url, self.token, self._timeout, self._headers, self._user_agent)

    def verify(self, url: httpx.URL) -> bool | ssl.SSLContext:
        """Return how the certificate of a URL's host is verified, in the form that httpx's transports accept."""
        if url.scheme == "http":
            return False  # there is no certificate, and loading the CA certificates is slow
        return _default_ssl_context() if self._verify is True else self._verify

    def proxy(self, url: httpx.URL) -> str | None:
        """Return the proxy for a URL that the environment names (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY)."""
        proxies = getproxies()
        proxy = proxies.get(url.scheme) or proxies.get("all")
        if not proxy or proxy_bypass(url.netloc.decode("ascii")):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"


def load_config(
    api_token: str | None = None,
    *,
    base_url: str | None = None,
    timeout: float | httpx.Timeout | None = None,
    max_retries: int = DEFAULT_MAX_RETRIES,
    **options: Any,
) -> Config:
    """Validate the arguments of a client, take what is missing from the environment, and return the configuration.

    `options` are further arguments of `Config`.
    """
    if isinstance(timeout, int | float):
        timeout = httpx.Timeout(timeout, pool=None)
    if not isinstance(max_retries, int) or max_retries < 0:
        raise ValueError(f"max_retries must be 0 or more, not {max_retries!r}")
    return Config(
        check_token(api_token),
        base_url=check_base_url(base_url or os.environ.get("REPLICATE_BASE_URL") or DEFAULT_BASE_URL),
        timeout=timeout or DEFAULT_TIMEOUT,
        max_retries=max_retries,
        **options,
    )


@cache
def _default_ssl_context() -> ssl.SSLContext:
    """Return the SSL context that all clients of a process share: loading the CA certificates is slow."""
    return httpx.create_ssl_context()


def check_token(api_token: str | None) -> str:
    """Return the API token, given or from the environment; AuthenticationError says what is wrong with it."""
    source = "api_token" if api_token is not None else "REPLICATE_API_TOKEN"
    token = api_token if api_token is not None else os.environ.get("REPLICATE_API_TOKEN", "")
    problem = None
    if not token:
        problem = (
            "there is no API token: set the environment variable REPLICATE_API_TOKEN, or pass api_token=…; "
            "your tokens are at https://replicate.com/account/api-tokens"
        )
    elif token != token.strip():
        problem = f"{source} begins or ends with whitespace: remove it"
    elif token[0] in "'\"" or token[-1] in "'\"":
        problem = f"{source} has quotes around it: remove them"
    elif re.match(r"(?i)(bearer|token)\s", token):
        problem = f"{source} begins with {token.split()[0]!r}: pass the token alone"
    elif not re.fullmatch(r"[!-~]+", token):
        problem = f"{source} contains a space or a character that no token has: copy it again"
    if problem:
        raise AuthenticationError(401, "Unauthenticated", problem)
    return token


def check_base_url(url: str) -> str:
    """Return the base URL with `/v1` and without a slash at the end; ValueError if it is no http(s) URL."""
    try:
        parsed = httpx.URL(url.strip().rstrip("/"))
    except httpx.InvalidURL as error:
        raise ValueError(f"base_url is not a URL: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"base_url must be an http(s) URL such as {DEFAULT_BASE_URL}, not {url!r}")
    if parsed.userinfo:
        raise ValueError("base_url must not contain a user or password: pass what a gateway needs as headers=…")
    if parsed.query or parsed.fragment:
        raise ValueError("base_url must end with its path, without '?' or '#'")
    if not 0 < (parsed.port or 443) < 65536:
        raise ValueError(f"base_url has the port {parsed.port}; ports are between 1 and 65535")
    text = str(parsed).rstrip("/")
    return text if text.endswith("/v1") else f"{text}/v1"
