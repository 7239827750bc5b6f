from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types


@define(slots=False, repr=False)
class PageOfDeployments(types.Record):
    """A page of deployments.

    Attributes:
        next: Absolute URL of the following page, null on the last one.
        previous: Absolute URL of the preceding page, null on the first one.
        results: The deployments on this page, newest first.
    """

    next: str | None = None
    previous: str | None = None
    results: list[_models.Deployment] | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "next": types.Field("next", types.AnyOf(types.STRING, types.NULL), False),
        "previous": types.Field("previous", types.AnyOf(types.STRING, types.NULL), False),
        "results": types.Field("results", types.ListOf(types.Nested("deployment", "Deployment")), False),
    }
