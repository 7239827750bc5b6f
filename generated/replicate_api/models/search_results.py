from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types


@define(slots=False, repr=False)
class SearchResults(types.Record):
    """What a search found, by kind.

    Attributes:
        collections: Matching collections.
        models: Matching models, with what the search adds.
        pages: Matching pages of the documentation.
        query: The text that was searched for.
    """

    collections: list[_models.SearchCollection]
    models: list[_models.SearchModel]
    pages: list[_models.SearchPage]
    query: str

    fields: ClassVar[Mapping[str, types.Field]] = {
        "collections": types.Field(
            "collections", types.ListOf(types.Nested("search_collection", "SearchCollection")), True
        ),
        "models": types.Field("models", types.ListOf(types.Nested("search_model", "SearchModel")), True),
        "pages": types.Field("pages", types.ListOf(types.Nested("search_page", "SearchPage")), True),
        "query": types.Field("query", types.STRING, True),
    }
