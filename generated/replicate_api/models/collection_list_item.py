from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import types


@define(slots=False, repr=False)
class CollectionListItem(types.Record):
    """A collection as lists show it, without its models.

    Attributes:
        description: One or two sentences about what is in it.
        name: Title of the collection.
        slug: Identifier in URLs, lower case with hyphens.
    """

    description: str
    name: str
    slug: str

    fields: ClassVar[Mapping[str, types.Field]] = {
        "description": types.Field("description", types.STRING, True),
        "name": types.Field("name", types.STRING, True),
        "slug": types.Field("slug", types.STRING, True),
    }
