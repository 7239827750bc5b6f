"""How a generated request becomes an `httpx.Request`: URL, headers, timeouts, and the token rule.

The token rule: `Authorization`, and the headers that the caller configured, are sent to the API's own origin and to no
other. Output files, streams and redirects may be on any host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import httpx

from .._version import __version__

if TYPE_CHECKING:
    from replicate_api.types import Request

MAX_HOLD = 60
"""Seconds for which the server holds a create with `Prefer: wait`, and the most it accepts.

https://replicate.com/docs/topics/predictions/create-a-prediction
"""

HOLD_MARGIN = 15.0
"""Extra seconds on the read timeout of a held create: the response may arrive just after the hold ends, and dropping
it would lose a billed prediction."""

MIN_TIMEOUT = 1.0
"""Seconds that every request gets, however close the deadline is."""

Origin = tuple[str, str, int | None]
"""Scheme, host and port (RFC 6454)."""


class RequestBuilder:
    """Builds the requests of one client.

    Args:
        base_url: The API's base URL, without a slash at the end.
        token: The API token, or None to send none.
        timeout: Default seconds per phase of a request.
        headers: Headers that the caller adds to requests to the API.
        user_agent: Replaces the default User-Agent.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None,
        timeout: httpx.Timeout,
        headers: Mapping[str, str] | None = None,
        user_agent: str | None = None,
    ) -> None:
        self._base_url = base_url
        self._origin = origin(base_url)
        self._timeout = timeout
        self._default_headers = httpx.Headers(
            {
                "accept": "*/*",
                "accept-encoding": "gzip, deflate",
                "connection": "keep-alive",
                "user-agent": user_agent or f"replicate-ext/{__version__}",
            }
        )
        self._api_headers = httpx.Headers(headers)
        self._authorization = {"authorization": f"Bearer {token}"} if token else {}
        self._headers = lru_cache(64)(self._merge_headers)

    def build(self, request: Request, max_seconds: float | None) -> httpx.Request:
        """Return the request to send.

        A path is below the API's base URL; anything else is a full URL, for example of an output file. `max_seconds`
        limits each phase of the request.
        """
        arguments = request.arguments()
        is_path = request.path.startswith("/")
        url = _parse_url(self._base_url + request.target if is_path else request.path)
        is_api = is_path or origin(url) == self._origin
        headers = self._headers(is_api, url.netloc, *arguments.pop("headers").items())
        is_default = max_seconds is None and not hold_seconds(request)
        timeouts = self._default_timeouts if is_default else self._timeouts(request, max_seconds)
        return httpx.Request(request.method, url, headers=headers, extensions={"timeout": timeouts}, **arguments)

    def _merge_headers(self, is_api: bool, host: bytes, *request_headers: tuple[str, str]) -> httpx.Headers:
        """Return the headers of a request. Cached, because most requests have the same and merging is slow."""
        return _merge(
            {"host": host.decode("ascii")},
            self._default_headers,
            self._api_headers if is_api else {},
            dict(request_headers),
            self._authorization if is_api else {},
        )

    @cached_property
    def _default_timeouts(self) -> dict[str, float | None]:
        return self._timeout.as_dict()

    def _timeouts(self, request: Request, max_seconds: float | None) -> dict[str, float | None]:
        """Return the seconds per phase: at most `max_seconds`, but longer than the server may hold the request."""
        timeouts: dict[str, float | None] = dict(self._default_timeouts)
        if max_seconds is not None:
            timeouts = {
                phase: max_seconds if default is None else min(max_seconds, default)
                for phase, default in timeouts.items()
            }
        hold, read = hold_seconds(request), timeouts["read"]
        margin = HOLD_MARGIN if max_seconds is None else min(HOLD_MARGIN, max(MIN_TIMEOUT, max_seconds - hold))
        if hold and read is not None and read < hold + margin:
            timeouts["read"] = hold + margin
        return timeouts


_parse_url = lru_cache(256)(httpx.URL)
"""Polling requests the same URL again and again, and parsing one takes as long as the rest of the request."""


def _merge(*mappings: Mapping[str, str]) -> httpx.Headers:
    """Return headers of which later ones replace earlier ones of the same name, in any case."""
    return httpx.Headers({name.lower(): value for headers in mappings for name, value in headers.items()})


def origin(url: httpx.URL | str) -> Origin:
    """Return the origin of a URL, with the default port filled in."""
    parsed = _parse_url(url) if isinstance(url, str) else url
    return parsed.scheme, parsed.host, parsed.port or {"http": 80, "https": 443}.get(parsed.scheme)


def hold_seconds(request: Request) -> float:
    """Return the seconds for which the server may hold this request: the value of `Prefer: wait` (RFC 7240)."""
    prefer = request.headers.get("Prefer")
    match = re.fullmatch(r"wait(?:=(\d+))?", prefer) if prefer else None
    return float(match[1] or MAX_HOLD) if match else 0.0
