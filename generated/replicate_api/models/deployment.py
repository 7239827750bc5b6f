from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types


@define(slots=False, repr=False)
class Deployment(types.Record):
    """A model version on hardware of its own, with its own scaling limits.

    Attributes:
        current_release: The settings of a deployment; every change creates another release.
        name: Name of the deployment, without its owner.
        owner: User or organization that the deployment belongs to.
    """

    current_release: _models.Release | None = None
    name: str | None = None
    owner: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "current_release": types.Field("current_release", types.Nested("release", "Release"), False),
        "name": types.Field("name", types.STRING, False),
        "owner": types.Field("owner", types.STRING, False),
    }
