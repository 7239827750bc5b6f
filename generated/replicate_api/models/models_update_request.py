from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types
from ..types import UNSET, Unset


@define(slots=False, repr=False)
class ModelsUpdateRequest(types.RequestRecord):
    """The body of a request of `models.update`.

    Attributes:
        description: Short text about what the model does.
        github_url: URL of its source code.
        license_url: URL of its license.
        paper_url: URL of the paper about it.
        readme: Long text in Markdown, shown on the model's page.
        weights_url: URL of its weights.
    """

    description: str | Unset = UNSET
    github_url: str | Unset = UNSET
    license_url: str | Unset = UNSET
    paper_url: str | Unset = UNSET
    readme: str | Unset = UNSET
    weights_url: str | Unset = UNSET

    fields: ClassVar[Mapping[str, types.Field]] = {
        "description": types.Field("description", types.STRING, False),
        "github_url": types.Field("github_url", types.STRING, False),
        "license_url": types.Field("license_url", types.STRING, False),
        "paper_url": types.Field("paper_url", types.STRING, False),
        "readme": types.Field("readme", types.STRING, False),
        "weights_url": types.Field("weights_url", types.STRING, False),
    }
