from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types


@define(slots=False, repr=False)
class ReleaseCreatedBy(types.Record):
    """Account that created the release.

    Attributes:
        type: Whether the account is a `user` or an `organization`.
        username: Unique account name, as used in URLs and model identifiers.
        avatar_url: URL of the profile picture, if there is one.
        github_url: URL of the GitHub profile, if one is linked.
        name: Display name, if one is set.
    """

    type: _models.ReleaseCreatedByType
    username: str
    avatar_url: str | None = None
    github_url: str | None = None
    name: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "type": types.Field("type", types.EnumOf("release_created_by_type", "ReleaseCreatedByType"), True),
        "username": types.Field("username", types.STRING, True),
        "avatar_url": types.Field("avatar_url", types.STRING, False),
        "github_url": types.Field("github_url", types.STRING, False),
        "name": types.Field("name", types.STRING, False),
    }
