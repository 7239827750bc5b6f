"""What a client was made with, and what that makes of a request.

The token rule lives here: `Authorization` (and the headers that the caller set) go to the API's own origin and nowhere
else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

import httpx

from ._version import __version__

if TYPE_CHECKING:
    import ssl

    from replicate_api.types import Request

HOLD = 60
"""Seconds that the server holds a create with a plain `Prefer: wait`."""

HOLD_MARGIN = 15.0
"""Seconds that the read timeout of such a create lies above the hold: a reply may come late, and is paid for."""

MIN_TIMEOUT = 1.0
"""Seconds that a request gets at least, however close a deadline is."""

TOLERANCE = 300.0
"""Seconds that the clock of whoever sends a webhook may differ from ours, either way."""

DEFAULT_BASE_URL = "https://api.replicate.com/v1"

DEFAULT_TIMEOUT = httpx.Timeout(connect=10.0, read=60.0, write=60.0, pool=None)
"""Seconds for one request. No limit on waiting for a free connection: many runs at once queue, they do not fail."""

Origin = tuple[str, str, int | None]


class Settings:
    """What a client was made with; secrets never show in its repr.

    Args:
        token: The API token.
        base_url: With `/v1`, without a slash at the end.
        timeout: Seconds for one request.
        max_retries: How often a request is repeated.
        headers: Further headers for the API.
        user_agent: The User-Agent.
        transport: An httpx transport of the caller's.
        verify: True, False, or an `ssl.SSLContext`.
    """

    def __init__(
        self,
        token: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        timeout: httpx.Timeout = DEFAULT_TIMEOUT,
        max_retries: int = 5,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        transport: Any = None,
        verify: bool | ssl.SSLContext = True,
    ) -> None:
        self.token = token
        self.base_url = base_url
        self.timeout = timeout
        self.max_retries = max_retries
        self.transport = transport
        self._verify = verify
        # What every request says, and what those to the API say besides.
        self._usual = httpx.Headers(
            {
                "accept": "*/*",
                "accept-encoding": "gzip, deflate",
                "connection": "keep-alive",
                "user-agent": user_agent or f"replicate-ext/{__version__}",
            }
        )
        self._own = httpx.Headers({**(headers or {}), "authorization": f"Bearer {token}"} if token else {})
        self._headers = lru_cache(64)(self._headers_of)

    def __repr__(self) -> str:
        return f"Settings(base_url={self.base_url!r})"

    @cached_property
    def origin(self) -> Origin:
        """The API's own origin."""
        return origin(self.base_url)

    def verify(self, url: httpx.URL) -> bool | ssl.SSLContext:
        """Return how the certificate of a URL's host is checked, as httpx's transports take it."""
        if url.scheme == "http":
            return False  # there is none, and reading the authorities takes long
        return _usual_authorities() if self._verify is True else self._verify

    def outgoing(self, request: Request, timeout: float | None) -> httpx.Request:
        """Return what goes out for a request.

        A path is one below the API's base URL; anything else is a full URL, of an output file say, and gets the token
        only if it is the API's own origin.
        """
        arguments = request.arguments()
        is_path = request.path.startswith("/")
        url = _url(self.base_url + request.path if is_path else request.path)
        is_own = is_path or origin(url) == self.origin
        headers = self._headers(is_own, url.netloc, *arguments.pop("headers").items())
        patience = self._timeouts if timeout is None and not hold_of(request) else self._patience(request, timeout)
        return httpx.Request(request.method, url, headers=headers, extensions={"timeout": patience}, **arguments)

    def _headers_of(self, is_own: bool, host: bytes, *given: tuple[str, str]) -> httpx.Headers:
        """Return the headers of a request. Kept: most requests have the same, and writing them takes long."""
        return _merged({"host": host.decode("ascii")}, self._usual, dict(given), self._own if is_own else {})

    @cached_property
    def _timeouts(self) -> dict[str, float | None]:
        return self.timeout.as_dict()

    def _patience(self, request: Request, limit: float | None) -> dict[str, float | None]:
        """Return the seconds for each phase of a request: at most `limit`, but longer than the server may hold it."""
        timeouts: dict[str, float | None] = dict(self._timeouts)
        if limit is not None:
            timeouts = {phase: limit if usual is None else min(limit, usual) for phase, usual in timeouts.items()}
        held, read = hold_of(request), timeouts["read"]
        late = held + (HOLD_MARGIN if limit is None else min(HOLD_MARGIN, max(MIN_TIMEOUT, limit - held)))
        if held and read is not None and read < late:
            timeouts["read"] = late
        return timeouts

    def proxy(self, url: httpx.URL) -> str | None:
        """Return the proxy that the environment names for a URL, if it does."""
        proxies = getproxies()
        found = proxies.get(url.scheme) or proxies.get("all")
        if not found or proxy_bypass(url.netloc.decode("ascii")):
            return None
        return found if "://" in found else f"http://{found}"


_url = lru_cache(256)(httpx.URL)
"""Polling asks for the same address again and again, and reading one takes as long as all the rest of a request."""


def _merged(*several: Mapping[str, str]) -> httpx.Headers:
    """Return headers of which the later ones replace the earlier ones of the same name, whatever their case."""
    return httpx.Headers({name.lower(): value for headers in several for name, value in headers.items()})


@cache
def _usual_authorities() -> ssl.SSLContext:
    """Return the SSL context that all clients of a process share: reading the authorities takes long."""
    return httpx.create_ssl_context()


def origin(url: httpx.URL | str) -> Origin:
    """Return scheme, host and port, the port spelled out."""
    parsed = _url(url) if isinstance(url, str) else url
    return parsed.scheme, parsed.host, parsed.port or {"http": 80, "https": 443}.get(parsed.scheme)


def hold_of(request: Request) -> float:
    """Return the seconds for which the server may hold this request, by its `Prefer` header."""
    prefer = request.headers.get("Prefer")
    match = re.fullmatch(r"wait(?:=(\d+))?", prefer) if prefer else None
    return float(match[1] or HOLD) if match else 0.0
