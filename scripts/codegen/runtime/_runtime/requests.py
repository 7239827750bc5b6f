"""Requests, complete but for the base URL and the token, and the files in them."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable
from pathlib import PurePath
from typing import IO, Any, NamedTuple

from .records import MAX_REQUEST_DEPTH, dump
from .styles import to_text
from .values import UNSET, Unset


class Upload:
    """A file to send: bytes or an open binary file, its name and its MIME type.

    A seekable file is sent from its start, whatever its current position.

    Args:
        payload: The content: bytes, or a file opened with mode "rb".
        file_name: The name under which it is sent; by default that of the file, or "upload".
        mime_type: Its MIME type; by default guessed by the name.

    Examples:
        >>> upload = replicate.Upload(b"...", "cat.png")
        >>> upload.mime_type
        'image/png'
    """

    def __init__(self, payload: IO[bytes] | bytes, file_name: str | None = None, mime_type: str | None = None) -> None:
        name = getattr(payload, "name", None)
        self.payload = payload
        self.file_name = dump(file_name) or (PurePath(name).name if isinstance(name, str) else "upload")
        self.mime_type = dump(mime_type) or mimetypes.guess_type(self.file_name)[0] or "application/octet-stream"

    def is_replayable(self) -> bool:
        """Return whether the payload can be sent a second time: bytes can, and so can seekable files.

        Returns:
            False for a file that is not seekable, such as a pipe.
        """
        return isinstance(self.payload, bytes) or self.payload.seekable()

    def part(self) -> tuple[str | None, IO[bytes] | bytes, str | None]:
        """Return the part of a multipart body, in the form that httpx takes.

        Returns:
            Name, payload and MIME type.
        """
        return self.file_name, self.payload, self.mime_type


class Request(NamedTuple):
    """One request, complete but for the base URL and the token."""

    method: str
    path: str
    params: dict[str, Any] = {}
    headers: dict[str, str] = {}
    json: Any = UNSET
    content: str | bytes | None = None
    form: dict[str, Any] | None = None
    progress: bool | Callable[[int, int | None], object] | None = None
    """How to report the bytes of `form` as they are sent; for clients that do."""
    query: str = ""
    """The parameters, percent-encoded, if some have a style that httpx cannot write; there are no `params` then."""

    @property
    def target(self) -> str:
        """The path with the encoded query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of `httpx.Client.build_request`, except method and URL."""
        arguments: dict[str, Any] = {"headers": {name: _encode_header(value) for name, value in self.headers.items()}}
        if self.params:
            arguments["params"] = dump(self.params, MAX_REQUEST_DEPTH)
        if not isinstance(self.json, Unset):
            arguments["json"] = self.json
        if self.content is not None:
            arguments["content"] = self.content
        if self.form is not None:  # no Content-Type: httpx adds one, with a new boundary for each request
            arguments["files"] = [(name, _encode_part(value)) for name, value in self.form.items()]
        return arguments

    def is_replayable(self) -> bool:
        """Whether the request can be sent a second time."""
        return all(value.is_replayable() for value in (self.form or {}).values() if isinstance(value, Upload))


def _encode_header(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(to_text(item, f"header[{i}]") for i, item in enumerate(value))
    return value if isinstance(value, str) else json.dumps(value)


def _encode_part(value: Any) -> tuple[str | None, IO[bytes] | bytes, str | None]:
    if isinstance(value, Upload):
        return value.part()
    if isinstance(value, str):
        return None, value.encode(), None
    return None, json.dumps(value).encode(), "application/json"
