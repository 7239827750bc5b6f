"""The rules that simplify an OpenAPI document for the generator."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from codegen import normalize
from openapi_documents import DOCUMENT, STRING, json_content, object_schema


def test_an_unsupported_method_is_replaced_and_returned() -> None:
    document = copy.deepcopy(DOCUMENT)
    methods = normalize.replace_methods(document)
    assert methods["models.search"] == "QUERY"
    assert "query" not in document["paths"]["/models"]
    assert len(methods) == sum(map(len, DOCUMENT["paths"].values()))


def document_with(responses: dict[str, Any]) -> dict[str, Any]:
    operation = {"operationId": "things.get", "responses": responses}
    return {"paths": {"/things": {"get": operation}}, "components": {"schemas": {}}}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"application/problem+json": {}},
        {"application/problem+json": {"schema": {"type": "object"}}},
        {"text/plain": {"schema": STRING}},
        json_content({"allOf": [object_schema(title=STRING)]})["content"],
    ],
)
def test_error_bodies_without_fields_have_a_detail(content: Any) -> None:
    document = document_with({"404": {"description": "", "content": content}})
    normalize.name_problems(document)
    assert list(document["components"]["schemas"]["Problem"]["properties"]) == ["detail"]


def test_error_bodies_have_the_fields_of_all_of_them() -> None:
    errors = {status: json_content(object_schema(**{name: STRING})) for status, name in (("400", "a"), ("5XX", "b"))}
    document = document_with(errors)
    normalize.name_problems(document)
    assert list(document["components"]["schemas"]["Problem"]["properties"]) == ["a", "b", "detail"]


def test_a_component_that_is_called_problem_has_a_detail() -> None:
    document = document_with({})
    document["components"]["schemas"]["Problem"] = {"type": "object"}
    normalize.name_problems(document)
    assert list(document["components"]["schemas"]["Problem"]["properties"]) == ["detail"]
