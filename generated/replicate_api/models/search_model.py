from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import define

from .. import models as _models  # `models` may be the name of an attribute
from .. import types


@define(slots=False, repr=False)
class SearchModel(types.Record):
    """A model and its search data.

    Attributes:
        metadata: What a search adds to a model.
        model: A model: its owner, texts, links and latest version.
    """

    metadata: _models.SearchModelMetadata
    model: _models.Model

    fields: ClassVar[Mapping[str, types.Field]] = {
        "metadata": types.Field("metadata", types.Nested("search_model_metadata", "SearchModelMetadata"), True),
        "model": types.Field("model", types.Nested("model", "Model"), True),
    }
