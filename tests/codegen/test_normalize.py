"""The rules that simplify an OpenAPI document for the generator."""

from __future__ import annotations

import copy

from codegen import normalize
from openapi_documents import DOCUMENT


def test_an_unsupported_method_is_replaced_and_returned() -> None:
    document = copy.deepcopy(DOCUMENT)
    methods = normalize.replace_methods(document)
    assert methods["models.search"] == "QUERY"
    assert "query" not in document["paths"]["/models"]
    assert len(methods) == 37
