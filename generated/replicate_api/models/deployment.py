from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from attrs import define

from .. import types

if TYPE_CHECKING:
    from .release import Release


@define(slots=False, repr=False)
class Deployment(types.Record):
    """A model version on hardware of its own, with its own scaling limits.

    Attributes:
        current_release: The settings in force; every change makes a new release.
        name: Name of the deployment, without its owner.
        owner: User or organization that the deployment belongs to.
    """

    current_release: Release | None = None
    name: str | None = None
    owner: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "current_release": types.Field("current_release", types.Nested("release", "Release"), False),
        "name": types.Field("name", types.STRING, False),
        "owner": types.Field("owner", types.STRING, False),
    }
