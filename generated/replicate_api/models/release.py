from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types


@define(slots=False, repr=False)
class Release(types.Record):
    """The settings of a deployment; every change creates another release.

    Attributes:
        configuration: Hardware and scaling limits.
        created_at: When the release was created.
        created_by: Account that created the release.
        model: Model it runs, as `owner/name`.
        number: Number of the release, from 1.
        version: Id of the version it runs.
    """

    configuration: _models.ReleaseConfiguration | None = None
    created_at: datetime | None = None
    created_by: _models.ReleaseCreatedBy | None = None
    model: str | None = None
    number: int | None = None
    version: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "configuration": types.Field(
            "configuration", types.Nested("release_configuration", "ReleaseConfiguration"), False
        ),
        "created_at": types.Field("created_at", types.DATETIME, False),
        "created_by": types.Field("created_by", types.Nested("release_created_by", "ReleaseCreatedBy"), False),
        "model": types.Field("model", types.STRING, False),
        "number": types.Field("number", types.INTEGER, False),
        "version": types.Field("version", types.STRING, False),
    }
