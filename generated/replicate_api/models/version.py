from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class Version(types.Record):
    """One version of a model, which never changes.

    Attributes:
        cog_version: Version of Cog that built it, null if unknown.
        created_at: When it was pushed.
        id: Version id, 64 hexadecimal digits.
        openapi_schema: OpenAPI document of the model's own interface, with its `Input` and `Output`
            schemas; null if unknown.
    """

    cog_version: str | None = None
    created_at: datetime | None = None
    id: str | None = None
    openapi_schema: dict[str, Any] | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "cog_version": types.Field("cog_version", types.AnyOf(types.STRING, types.NULL), False),
        "created_at": types.Field("created_at", types.DATETIME, False),
        "id": types.Field("id", types.STRING, False),
        "openapi_schema": types.Field("openapi_schema", types.AnyOf(types.OBJECT, types.NULL), False),
    }
