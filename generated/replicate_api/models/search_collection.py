from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class SearchCollection(types.Record):
    """A collection that a search found.

    Attributes:
        description: One or two sentences about what is in it.
        name: Title of the collection.
        slug: Identifier in URLs, lower case with hyphens.
        models: Its models by name, null if not given.
    """

    description: str
    name: str
    slug: str
    models: list[str] | None = None

    fields: ClassVar[Mapping[str, types.Field]] = {
        "description": types.Field("description", types.STRING, True),
        "name": types.Field("name", types.STRING, True),
        "slug": types.Field("slug", types.STRING, True),
        "models": types.Field("models", types.AnyOf(types.ListOf(types.STRING), types.NULL), False),
    }
