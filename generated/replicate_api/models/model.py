from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types


@define(slots=False, repr=False)
class Model(types.Record):
    """A model: its owner, texts, links and latest version.

    Attributes:
        name: Name of the model, without its owner.
        owner: User or organization that the model belongs to.
        run_count: Number of times that it was run.
        url: URL of its page.
        visibility: Who can see and run it: everyone if `public`, the owner or the members of the owning organization if
            `private`.
        cover_image_url: URL of a picture that represents the model, null if there is none.
        description: Short text about what the model does, null if there is none.
        github_url: URL of its source code, null if not given.
        is_official: Whether Replicate maintains it: always on, with a stable interface, and run without a version.
        license_url: URL of its license, null if not given.
        paper_url: URL of the paper about it, null if not given.
        default_example: A prediction that shows what the model does; null if the owner chose none.
        latest_version: The newest version; null before the first push.
    """

    name: str
    owner: str
    run_count: int
    url: str
    visibility: _models.ModelVisibility
    cover_image_url: str | None = None
    description: str | None = None
    github_url: str | None = None
    is_official: bool | None = None
    license_url: str | None = None
    paper_url: str | None = None
    default_example: _models.Prediction | None = None
    latest_version: _models.Version | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "name": types.Field("name", types.STRING, True),
        "owner": types.Field("owner", types.STRING, True),
        "run_count": types.Field("run_count", types.INTEGER, True),
        "url": types.Field("url", types.STRING, True),
        "visibility": types.Field("visibility", types.EnumOf("model_visibility", "ModelVisibility"), True),
        "cover_image_url": types.Field("cover_image_url", types.AnyOf(types.STRING, types.NULL), False),
        "description": types.Field("description", types.AnyOf(types.STRING, types.NULL), False),
        "github_url": types.Field("github_url", types.AnyOf(types.STRING, types.NULL), False),
        "is_official": types.Field("is_official", types.BOOLEAN, False),
        "license_url": types.Field("license_url", types.AnyOf(types.STRING, types.NULL), False),
        "paper_url": types.Field("paper_url", types.AnyOf(types.STRING, types.NULL), False),
        "default_example": types.Field(
            "default_example", types.AnyOf(types.Nested("prediction", "Prediction"), types.NULL), False
        ),
        "latest_version": types.Field(
            "latest_version", types.AnyOf(types.Nested("version", "Version"), types.NULL), False
        ),
    }
