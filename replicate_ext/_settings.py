"""What a client was made with, and what that makes of a request.

The token rule lives here: `Authorization` (and the headers that the caller set) go to the API's own origin and nowhere
else.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any

import httpx

from replicate_api.types import Request

HOLD = 60
"""Seconds that the server holds a create with a plain `Prefer: wait`."""

HOLD_MARGIN = 15.0
"""Seconds that the read timeout of such a create lies above the hold: a reply may come late, and is paid for."""

MIN_TIMEOUT = 1.0
"""Seconds that a request gets at least, however close a deadline is."""

DEFAULT_BASE_URL = "https://api.replicate.com/v1"

DEFAULT_TIMEOUT = httpx.Timeout(connect=10.0, read=60.0, write=60.0, pool=None)
"""Seconds for one request. No limit on waiting for a free connection: many runs at once queue, they do not fail."""


@dataclass(frozen=True)
class Settings:
    """What a client was made with; secrets never show in its repr."""

    token: str | None = field(default=None, repr=False)
    base_url: str = DEFAULT_BASE_URL
    timeout: httpx.Timeout = field(default_factory=lambda: DEFAULT_TIMEOUT)
    max_retries: int = 5
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_agent: str = f"replicate-ext/{version('replicate-ext')}"
    transport: Any = field(default=None, repr=False)
    verify: Any = field(default=True, repr=False)

    def connecting(self) -> dict[str, Any]:
        """Return the arguments of httpx's clients."""
        return {"transport": self.transport, "verify": _usual_authorities() if self.verify is True else self.verify}

    def outgoing(self, request: Request, timeout: float | None) -> dict[str, Any]:
        """Return the arguments of httpx's `build_request`.

        A path is one below the API's base URL; anything else is a full URL, of an output file say, and gets the token
        only if it is the API's own origin.
        """
        arguments = request.arguments()
        url = self.base_url + request.path if request.path.startswith("/") else request.path
        headers = {"user-agent": self.user_agent, **_lowered(arguments.pop("headers"))}
        if self.token and origin(url) == origin(self.base_url):
            headers |= {**_lowered(self.headers), "authorization": f"Bearer {self.token}"}
        patience = self.timeout if timeout is None else _at_most(self.timeout, timeout)
        held = hold_of(request)
        late = held + (HOLD_MARGIN if timeout is None else min(HOLD_MARGIN, max(MIN_TIMEOUT, timeout - held)))
        if held and patience.read is not None and patience.read < late:
            connect, write, pool = patience.connect, patience.write, patience.pool
            patience = httpx.Timeout(connect=connect, read=late, write=write, pool=pool)
        return {"method": request.method, "url": url, "headers": headers, "timeout": patience, **arguments}


@cache
def _usual_authorities() -> ssl.SSLContext:
    """Return the SSL context that all clients of a process share: reading the authorities takes long."""
    return httpx.create_ssl_context()


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _at_most(timeout: httpx.Timeout, seconds: float) -> httpx.Timeout:
    return httpx.Timeout(
        **{phase: seconds if limit is None else min(seconds, limit) for phase, limit in timeout.as_dict().items()}
    )


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port, the port spelled out."""
    parsed = httpx.URL(url)
    return parsed.scheme, parsed.host, parsed.port or {"http": 80, "https": 443}.get(parsed.scheme)


def hold_of(request: Request) -> float:
    """Return the seconds for which the server may hold this request, by its `Prefer` header."""
    match = re.fullmatch(r"wait(?:=(\d+))?", str(request.headers.get("Prefer", "")))
    return float(match[1] or HOLD) if match else 0.0
