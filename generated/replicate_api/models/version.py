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
        created_at: When it was pushed.
        id: Version id, 64 hexadecimal digits.
        openapi_schema: OpenAPI document of the model's own interface, with its `Input` and `Output` schemas; null if
            unknown.
        cog_version: Version of Cog that built it, null if unknown.
    """

    created_at: datetime
    id: str
    openapi_schema: dict[str, Any] | None
    cog_version: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "created_at": types.Field("created_at", types.DATETIME, True),
        "id": types.Field("id", types.STRING, True),
        "openapi_schema": types.Field("openapi_schema", types.AnyOf(types.OBJECT, types.NULL), True),
        "cog_version": types.Field("cog_version", types.AnyOf(types.STRING, types.NULL), False),
    }
