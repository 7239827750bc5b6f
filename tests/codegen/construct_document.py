"""An OpenAPI 3.2 document with our operations, and one for each construct that a later document may use.

The code that is generated from it is type-checked by:

    PYTHONPATH=scripts python tests/codegen/construct_document.py > later.json && make rehearse DOCUMENTS=later.json
"""

from __future__ import annotations

import copy
import json
from typing import Any, cast

from openapi_documents import DOCUMENT, INTEGER, STRING, json_content, object_schema

BOOLEAN = {"type": "boolean"}
TEXTS = {"type": "array", "items": STRING}
RANGE = object_schema(low=INTEGER, high=INTEGER)


def parameter(name: str, location: str, schema: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": name, "in": location, "schema": schema, "required": location == "path", **fields}


def ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def operation(operation_id: str, *responses: tuple[str, dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """Return an operation; its responses need no description, since `make update-spec` removes those."""
    return {"operationId": operation_id, "responses": dict(responses or [("204", {})]), **fields}


def json_body(schema: dict[str, Any], media_type: str = "application/json") -> dict[str, Any]:
    return {"required": True, "content": {media_type: {"schema": schema}}}


DELIVERY = {"post": {"requestBody": json_body(ref("schemas", "Event")), "responses": {"200": {}}}}

PARAMETERS: dict[str, Any] = {
    "/lists": {
        "get": operation(
            "styles.query",
            parameters=[
                parameter("plain", "query", STRING),
                parameter("exploded", "query", TEXTS),
                parameter("commas", "query", TEXTS, explode=False),
                parameter("spaces", "query", TEXTS, style="spaceDelimited"),
                parameter("pipes", "query", TEXTS, style="pipeDelimited", explode=False),
                parameter("filter", "query", object_schema(name=STRING, is_new=BOOLEAN), style="deepObject"),
                parameter("range", "query", RANGE),
                parameter("pair", "query", RANGE, explode=False),
                {"name": "where", "in": "query", "content": {"application/json": {"schema": RANGE}}},
                parameter("Authorization", "header", STRING),
            ],
        )
    },
    "/plain": {
        "get": operation(
            "styles.plain", parameters=[parameter("tags", "query", TEXTS), parameter("ok", "query", BOOLEAN)]
        )
    },
    "/simple/{flag}/{ids}/{label}/{matrix}/{object}": {
        "parameters": [
            parameter("flag", "path", BOOLEAN),
            parameter("ids", "path", {"type": "array", "items": INTEGER}),
            parameter("label", "path", TEXTS, style="label", explode=True),
            parameter("matrix", "path", TEXTS, style="matrix"),
            ref("parameters", "Object"),
        ],
        "get": operation(
            "styles.path",
            parameters=[
                parameter("X-Tags", "header", TEXTS),
                parameter("X-Day", "header", {"type": "string", "format": "date"}),
            ],
        ),
    },
}

BODIES: dict[str, Any] = {
    "/widgets": {
        "patch": operation(
            "widgets.patch",
            ("200", json_content(ref("schemas", "Widget"))),
            requestBody=json_body(object_schema(name={"type": ["string", "null"]}), "application/merge-patch+json"),
        ),
        "post": operation(
            "widgets.create",
            ("201", ref("responses", "Widget")),
            ("4XX", ref("responses", "Problem")),
            requestBody=ref("requestBodies", "Widget"),
            callbacks={"onDone": {"{$request.body#/url}": DELIVERY}},
        ),
        "query": operation("widgets.find", ("200", ref("responses", "Widget")), requestBody=json_body(RANGE)),
    },
    "/pets": {
        "post": operation(
            "pets.create",
            ("200", json_content(ref("schemas", "Pet"))),
            requestBody=json_body(ref("schemas", "Pet")),
        ),
        "put": operation(
            "pets.replace",
            ("200", json_content({"anyOf": [ref("schemas", "Box"), ref("schemas", "Bag")]})),
            requestBody=json_body({"anyOf": [ref("schemas", "Box"), ref("schemas", "Bag")]}),
        ),
    },
}

JSON_OR_IMAGE = {"image/png": {}, **json_content(ref("schemas", "Widget"))["content"]}

RESPONSES: dict[str, Any] = {
    "/image": {"get": operation("files.image", ("200", {"content": {"image/png": {}, "image/webp": {}}}))},
    "/either": {"get": operation("widgets.render", ("200", {"content": JSON_OR_IMAGE}), ("204", {}))},
    "/queued": {
        "get": operation(
            "widgets.poll",
            ("200", ref("responses", "Widget")),
            ("202", json_content(object_schema(position=INTEGER))),
            ("203", {"content": {"text/plain": {"schema": STRING}}}),
        )
    },
    "/vendor": {
        "get": operation("widgets.vendor", ("200", {"content": {"application/vnd.x+json": {"schema": RANGE}}}))
    },
    "/events": {
        "post": operation(
            "widgets.watch",
            ("200", {"content": {"text/event-stream": {"itemSchema": ref("schemas", "Event")}}}),
            requestBody=json_body(object_schema(level=INTEGER)),
        )
    },
}

DEPRECATED: dict[str, Any] = {
    "/old": {
        "get": operation("old.get", deprecated=True),
        "post": operation(
            "old.create",
            parameters=[
                parameter("limit", "query", INTEGER, deprecated=True),
                parameter("kept", "query", INTEGER),
            ],
            requestBody=json_body(ref("schemas", "OldRequest")),
        ),
    },
    "/old/run": {
        "post": operation("old.run", deprecated=True, requestBody=json_body(object_schema(input={"type": "object"})))
    },
    "/old/list": {
        "get": operation("old.list", ("200", json_content(object_schema(next=STRING, results=TEXTS))), deprecated=True)
    },
}

SCHEMAS = {
    "Widget": object_schema(id=STRING, old={**STRING, "deprecated": True}),
    "Event": object_schema(level=INTEGER),
    "Pet": {
        "oneOf": [ref("schemas", "Cat"), ref("schemas", "Dog")],
        "discriminator": {"propertyName": "kind", "mapping": {"feline": "#/components/schemas/Cat", "dog": "Dog"}},
    },
    "Animal": object_schema(kind=STRING, age=INTEGER),
    "Cat": object_schema(kind=STRING, age=INTEGER),
    "Dog": {"allOf": [ref("schemas", "Animal"), object_schema(good=BOOLEAN)]},
    "Box": object_schema(width=INTEGER) | {"required": ["width"]},
    "Bag": object_schema(litres=INTEGER) | {"required": ["litres"]},
    "OldBase": object_schema(colour={**STRING, "deprecated": True}),
    "OldRequest": {
        "allOf": [ref("schemas", "OldBase"), object_schema(name=STRING, size={**INTEGER, "deprecated": True})]
    },
}


def make_document() -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    document["openapi"] = "3.2.0"
    document["paths"] |= copy.deepcopy(PARAMETERS | BODIES | RESPONSES | DEPRECATED)
    document["webhooks"] = {"done": copy.deepcopy(DELIVERY)}
    components = document["components"]
    components["schemas"] |= copy.deepcopy(SCHEMAS)
    components["parameters"]["Object"] = parameter("object", "path", RANGE, explode=True)
    components["responses"] = {
        "Widget": json_content(ref("schemas", "Widget")),
        "Problem": json_content(object_schema(detail=STRING)),
    }
    components["requestBodies"] = {"Widget": json_body(object_schema(url=STRING))}
    components["callbacks"] = {"done": {"{$request.body#/url}": DELIVERY}}
    return cast("dict[str, Any]", json.loads(json.dumps(document)))  # without shared parts, as every document is


if __name__ == "__main__":
    print(json.dumps(make_document()))
