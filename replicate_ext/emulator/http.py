"""What endpoints need of HTTP: the server's origin as the client sees it, JSON in both directions, lost connections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from .problems import Problem

MAX_JSON_SIZE = 100 * 1024 * 1024
"""Maximum bytes of a JSON body. Replicate has a limit, but its value is unknown: docs/api-facts.md, section 5."""


def get_origin(request: Request) -> str:
    """Return scheme and host under which the client reached this server."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


async def read_json(request: Request) -> Any:
    """Return the parsed body of a request, whatever its content type (docs/api-facts.md, section 1).

    Raises:
        Problem: 413 for a body beyond `MAX_JSON_SIZE`, 400 for one that is not JSON.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_SIZE:
            raise Problem(413, "Request Entity Too Large")
    try:
        return parse_json(bytes(body))
    except (ValueError, RecursionError) as error:
        reason = "EOF" if not body else str(error)
        raise Problem(400, f"Failed to parse request body as JSON: {reason}") from None


def parse_json(text: bytes | str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: The text is not strict JSON, or holds a string that UTF-8 cannot encode.
        RecursionError: The text is nested too deeply.
    """
    value = json.loads(text, parse_constant=_reject_constant)
    json.dumps(value, ensure_ascii=False).encode()  # an unpaired surrogate could not be sent back
    return value


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


async def wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client closes the connection, the server shuts down, or the response is complete."""
    while (await receive())["type"] != "http.disconnect":
        pass


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response as the API sends it: compact, with a newline at the end."""
    body = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Response(body + "\n", status, headers, "application/json")
