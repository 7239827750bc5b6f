"""The configuration of a client: validated constructor arguments and the environment, TLS and proxies."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.request import getproxies, proxy_bypass

import httpx

from ._sansio import options
from ._sansio.base_url import DEFAULT_BASE_URL, check_base_url
from ._sansio.request import RequestBuilder
from ._sansio.retry import MAX_RETRY_AFTER_TOTAL

if TYPE_CHECKING:
    import ssl

HTTPBackend = Literal["httpx", "aiohttp"]

DEFAULT_MAX_RETRIES = 5

DEFAULT_HTTP_BACKEND: HTTPBackend | None = None
"""What `http_backend=None` means: None is aiohttp where it is installed. The pytest fixtures set it to httpx."""

DEFAULT_WEBHOOK_TOLERANCE = 300.0
"""Seconds by which the timestamp of a webhook delivery may differ from the local clock; Replicate suggests 5 minutes.

https://replicate.com/docs/topics/webhooks/verify-webhook
"""

WebhookHeaders = (
    Mapping[str, str] | Mapping[str, Sequence[str]] | Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]
)
"""Headers of a delivery as web frameworks offer them: a mapping of values or lists of values, or pairs as in ASGI."""


class Config:
    """The immutable configuration of a client; its repr shows no secret.

    The arguments are those of the clients, validated; `load_config` validates them.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        base_url: str = DEFAULT_BASE_URL,
        timeout: httpx.Timeout = options.DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        max_rate_limit_wait: float | None = MAX_RETRY_AFTER_TOTAL,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        transport: Any = None,
        http_backend: HTTPBackend | None = None,
        verify: bool | ssl.SSLContext = True,
    ) -> None:
        self.token = token
        self.base_url = base_url
        self.max_retries = max_retries
        self.max_rate_limit_wait = max_rate_limit_wait
        self.transport = transport
        self._http_backend: HTTPBackend | None = http_backend
        self._verify = verify
        self._timeout, self._headers, self._user_agent = timeout, headers or {}, user_agent

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    def with_options(self, **changes: Any) -> Self:
        """Return a configuration with other options; `headers` are added to those of this one."""
        config = copy.copy(self)
        vars(config).pop("requests", None)
        for name, value in changes.items():
            match name:
                case "timeout":
                    config._timeout = options.check_timeout(value)
                case "max_retries":
                    config.max_retries = options.check_max_retries(value)
                case "max_rate_limit_wait":
                    config.max_rate_limit_wait = options.check_max_rate_limit_wait(value)
                case "headers":
                    config._headers = {**httpx.Headers(self._headers), **httpx.Headers(options.check_headers(value))}
                case "user_agent":
                    config._user_agent = options.check_user_agent(value)
                case "transport":
                    config.transport = value
        return config

    @cached_property
    def requests(self) -> RequestBuilder:
        """Builds the requests of the client."""
        return RequestBuilder(self.base_url, self.token, self._timeout, self._headers, self._user_agent)

    @property
    def http_backend(self) -> HTTPBackend | None:
        """The HTTP library of the async client; None for aiohttp where it is installed, else httpx."""
        return DEFAULT_HTTP_BACKEND if self._http_backend is None else self._http_backend

    def verify(self, url: httpx.URL) -> bool | ssl.SSLContext:
        """Return how the certificate of a URL's host is verified, in the form that httpx's transports accept."""
        if url.scheme == "http":
            return False  # there is no certificate, and loading the CA certificates is slow
        if self._verify is not True:
            return self._verify
        return _default_ssl_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))

    def proxy(self, url: httpx.URL) -> str | None:
        """Return the proxy for a URL that the environment names (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY)."""
        proxies = getproxies()
        proxy = proxies.get(url.scheme) or proxies.get("all")
        if not proxy or proxy_bypass(url.netloc.decode("ascii")):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    def transport_options(self, url: httpx.URL) -> dict[str, Any]:
        """Return the arguments of httpx's transports for a URL: `verify`, which also holds for the proxy, and `proxy`.

        Raises:
            ValueError: The environment names a proxy that cannot be used.
        """
        proxy, address = None, self.proxy(url)
        if address:
            try:
                proxy_url = httpx.URL(address)
                is_tls = proxy_url.scheme == "https"
                context = httpx.create_ssl_context(verify=self.verify(proxy_url)) if is_tls else None
                proxy = httpx.Proxy(proxy_url, ssl_context=context)
            except (ValueError, httpx.InvalidURL):  # the message may contain a password
                raise ValueError(
                    f"the proxy for {url.scheme} URLs in the environment is not a URL such as http://host:3128"
                ) from None
            if proxy_url.scheme.startswith("socks") and find_spec("socksio") is None:
                raise ValueError("the environment names a SOCKS proxy, which needs `pip install 'httpx[socks]'`")
        return {"verify": self.verify(url), "proxy": proxy}


def load_config(
    api_token: str | None = None,
    *,
    is_async: bool = False,
    base_url: str | None = None,
    timeout: float | httpx.Timeout | None = None,
    max_retries: int = DEFAULT_MAX_RETRIES,
    max_rate_limit_wait: float | None = MAX_RETRY_AFTER_TOTAL,
    headers: Mapping[str, str] | None = None,
    user_agent: str | None = None,
    verify: bool | str | os.PathLike[str] | ssl.SSLContext = True,
    transport: Any = None,
    http_backend: HTTPBackend | None = None,
) -> Config:
    """Validate the arguments of a client, take what is missing from the environment, and return the configuration.

    Raises:
        AuthenticationError: There is no valid token.
        TypeError, ValueError: Another argument, or a variable of the environment, is invalid.
    """
    source = "REPLICATE_API_TOKEN" if api_token is None else "api_token"
    if base_url is None:
        base_url = os.environ.get("REPLICATE_BASE_URL") or DEFAULT_BASE_URL
    if transport is not None and verify is not True:
        raise ValueError("verify has no effect with a transport: pass it to the transport")
    config = Config(
        options.check_token(os.environ.get(source, "") if api_token is None else api_token, source),
        base_url=check_base_url(base_url),
        timeout=options.check_timeout(timeout),
        max_retries=options.check_max_retries(max_retries),
        max_rate_limit_wait=options.check_max_rate_limit_wait(max_rate_limit_wait),
        headers=options.check_headers(headers),
        user_agent=options.check_user_agent(user_agent),
        transport=options.check_transport(transport, is_async=is_async),
        http_backend=_check_http_backend(http_backend, transport, is_async=is_async),
        verify=_load_certificates(verify),
    )
    if transport is None:
        _check_environment(config)
    return config


def _check_http_backend(name: Any, transport: object, *, is_async: bool) -> HTTPBackend | None:
    if name not in (None, "httpx", "aiohttp"):
        raise ValueError(f"http_backend must be 'httpx', 'aiohttp' or None, not {name!r:.100}")
    if name is not None and transport is not None:
        raise ValueError("http_backend has no effect with a transport: pass one of them")
    if name == "aiohttp":
        if not is_async:
            raise ValueError("http_backend='aiohttp' is for AsyncReplicate; Replicate always uses httpx")
        if find_spec("aiohttp") is None:
            raise ValueError("http_backend='aiohttp' needs aiohttp: `pip install 'replicate-ext[fast]'`")
    backend: HTTPBackend | None = name
    return backend


def _load_certificates(verify: Any) -> bool | ssl.SSLContext:
    """Return `verify`, with the CA certificates of a file or folder loaded."""
    if isinstance(verify, bool):
        return verify
    import ssl  # slow, and not needed for plain HTTP

    if isinstance(verify, ssl.SSLContext):
        return verify
    if not isinstance(verify, str | os.PathLike):
        raise TypeError(
            f"verify must be True, False, the path of a file with CA certificates, or an ssl.SSLContext, not "
            f"{type(verify).__name__}"
        )
    path: str = os.fspath(verify)
    if not os.path.exists(path):
        raise ValueError(f"verify is the path {path!r}, which does not exist")
    try:
        is_folder = os.path.isdir(path)
        return ssl.create_default_context(cafile=None if is_folder else path, capath=path if is_folder else None)
    except (ssl.SSLError, OSError) as error:
        raise ValueError(f"verify: {path!r} is not a file with CA certificates in PEM format") from error


def _check_environment(config: Config) -> None:
    """Raise for a variable of the environment that would make the first request fail."""
    url = httpx.URL(config.base_url)
    if url.scheme == "https" and config._verify is True:
        for name, exists in (("SSL_CERT_FILE", os.path.isfile), ("SSL_CERT_DIR", os.path.isdir)):
            path = os.environ.get(name)
            if path and not exists(path):
                raise ValueError(f"the environment variable {name} is the path {path!r}, which does not exist")
    if config.proxy(url):
        config.transport_options(url)


@lru_cache(4)
def _default_ssl_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Return the SSL context that all clients of a process share: loading the CA certificates is slow.

    The arguments are SSL_CERT_FILE and SSL_CERT_DIR, which httpx reads: a change of them takes effect.
    """
    return httpx.create_ssl_context()
