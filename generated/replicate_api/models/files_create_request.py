from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, ClassVar

from attrs import define

from .. import types
from ..types import UNSET, Unset


@define(slots=False, repr=False)
class FilesCreateRequest(types.RequestRecord):
    """FilesCreateRequest

    Attributes:
        content: The bytes of the file.
        filename: File name, UTF-8 of at most 255 bytes; may be given with the `content` part instead.
        metadata: Any JSON object to keep with the file; empty by default.
        type: MIME type of the content, taken as plain bytes by default.
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
