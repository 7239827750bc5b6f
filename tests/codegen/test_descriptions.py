"""Descriptions in a new OpenAPI document: ours are kept, over any sequence of documents."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from codegen import contract, descriptions
from openapi_documents import (
    DOCUMENT,
    ROOT,
    STRING,
    iterate_documentation,
    json_content,
    object_schema,
    operation_returning,
)


def without_ours(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as Replicate could publish it: other words, and the fields of each object in another order."""
    if isinstance(document, list):
        return [without_ours(item) for item in document]
    if not isinstance(document, dict):
        return document
    fields = {name: without_ours(node) for name, node in document.items()}
    if isinstance(fields.get("description"), str):
        fields["description"] = "Words of theirs."
    is_object = not document.keys().isdisjoint({"type", "in", "responses", "openapi"})
    return dict(sorted(fields.items())) if is_object else fields


def operation(document: dict[str, Any], path: str, method: str = "get") -> dict[str, Any]:
    return document["paths"][path][method]


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    return document["components"]["schemas"][f"schemas_{name}"]


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "nothing": lambda d: d,
    "an operation": lambda d: d["paths"]["/models"].pop("query"),
    "a path": lambda d: d["paths"].pop("/search"),
    "a parameter": lambda d: operation(d, "/predictions")["parameters"].pop(0),
    "all parameters": lambda d: operation(d, "/search").pop("parameters"),
    "a shared parameter": lambda d: d["components"]["parameters"].pop("parameters_prefer_header"),
    "a response": lambda d: operation(d, "/search")["responses"].pop("400"),
    "the content of a response": lambda d: operation(d, "/account")["responses"]["200"].pop("content"),
    "all content": lambda d: [
        response.pop("content", None)
        for item in d["paths"].values()
        for one in item.values()
        for response in one["responses"].values()
    ],
    "a schema": lambda d: d["components"]["schemas"].pop("schemas_version_response"),
    "all schemas": lambda d: d["components"].pop("schemas"),
    "a field": lambda d: schema(d, "prediction_response")["properties"].pop("deadline"),
    "a field of a field": lambda d: schema(d, "file_response")["properties"]["urls"]["properties"].pop("get"),
    "all fields": lambda d: schema(d, "model_response").pop("properties"),
    "a choice": lambda d: schema(d, "prediction_response")["properties"]["version"]["oneOf"].pop(0),
    "swapped operations": lambda d: d["paths"].update(
        {"/account": d["paths"]["/hardware"], "/hardware": d["paths"]["/account"]}
    ),
    "a moved operation": lambda d: d["paths"].update({"/me": d["paths"].pop("/account")}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_document_has_no_more_is_described_again_when_it_returns(name: str) -> None:
    upstream = without_ours(DOCUMENT)
    other = copy.deepcopy(upstream)
    CHANGES[name](other)
    document = descriptions.adopt(other, DOCUMENT)
    text = json.dumps(document, ensure_ascii=False)
    assert all(json.dumps(ours, ensure_ascii=False) in text for _, ours in iterate_documentation(DOCUMENT))
    assert "Words of theirs" not in text
    assert contract.describe_differences(other, document) == []
    assert ("x-removed" in document) == (name not in ("nothing", "swapped operations", "a moved operation"))
    returned = json.dumps(descriptions.adopt(upstream, document), indent=2, ensure_ascii=False) + "\n"
    assert returned == (ROOT / "openapi.json").read_text(encoding="utf-8")
    assert descriptions.adopt(other, json.loads(returned)) == document


def test_what_nobody_has_described_has_placeholders_which_are_not_kept() -> None:
    new = without_ours(DOCUMENT)
    new["paths"]["/votes"] = {"get": operation_returning(STRING, operationId="votes.list")}
    document = descriptions.adopt(new, DOCUMENT)
    votes = operation(document, "/votes")
    assert votes == {
        "operationId": "votes.list",
        "summary": "votes.list",
        "description": descriptions.PLACEHOLDER,
        "responses": {"200": {"description": "Status 200.", **json_content(STRING)}},
    }
    assert descriptions.adopt(without_ours(DOCUMENT), document) == DOCUMENT
    votes["summary"] = "Count the votes"
    assert operation(descriptions.adopt(new, document), "/votes") == votes
    assert "Count the votes" in str(descriptions.adopt(without_ours(DOCUMENT), document)["x-removed"])


def test_new_schemas_fields_and_parameters_have_placeholders() -> None:
    new = without_ours(DOCUMENT)
    fields = {"id": STRING, "parameters": {"type": "array", "items": object_schema(enum=STRING)}}
    new["components"]["schemas"]["vote"] = object_schema(**fields)
    sort = {"in": "query", "name": "sort", "schema": STRING}
    new["paths"]["/votes"] = {"get": operation_returning(STRING, operationId="votes.list", parameters=[sort])}
    document = descriptions.adopt(new, DOCUMENT)
    described = {**STRING, "description": descriptions.PLACEHOLDER}
    parameters = {"type": "array", "items": object_schema(enum=described), "description": descriptions.PLACEHOLDER}
    vote = object_schema(id=described, parameters=parameters)
    assert document["components"]["schemas"]["vote"] == {**vote, "description": descriptions.PLACEHOLDER}
    [parameter] = operation(document, "/votes")["parameters"]
    assert parameter == {**sort, "description": descriptions.PLACEHOLDER}
    assert descriptions.adopt(without_ours(DOCUMENT), document) == DOCUMENT


def test_the_descriptions_of_a_new_document_are_taken_on_request() -> None:
    new = without_ours(DOCUMENT)
    new["components"]["schemas"] = dict(new["components"]["schemas"])
    assert descriptions.adopt(new, DOCUMENT, take_descriptions=True) == new


def test_a_changed_item_of_a_list_keeps_its_description() -> None:
    new = without_ours(DOCUMENT)
    schema(new, "prediction_response")["properties"]["version"]["oneOf"][0]["maxLength"] = 64
    document = descriptions.adopt(new, DOCUMENT)
    choices = [schema(one, "prediction_response")["properties"]["version"]["oneOf"] for one in (DOCUMENT, document)]
    assert choices[1] == [{**choices[0][0], "maxLength": 64}, choices[0][1]]


def test_a_field_that_is_called_like_documentation_is_kept() -> None:
    new = without_ours(DOCUMENT)
    fields = schema(new, "prediction_response")["properties"]
    fields |= {"summary": {"type": "string", "default": {"description": 1}}, "x-removed": {"type": "integer"}}
    document = descriptions.adopt(new, DOCUMENT)
    assert (
        schema(document, "prediction_response")["properties"].items()
        >= {
            "summary": {"type": "string", "default": {"description": 1}, "description": descriptions.PLACEHOLDER},
            "x-removed": {"type": "integer", "description": descriptions.PLACEHOLDER},
        }.items()
    )
