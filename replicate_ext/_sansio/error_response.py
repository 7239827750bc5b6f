"""The error for a response with an error status."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from ..errors import (
    APIStatusError,
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)

PROXY_CREDENTIALS = "the proxy requires a user and password: write http://user:password@host:port in HTTP(S)_PROXY"

_ERROR_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    422: InvalidRequestError,
    429: RateLimitError,
}


def from_response(
    status_code: int, headers: Mapping[str, str], body: bytes, request: str, retry_after: float | None = None
) -> APIStatusError:
    """Return the error for a response with an error status.

    The body should be a problem document (RFC 9457), but any key may be missing, and it may be an HTML page of a proxy
    (docs/api-facts.md, section 5).

    Args:
        status_code: The status of the response.
        headers: Its headers.
        body: Its body.
        request: Method and path for the message, without secrets: "GET /predictions/…".
        retry_after: The server's hint in seconds.
    """
    text = body.decode(errors="replace").strip()
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    problem = parsed if isinstance(parsed, dict) else {}
    title, detail, fields = problem.get("title"), problem.get("detail"), problem.get("invalid_fields")
    if not isinstance(parsed, dict):
        detail = text[:500] if isinstance(parsed, list) else _summarize_page(text)
    cls = _ERROR_BY_STATUS.get(status_code, ServerError if status_code >= 500 else APIStatusError)
    extra = {"retry_after": retry_after} if cls is RateLimitError else {}
    error = cls(
        status_code,
        title if isinstance(title, str) else None,
        detail if isinstance(detail, str) else json.dumps(detail) if detail else None,
        [dict(field) for field in fields if isinstance(field, dict)] if isinstance(fields, list) else None,
        headers,
        request=request,
        problem=problem,
        **extra,
    )
    if status_code == 407:  # of a plain HTTP request, which is not tunneled
        error.add_advice(PROXY_CREDENTIALS)
    if status_code == 413:
        error.add_advice(
            "pass large values as files of up to 100 MB, which are uploaded instead of being part of the request"
        )
    return error


def _summarize_page(text: str) -> str:
    """Return the title of an HTML page, or the beginning of a plain text."""
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    plain = title[1] if title else re.sub(r"<[^>]*>", " ", text)
    return " ".join(plain.split())[:300]
