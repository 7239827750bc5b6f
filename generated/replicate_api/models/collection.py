from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types


@define(slots=False, repr=False)
class Collection(types.Record):
    """A curated group of models for one kind of task.

    Attributes:
        description: One or two sentences about what is in it.
        models: All models of the collection.
        name: Title of the collection.
        slug: Identifier in URLs, lower case with hyphens.
        full_description: Long text in Markdown, null if there is none.
    """

    description: str
    models: list[_models.Model]
    name: str
    slug: str
    full_description: str | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "description": types.Field("description", types.STRING, True),
        "models": types.Field("models", types.ListOf(types.Nested("model", "Model")), True),
        "name": types.Field("name", types.STRING, True),
        "slug": types.Field("slug", types.STRING, True),
        "full_description": types.Field("full_description", types.AnyOf(types.STRING, types.NULL), False),
    }
