"""What may be shown: the path of a URL of the API, without its query, and of other hosts nothing but the host.

Queries hold signatures and search terms; the path of an output file or a stream is its only key
(docs/api-facts.md, sections 9 and 10). The token is replaced wherever a server repeats it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replicate_api.types import Request

SECRET_NAME = re.compile(r"(?:^|[_-])(?:token|secret|password|api[_-]?key|credentials?|authorization)$", re.IGNORECASE)
"""Names of fields whose values are never shown."""

_TOKEN = re.compile(r"\b(?:r8_|hf_|sk-)[\w-]{16,}")
MIN_TOKEN_SIZE = 8
"""Characters; the token of a local server may be a word that occurs in any text."""


def strip_query(url: str) -> str:
    """Return a path or URL without its query."""
    return url.partition("?")[0]


def redact(url: str) -> str:
    """Return what may be logged of a path of the API, or of a URL of any host."""
    host = url.partition("//")[2].partition("/")[0]
    return f"{host}/…" if host else strip_query(url)


def hide_secrets(value: Any, name: str = "") -> Any:
    """Return a JSON value, or one with files, with "…" instead of the strings whose names look secret."""
    if isinstance(value, str):
        return "…" if value and SECRET_NAME.search(name) else value
    if isinstance(value, dict):
        is_secret = SECRET_NAME.search(name)
        return {key: hide_secrets(item, name if is_secret else key) for key, item in value.items()}
    return [hide_secrets(item, name) for item in value] if isinstance(value, list) else value


def hide_tokens(text: str) -> str:
    """Replace what looks like a token of Replicate, Hugging Face or OpenAI."""
    return _TOKEN.sub("[token]", text)


def hide_token(error: BaseException | None, token: str | None) -> None:
    """Replace the token in the texts of an error, where a server or proxy may have repeated it."""
    if error is None or token is None or len(token) < MIN_TOKEN_SIZE:
        return
    error.args = _replace(error.args, token)
    for name, value in vars(error).items():
        vars(error)[name] = _replace(value, token)


def _replace(value: Any, token: str) -> Any:
    if isinstance(value, str):
        return value.replace(token, "[token]")
    if isinstance(value, bytes):
        return value.replace(token.encode(), b"[token]")
    if type(value) is dict:
        return {_replace(key, token): _replace(item, token) for key, item in value.items()}
    return type(value)(_replace(item, token) for item in value) if type(value) in (list, tuple) else value


def request_label(request: Request) -> str:
    """Return what error messages call a request."""
    return f"{request.method} {strip_query(request.path)}"
