"""What the client cannot send or parse is refused in one line: the operation, the construct, and what to do."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from codegen import constructs, generate
from openapi_documents import INTEGER, ROOT, STRING, json_content, object_schema

TEXTS = {"type": "array", "items": STRING}
OBJECT = object_schema(a=INTEGER)
OVERLAY = "replace it with an entry in scripts/codegen/overlay.yaml"


def parameter(location: str, schema: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    described = {"name": "f", "in": location, "required": location == "path", **fields}
    return {"parameters": [described if schema is None else described | {"schema": schema}]}


def body(*media_types: str, schema: dict[str, Any] = OBJECT) -> dict[str, Any]:
    return {"requestBody": {"content": {media_type: {"schema": schema} for media_type in media_types}}}


def response(content: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"responses": {"200": {"content": content}, **others}}


def document_with(operation: dict[str, Any], **components: Any) -> dict[str, Any]:
    """Return a document with one operation, `new.create`."""
    path = "/new/{f}" if "'path'" in repr(operation) else "/new"
    described = {"operationId": "new.create", "responses": {}, **copy.deepcopy(operation)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "", "version": ""},
        "paths": {path: {"post": described}},
        "components": components,
    }


REFUSED = [
    (parameter("cookie", STRING), 'cookie parameter "f": parameters in cookie are not supported; remove it'),
    (parameter("querystring", OBJECT), 'querystring parameter "f": parameters in querystring are not supported'),
    (parameter("query", TEXTS, style="tabDelimited"), f'query parameter "f": the style tabDelimited .*; {OVERLAY}'),
    (parameter("path", TEXTS, style="form"), f'path parameter "f": the style form is not supported; {OVERLAY}'),
    (parameter("query", TEXTS, style="spaceDelimited", explode=True), "style spaceDelimited with `explode`"),
    (parameter("query", TEXTS, style="deepObject"), "the style deepObject for objects only"),
    (
        parameter("query", {"type": ["array", "object"]}, style="deepObject"),
        "the style deepObject for objects only",
    ),
    (parameter("header", OBJECT), 'header parameter "f": an object in a header is not supported'),
    (parameter("header", {"oneOf": [STRING, OBJECT]}), 'header parameter "f": an object in a header'),
    (
        parameter("header", **json_content(STRING)),
        "`content` is supported for JSON in the query only; give it a `sch",
    ),
    (parameter("query", content={"application/xml": {}}), "`content` is supported for JSON in the query only"),
    (body("application/xml"), f"a request body of type application/xml is not supported; {OVERLAY}"),
    (body("application/x-www-form-urlencoded"), "a request body of type application/x-www-form-urlencoded"),
    (body("image/png"), "a request body of type image/png is not supported"),
    (
        body("application/json", "multipart/form-data"),
        r"a choice of request bodies \(application/json, multipart/for",
    ),
    (body("multipart/form-data", schema=object_schema(f=TEXTS)), "a list in a multipart body is not supported"),
    (
        body("application/octet-stream", schema=STRING | {"format": "binary"}),
        "binary content as a request body is not supported",
    ),
    (response({"application/xml": {}}), f"a response of type application/xml is not supported; {OVERLAY}"),
    (response({"application/jsonl": {}}), "a response of type application/jsonl is not supported"),
    (
        response({"text/event-stream": {}, **json_content(OBJECT)["content"]}),
        "text/event-stream beside another response is not supported; keep one of them",
    ),
    (
        response({"text/event-stream": {}}, **{"202": json_content(OBJECT)}),
        "text/event-stream beside another response is not supported; keep one of them",
    ),
    (
        response({"application/json": {"schema": OBJECT}, "application/a+json": {"schema": TEXTS}}),
        "several JSON types in one response are not supported; keep one of them",
    ),
    (
        {"responses": {"200": {"$ref": "#/components/responses/none"}}},
        "#/components/responses/none leads to no comp",
    ),
    (
        {"parameters": [parameter("query", STRING)["parameters"][0]] * 2},
        "two parameters have the same name and place; remove one of them",
    ),
    ({"parameters": [{"$ref": "other.yaml#/f"}]}, "the reference other.yaml#/f leads to no component; correct it"),
]


@pytest.mark.parametrize(("operation", "message"), REFUSED)
def test_an_unsupported_construct_is_refused_in_one_line(
    operation: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(generate.GenerationError, match=message) as refusal:
        generate.generate(document_with(operation), tmp_path, strict=False)
    assert str(refusal.value).startswith("new.create")
    assert "\n" not in str(refusal.value)
    assert not list(tmp_path.iterdir())


def refusal_of(operation: dict[str, Any], message: str) -> str:
    try:
        constructs.rewrite(document_with(operation))
    except ValueError as refusal:
        return str(refusal)
    return message  # it is the templates that refuse


def test_the_words_in_the_documentation_are_those_of_the_refusals() -> None:
    table = (ROOT / "docs/regenerating.md").read_text().partition("## What a document may contain")[2]
    documented = re.findall(r'"…: (.+?)(?: …)?"(?=,| \|)', table)
    assert len(documented) > 10
    refusals = [refusal_of(*refused) for refused in REFUSED]
    for words in documented:
        pattern = re.sub(r"\b[xy]\b", ".+", re.escape(words))
        assert any(re.search(pattern, refusal) for refusal in refusals), words


def test_a_reference_that_leads_to_itself_is_refused() -> None:
    ref = {"$ref": "#/components/responses/A"}
    with pytest.raises(ValueError, match="components/responses/A leads to no component"):
        constructs.rewrite(document_with({"responses": {"200": ref}}, responses={"A": ref}))


def test_schemas_that_contain_themselves_end() -> None:
    schemas = {"A": {"allOf": [{"$ref": "#/components/schemas/A"}], "properties": {"a": {"deprecated": True}}}}
    document = document_with({}, schemas=schemas)
    constructs.rewrite(document)
    assert document["components"]["schemas"]["A"]["x-deprecated"] == ["a"]
    union = {"oneOf": [{"$ref": "#/components/schemas/U"}, STRING]}
    constructs.rewrite(document_with(parameter("query", {"$ref": "#/components/schemas/U"}), schemas={"U": union}))
