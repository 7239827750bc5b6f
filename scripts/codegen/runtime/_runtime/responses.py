"""Parse responses: decode JSON, load it with a codec, keep what a failed request says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast

from attrs import define

from ..errors import UnexpectedStatus
from .codecs import ANY, Codec
from .composite_codecs import Nested

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]  # a module that may be absent has no type of its own

if TYPE_CHECKING:
    import httpx

    from ..models.problem import Problem

T = TypeVar("T")


@define(slots=False)
class Response(Generic[T]):
    """A response: status, headers and body, and what the body parsed to."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]
    parsed: T | None
    problem: Problem | None = None

    def result(self) -> T:
        """Return the parsed body if the status is 2xx; else raise `errors.UnexpectedStatus`."""
        if 200 <= self.status_code < 300:
            return cast(T, self.parsed)
        raise UnexpectedStatus(self.status_code, self.content)


_CLASSIFY_BYTES = bytes(48 if chr(code).isdigit() else 58 if chr(code) in ":,[- \n\r\t" else 46 for code in range(256))
"""Maps digits to `0`, what may precede a number in JSON to `:`, other bytes to `.`."""

_LONG_NUMBER = b":" + b"0" * 19
"""The start of a number that may not fit into 64 bits, in bytes that `_CLASSIFY_BYTES` has mapped."""


def loads(content: bytes) -> Any:
    """Decode JSON without rounding integers; ValueError if it is invalid or nested too deeply.

    orjson is used if it is installed, as it is faster. It rounds integers of more than 64 bits and is stricter than the
    standard library, so JSON with a long number, or that orjson rejects, is decoded by the standard library.
    """
    if orjson is not None and content[:1] in (b"{", b"[") and _LONG_NUMBER not in content.translate(_CLASSIFY_BYTES):
        try:
            return orjson.loads(content)
        except ValueError:
            pass
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def load_response(codec: Codec, response: httpx.Response) -> Any:
    """Load the body of a successful response; ValueError if it is not JSON or not of the expected type."""
    body: object = loads(response.content)
    if not codec.accepts(body):
        raise ValueError(f"the response body has an unexpected type: {response.text[:200]!r}")
    return codec.load(body)


class Alternative(NamedTuple):
    """One of several bodies that successful responses may have: `json`, `text`, `bytes` or `empty`."""

    status: str
    """Such as `200` or `2XX`."""
    kind: str
    codec: Codec = ANY
    """That of JSON."""

    def load(self, response: httpx.Response) -> Any:
        """Load a body of this kind."""
        if self.kind == "json":
            return load_response(self.codec, response)
        return {"text": response.text, "bytes": response.content}.get(self.kind)


def load_alternative(alternatives: Sequence[Alternative], response: httpx.Response) -> Any:
    """Load the body of a successful response by its status and media type; ValueError if no alternative fits."""
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    kind = "bytes"
    if not response.content:
        kind = "empty"
    elif media_type == "application/json" or media_type.endswith("+json"):
        kind = "json"
    elif media_type.startswith("text/"):
        kind = "text"
    statuses = (str(response.status_code), f"{response.status_code // 100}XX")
    of_kind = [one for one in alternatives if one.kind == kind]
    fitting = [one for status in statuses for one in of_kind if one.status == status] or of_kind
    if not fitting:
        raise ValueError(
            f"no response is described that is {media_type or 'without a media type'}, of {response.status_code}"
        )
    return fitting[0].load(response)


def load_untyped(response: httpx.Response) -> Any:
    """Load a body that the OpenAPI document does not describe: JSON, else text, None if it is empty."""
    try:
        return loads(response.content) if response.content else None
    except ValueError:
        return response.text


def to_response(response: httpx.Response, parse: Callable[[httpx.Response], T]) -> Response[T]:
    """Convert an httpx response: `parsed` if it is successful, else `problem` if the body is a JSON object."""
    parsed = problem = None
    if response.is_success:
        parsed = parse(response)
    else:
        try:
            body: object = loads(response.content)
        except ValueError:
            body = None
        problem = Nested("problem", "Problem").load(body) if isinstance(body, Mapping) else None
    return Response(response.status_code, response.content, response.headers, parsed, problem)
