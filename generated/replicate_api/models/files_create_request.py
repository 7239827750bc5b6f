from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, ClassVar

from attrs import define

from .. import types
from ..types import UNSET, Unset


@define(slots=False, repr=False)
class FilesCreateRequest(types.RequestRecord):
    """The body of a request of `files.create`.

    Attributes:
        content: The content of the file, at most 100 MB.
        filename: Name of the file, at most 255 bytes of UTF-8; by default that of the `content` part.
        metadata: A JSON object to store with the file; empty by default.
        type: Media type of the content; by default that of the `content` part, or `application/octet-stream`.
    """

    content: types.Upload | IO[bytes] | bytes | Path
    filename: str | Unset = UNSET
    metadata: dict[str, Any] | Unset = UNSET
    type: str | Unset = UNSET

    fields: ClassVar[Mapping[str, types.Field]] = {
        "content": types.Field("content", types.BYTES, True),
        "filename": types.Field("filename", types.STRING, False),
        "metadata": types.Field("metadata", types.OBJECT, False),
        "type": types.Field("type", types.STRING, False),
    }
