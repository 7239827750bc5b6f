from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types


@define(slots=False, repr=False)
class File(types.Record):
    """The details of an uploaded file, without its content.

    Attributes:
        checksums: Checksums of the content, by algorithm.
        content_type: Media type of the content.
        created_at: When it was uploaded.
        expires_at: When it is erased.
        id: Unique id.
        metadata: The JSON object that was stored with it.
        size: Size of the content in bytes.
        urls: URLs of the file.
        name: Name of the file.
    """

    checksums: _models.FileChecksums
    content_type: str
    created_at: datetime
    expires_at: datetime
    id: str
    metadata: dict[str, Any]
    size: int
    urls: _models.FileUrls
    name: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "checksums": types.Field("checksums", types.Nested("file_checksums", "FileChecksums"), True),
        "content_type": types.Field("content_type", types.STRING, True),
        "created_at": types.Field("created_at", types.DATETIME, True),
        "expires_at": types.Field("expires_at", types.DATETIME, True),
        "id": types.Field("id", types.STRING, True),
        "metadata": types.Field("metadata", types.OBJECT, True),
        "size": types.Field("size", types.INTEGER, True),
        "urls": types.Field("urls", types.Nested("file_urls", "FileUrls"), True),
        "name": types.Field("name", types.STRING, False),
    }
