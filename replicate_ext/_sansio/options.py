"""Validate the options of a client: every function returns the valid value, or raises for its argument by name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import httpx

from ..errors import AuthenticationError

DEFAULT_TIMEOUT = httpx.Timeout(connect=10.0, read=60.0, write=60.0, pool=None)
"""Seconds for one request. Waiting for a free connection has no limit: many concurrent runs queue up, none fails."""


def check_token(token: object, source: str) -> str:
    """Return the API token; AuthenticationError says what is wrong with it, and TypeError that it is no string."""
    if not isinstance(token, str):
        raise TypeError(f"{source} must be a str, not {type(token).__name__}")
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


def check_timeout(timeout: Any) -> httpx.Timeout:
    """Return the timeout of one request."""
    if timeout is None:
        return DEFAULT_TIMEOUT
    if _is_number(timeout):
        timeout = httpx.Timeout(timeout, pool=None)
    if not isinstance(timeout, httpx.Timeout):
        raise TypeError(
            f"timeout must be a number of seconds or an httpx.Timeout, not {type(timeout).__name__}; for separate "
            "limits write httpx.Timeout(connect=10, read=60, write=60, pool=None)"
        )
    for phase, seconds in timeout.as_dict().items():
        if seconds is not None and not (_is_number(seconds) and 0 < seconds < math.inf):
            raise ValueError(
                f"timeout must be more than 0 seconds, but {phase} is {seconds!r}; httpx.Timeout(None) sets no limit"
            )
    return timeout


def check_max_retries(max_retries: object) -> int:
    """Return how often a request is retried."""
    if not isinstance(max_retries, int) or isinstance(max_retries, bool):
        raise TypeError(f"max_retries must be an int, not {max_retries!r}; 0 disables retries")
    if max_retries < 0:
        raise ValueError(f"max_retries must be 0 or more, not {max_retries!r}")
    return max_retries


def check_max_rate_limit_wait(seconds: Any) -> float | None:
    """Return the seconds that one call waits for the rate limit; None for no limit."""
    if seconds is None:
        return None
    if not _is_number(seconds):
        raise TypeError(f"max_rate_limit_wait must be a number of seconds or None, not {seconds!r:.100}")
    if not 0 <= seconds < math.inf:
        raise ValueError(f"max_rate_limit_wait must be 0 or more, or None for no limit, not {seconds!r}")
    return float(seconds)


def check_headers(headers: object) -> dict[str, str]:
    """Return headers that can be sent (RFC 9110, section 5); messages don't contain values, which may be secret."""
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise TypeError(f"headers must be a dict of strings, not {type(headers).__name__}")
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            wrong = name if not isinstance(name, str) else value
            raise TypeError(f"headers[{name!r}]: name and value must be str, not {type(wrong).__name__}")
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise ValueError(f"headers[{name!r}]: this is not a valid name of a header")
        _check_header_value(value, f"headers[{name!r}]")
    return dict(headers)


def check_user_agent(user_agent: object) -> str | None:
    """Return the value of the User-Agent header; None for the default."""
    if user_agent is not None:
        if not isinstance(user_agent, str):
            raise TypeError(f"user_agent must be a str, not {type(user_agent).__name__}")
        _check_header_value(user_agent, "user_agent")
    return user_agent


def check_transport(transport: Any, *, is_async: bool) -> Any:
    """Return an httpx transport for this kind of client."""
    method = "handle_async_request" if is_async else "handle_request"
    if transport is None or callable(getattr(transport, method, None)):
        return transport
    client, cls, example = (
        ("AsyncReplicate", "AsyncBaseTransport", "AsyncHTTPTransport")
        if is_async
        else ("Replicate", "BaseTransport", "HTTPTransport")
    )
    raise TypeError(
        f"transport of {client} must be an httpx.{cls}, such as httpx.{example}(), not {type(transport).__name__}"
    )


def _check_header_value(value: str, name: str) -> None:
    if not re.fullmatch(r"[\t -~]*", value):
        raise ValueError(f"{name} contains a line break or a character outside ASCII, which no header may have")
    if value != value.strip():
        raise ValueError(f"{name} begins or ends with whitespace: remove it")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
