"""Random changes of an OpenAPI document: each function changes a document in place, at a place that it chooses."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from openapi_documents import DOCUMENT, INTEGER, STRING, json_content, object_schema

Document = dict[str, Any]
Mutation = Callable[[Document, random.Random], object]

PATHS = ("/account", "/files", "/hardware", "/predictions", "/predictions/{prediction_id}")
UNUSED = ("collection", "deployment", "model", "page", "search", "training", "version_response")


def base_document() -> Document:
    """Return a part of our document, with constructs that it does not have."""
    document = copy.deepcopy(DOCUMENT)
    document["paths"] = {path: document["paths"][path] for path in PATHS}
    schemas = document["components"]["schemas"]
    document["components"]["schemas"] = {k: v for k, v in schemas.items() if not any(word in k for word in UNUSED)}
    filters = {"name": "tags", "in": "query", "schema": {"type": "array", "items": STRING}}
    tree = object_schema(id=STRING, children={"type": "array", "items": {"$ref": "#/components/schemas/tree"}})
    vote = object_schema(
        id={**STRING, "readOnly": True},
        weight={"anyOf": [{"type": "integer", "maximum": 9}, {"type": "string", "enum": ["low", "high"]}]},
        target={"oneOf": [object_schema(model=STRING), object_schema(version=STRING, note=STRING)]},
        labels={"type": "object", "additionalProperties": STRING},
        tree={"$ref": "#/components/schemas/tree"},
        limits=object_schema(size={"type": "number", "minimum": 1}),
    )
    document["components"]["schemas"] |= {"tree": tree, "vote": {**vote, "required": ["id", "weight"]}}
    content = json_content({"$ref": "#/components/schemas/vote"})
    form = {"multipart/form-data": {"schema": object_schema(file={**STRING, "format": "binary"})}}
    document["paths"]["/votes/{owner}/{vote_id}"] = {
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": STRING} for name in ("owner", "vote_id")),
            {"name": "X-Trace", "in": "header", "schema": STRING},
            copy.deepcopy(filters),
        ],
        "get": {
            "operationId": "votes.get",
            "parameters": [{**filters, "explode": False}],
            "responses": {
                "200": {"description": "", "headers": {"Etag": {"schema": STRING}}, **copy.deepcopy(content)},
                "404": {"description": "", **json_content(object_schema(detail=STRING))},
            },
        },
        "put": {
            "operationId": "votes.update",
            "requestBody": {"content": {**copy.deepcopy(content)["content"], **form}},
            "responses": {"200": {"description": "", **copy.deepcopy(content)}},
        },
    }
    unshared: Document = json.loads(json.dumps(document))
    return unshared


def iterate_operations(document: Document) -> Iterator[Document]:
    for item in document["paths"].values():
        yield from (value for key, value in item.items() if key != "parameters")


def iterate_schemas(node: Any, key: str = "") -> Iterator[Document]:
    """Yield all schemas: of parameters, bodies, responses and components, and those inside them."""
    if isinstance(node, list):
        for item in node:
            yield from iterate_schemas(item)
    elif isinstance(node, dict):
        is_schema = {"type", "properties", "$ref", "anyOf", "oneOf", "allOf"} & node.keys() and "scheme" not in node
        if is_schema and key != "properties" and not str(node.get("$ref", "")).startswith("#/components/p"):
            yield node
        for name, value in node.items():
            if name not in ("enum", "default", "required"):
                yield from iterate_schemas(value, "" if key == "properties" else name)


def choose(document: Document, choices: random.Random, *keys: str, **values: Any) -> Document:
    """Return a schema with some keywords."""
    schemas = [schema for schema in iterate_schemas(document) if {*keys, *values} <= schema.keys()]
    return choices.choice([schema for schema in schemas if all(schema[key] == value for key, value in values.items())])


def choose_operation(document: Document, choices: random.Random, *keys: str) -> Document:
    return choices.choice([operation for operation in iterate_operations(document) if {*keys} <= operation.keys()])


def choose_parameter(document: Document, choices: random.Random) -> Document:
    holders = [*document["paths"].values(), *iterate_operations(document)]
    found = [one for holder in holders for one in holder.get("parameters", []) if "$ref" not in one]
    return choices.choice([*found, *document["components"]["parameters"].values()])


def replace(node: Document, **fields: Any) -> None:
    node.clear()
    node.update(copy.deepcopy(fields))


# Fields and their values


def add_field(document: Document, choices: random.Random) -> None:
    schema = choose(document, choices, "properties")
    name = choices.choice(["extra", "note"])
    schema["properties"].setdefault(name, choices.choice([dict(STRING), object_schema(a=INTEGER), {}]))
    if choices.random() < 0.5:
        schema["required"] = sorted({*schema.get("required", []), name})


def remove_field(document: Document, choices: random.Random) -> None:
    schema = choose(document, choices, "properties")
    name = choices.choice(list(schema["properties"]))
    del schema["properties"][name]
    schema["required"] = [other for other in schema.get("required", []) if other != name]


def toggle_required(document: Document, choices: random.Random) -> None:
    schema = choose(document, choices, "properties")
    name = choices.choice(list(schema["properties"]))
    schema["required"] = sorted({*schema.get("required", [])} ^ {name})


def hide_field(document: Document, choices: random.Random) -> None:
    schema = choose(document, choices, type="string")
    schema[choices.choice(["readOnly", "writeOnly"])] = choices.random() < 0.8


def change_type(document: Document, choices: random.Random) -> None:
    schema = choose(document, choices, "type")
    types = ["string", "integer", "number", "boolean", ["string", "integer"], ["string", "null"], "object", "null"]
    replace(schema, type=choices.choice(types))


def forget_type(document: Document, choices: random.Random) -> None:
    replace(choose(document, choices, type="string"))


def toggle_null(document: Document, choices: random.Random) -> None:
    schema = choose(document, choices, choices.choice(["type", "$ref"]))
    schema["nullable"] = not schema.get("nullable", False)


def change_enum(document: Document, choices: random.Random) -> None:
    schema = choose(document, choices, "enum")
    if choices.random() < 0.5 and len(schema["enum"]) > 1:
        schema["enum"] = schema["enum"][1:]
    else:
        schema["enum"] = [*schema["enum"], "queued"]


def lift_enum(document: Document, choices: random.Random) -> None:
    del choose(document, choices, "enum")["enum"]


def restrict_by_enum(document: Document, choices: random.Random) -> None:
    schema = choose(document, choices, type="string")
    schema |= {"const": "a"} if choices.random() < 0.3 and "enum" not in schema else {"enum": ["a", "b"]}


def change_limit(document: Document, choices: random.Random) -> None:
    schema = choose(document, choices, type=choices.choice(["string", "integer"]))
    key = choices.choice(["maximum", "minimum"] if schema["type"] == "integer" else ["maxLength", "minLength"])
    schema[key] = choices.choice([1, 5, 50, 500])


def remove_limit(document: Document, choices: random.Random) -> None:
    key = choices.choice(["maximum", "minimum", "maxLength", "pattern"])
    del choose(document, choices, key)[key]


def change_keyword(document: Document, choices: random.Random) -> None:
    values = {"format": ["date-time", "uri", "uuid", "email"], "default": ["a", "b"], "pattern": ["^a", "^b"]}
    values |= {"deprecated": [True], "x-order": [1, 2], "not": [{"enum": ["x"]}]}
    key = choices.choice(list(values))
    choose(document, choices, type="string")[key] = choices.choice(values[key])


def change_other_fields(document: Document, choices: random.Random) -> None:
    values = [False, True, {"type": "integer"}, {"type": "string"}, {}]
    choose(document, choices, type="object")["additionalProperties"] = choices.choice(values)


def add_alternative(document: Document, choices: random.Random) -> None:
    union = choose(document, choices, choices.choice(["anyOf", "oneOf"]))
    alternatives = next(union[key] for key in ("anyOf", "oneOf") if key in union)
    alternatives.append(choices.choice([{"type": "boolean"}, {"type": "null"}, object_schema(other=STRING)]))


def remove_alternative(document: Document, choices: random.Random) -> None:
    union = choose(document, choices, choices.choice(["anyOf", "oneOf"]))
    next(union[key] for key in ("anyOf", "oneOf") if key in union).pop()


FIELDS: list[Mutation] = [
    *(add_field, remove_field, toggle_required, hide_field, change_type, forget_type, toggle_null),
    *(change_enum, lift_enum, restrict_by_enum, change_limit, remove_limit, change_keyword, change_other_fields),
    *(add_alternative, remove_alternative),
]
