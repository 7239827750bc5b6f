"""Why a connection failed: what the caller can do about it, and whether another attempt may succeed.

A certificate that is not trusted, a proxy that refuses, or a server that doesn't speak TLS stay that way: the error is
raised at once. A refused connection and an unknown host name are different: before the first response of a client they
mean a wrong URL or a server that isn't running, and the caller should see that at once. Later the server restarts or
the network is away, and a retry can save a prediction that is being paid for.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple

import httpx

from .error_response import PROXY_CREDENTIALS


class Diagnosis(NamedTuple):
    """What the caller can do about a failed connection, and whether to retry."""

    advice: str
    is_retryable: bool


def diagnose(error: BaseException, *, has_connected: bool) -> Diagnosis | None:
    """Return what is known about a failure; `has_connected` tells whether this client ever got a response."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Diagnosis(
                "the certificate is not trusted; for the CA of a company or proxy, set SSL_CERT_FILE or pass "
                "verify='ca.pem'",
                False,
            )
        if isinstance(cause, ssl.SSLError) and getattr(cause, "reason", None) == "WRONG_VERSION_NUMBER":
            return Diagnosis("the server does not speak TLS: its URL, or that of the proxy, begins with http://", False)
        if isinstance(cause, httpx.ProxyError) and re.match(r"4\d\d\b", str(cause)):
            is_unauthorized = str(cause).startswith("407")
            return Diagnosis(PROXY_CREDENTIALS if is_unauthorized else "the proxy refuses this host", False)
        if isinstance(cause, ConnectionRefusedError):
            return Diagnosis("nothing listens there: check base_url, the proxy, and that it is running", has_connected)
        if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME:
            return Diagnosis("there is no such host: check base_url, the proxy, and the network", has_connected)
    return None


def _causes(error: BaseException | None, seen: set[int] | None = None) -> Iterator[BaseException]:
    """Yield an error and what led to it, hidden or not; a backend may try several addresses of a host.

    An error of a file that is uploaded may be its own context: aiohttp wraps it, and our transport raises it again.
    """
    seen = set() if seen is None else seen
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each, seen)
        error = error.__cause__ or error.__context__
