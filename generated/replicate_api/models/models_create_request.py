from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types
from ..types import UNSET, Unset


@define(slots=False, repr=False)
class ModelsCreateRequest(types.RequestRecord):
    """The body of a request of `models.create`.

    Attributes:
        hardware: SKU of the hardware that predictions run on, from `hardware.list`.
        name: Name of the model, unique within its owner.
        owner: Account that owns the model; it must be that of the token.
        visibility: Who can see and run it: everyone if `public`, the owner or the members of the owning organization if
            `private`.
        cover_image_url: URL of a picture that represents the model.
        description: Short text about what the model does.
        github_url: URL of its source code.
        license_url: URL of its license.
        paper_url: URL of the paper about it.
    """

    hardware: str
    name: str
    owner: str
    visibility: _models.ModelVisibility
    cover_image_url: str | Unset = UNSET
    description: str | Unset = UNSET
    github_url: str | Unset = UNSET
    license_url: str | Unset = UNSET
    paper_url: str | Unset = UNSET

    fields: ClassVar[Mapping[str, types.Field]] = {
        "hardware": types.Field("hardware", types.KeyOf(("sku",), "Hardware"), True),
        "name": types.Field("name", types.STRING, True),
        "owner": types.Field("owner", types.STRING, True),
        "visibility": types.Field("visibility", types.EnumOf("model_visibility", "ModelVisibility"), True),
        "cover_image_url": types.Field("cover_image_url", types.STRING, False),
        "description": types.Field("description", types.STRING, False),
        "github_url": types.Field("github_url", types.STRING, False),
        "license_url": types.Field("license_url", types.STRING, False),
        "paper_url": types.Field("paper_url", types.STRING, False),
    }
