"""Random changes of the operations of an OpenAPI document, and of how it is written."""

from __future__ import annotations

import copy
import json
import random
import re
from typing import Any

from openapi_documents import INTEGER, STRING, json_content, object_schema
from schema_mutations import (
    FIELDS,
    Document,
    Mutation,
    choose,
    choose_operation,
    choose_parameter,
    iterate_operations,
    iterate_schemas,
    replace,
)


def mutate(document: Document, seed: int) -> list[str]:
    """Apply one to three mutations; return their names."""
    choices = random.Random(seed)
    mutations = choices.choices(FIELDS + OPERATIONS + SPELLINGS, k=choices.randint(1, 3))
    for mutation in mutations:
        document |= json.loads(json.dumps(document))  # so that no two places share an object
        try:
            mutation(document, choices)
        except (IndexError, KeyError):  # the document has no place for it (any more)
            continue
    return [mutation.__name__ for mutation in mutations]


def add_operation(document: Document, choices: random.Random) -> None:
    name = f"notes.list_{len(document['paths'])}"
    response = {"description": "", **json_content(STRING)}
    document["paths"][f"/notes/{name}"] = {"get": {"operationId": name, "responses": {"200": response}}}


def remove_operation(document: Document, choices: random.Random) -> None:
    item = choices.choice([item for item in document["paths"].values() if {*item} - {"parameters"}])
    del item[choices.choice(sorted({*item} - {"parameters"}))]


def rename_operation(document: Document, choices: random.Random) -> None:
    choose_operation(document, choices)["operationId"] += "_renamed"


def move_path(document: Document, choices: random.Random) -> None:
    path = choices.choice(list(document["paths"]))
    document["paths"][f"/v2{path}"] = document["paths"].pop(path)


def change_method(document: Document, choices: random.Random) -> None:
    item = choices.choice([item for item in document["paths"].values() if "get" in item and "post" not in item])
    item["post"] = item.pop("get")


def rename_path_parameter(document: Document, choices: random.Random) -> None:
    path = choices.choice([path for path in document["paths"] if "{" in path])
    item = document["paths"].pop(path)
    old = choices.choice(re.findall(r"\{(.*?)\}", path))
    holders = [item, *(operation for method, operation in item.items() if method != "parameters")]
    parameters = [one for holder in holders for one in holder.get("parameters", [])]
    for parameter in [*parameters, *document["components"]["parameters"].values()]:
        if parameter.get("name") == old:
            parameter["name"] = f"{old}_renamed"
    document["paths"][path.replace(f"{{{old}}}", f"{{{old}_renamed}}")] = item


def add_parameter(document: Document, choices: random.Random) -> None:
    place = choices.choice(["query", "header", "cookie"])
    parameter = {"name": choices.choice(["kind", "sort"]), "in": place, "required": choices.random() < 0.5}
    schema = choices.choice([STRING, INTEGER, {"type": "array", "items": STRING}])
    holder = choices.choice([choose_operation(document, choices), *document["paths"].values()])
    holder.setdefault("parameters", []).append({**parameter, "schema": copy.deepcopy(schema)})


def remove_parameter(document: Document, choices: random.Random) -> None:
    parameters = choose_operation(document, choices, "parameters")["parameters"]
    optional = [one for one in parameters if one.get("in") != "path"]
    parameters.remove(choices.choice(optional))


def change_parameter(document: Document, choices: random.Random) -> None:
    parameter = choose_parameter(document, choices)
    values = {"required": [True, False], "deprecated": [True], "explode": [True, False], "style": ["deepObject"]}
    key = choices.choice(list(values))
    if parameter["in"] != "path":
        parameter[key] = choices.choice(values[key])


def change_body(document: Document, choices: random.Random) -> None:
    operation = choose_operation(document, choices, "requestBody")
    content, media = operation["requestBody"]["content"], "application/merge-patch+json"
    match choices.choice(["add media", "remove media", "rename media", "required", "remove", "encoding"]):
        case "encoding":
            form = choices.choice(list(content.values()))
            form["encoding"] = {"file": {"contentType": choices.choice(["image/png", "image/webp"])}}
        case "add media":
            content[media] = copy.deepcopy(next(iter(content.values())))
        case "remove media" if len(content) > 1:
            content.pop(next(iter(content)))
        case "rename media":
            content[media] = content.pop(next(iter(content)))
        case "required":
            operation["requestBody"]["required"] = not operation["requestBody"].get("required", False)
        case "remove":
            del operation["requestBody"]


def add_body(document: Document, choices: random.Random) -> None:
    operation = choose_operation(document, choices)
    body = {"required": choices.random() < 0.5, **json_content(object_schema(reason=STRING))}
    operation.setdefault("requestBody", body)


def change_success(document: Document, choices: random.Random) -> None:
    responses = choose_operation(document, choices, "responses")["responses"]
    status = next(status for status in [*responses, "200"] if status[0] == "2")
    match choices.choice(["other status", "second status", "other body", "no content", "no body", "media"]):
        case "other status" if status in responses:
            responses["203"] = responses.pop(status)
        case "second status" if status in responses:
            responses["202"] = copy.deepcopy(responses[status])
        case "other body":
            responses["202"] = {"description": "", **json_content(object_schema(id=INTEGER, queue=STRING))}
        case "no content":
            responses["204"] = {"description": ""}
        case "no body":
            responses[status] = {"description": ""}
        case "media":
            content = responses.get(status, {}).get("content", {})
            content["text/event-stream"] = {"schema": STRING}


def change_error(document: Document, choices: random.Random) -> None:
    responses = choose_operation(document, choices, "responses")["responses"]
    schema = object_schema(**{choices.choice(["detail", "reason"]): STRING})
    responses["404"] = {"description": "", **json_content(schema)}


def change_response_header(document: Document, choices: random.Random) -> None:
    responses = choose_operation(document, choices, "responses")["responses"]
    status = choices.choice([status for status in responses if status[0] == "2"])
    responses[status].setdefault("headers", {})
    if responses[status]["headers"] and choices.random() < 0.5:
        responses[status]["headers"] = {}
    else:
        responses[status]["headers"]["Link"] = {"schema": choices.choice([STRING, INTEGER])}


def change_security(document: Document, choices: random.Random) -> None:
    document["components"]["securitySchemes"]["key"] = {"type": "apiKey", "in": "header", "name": "X-Key"}
    holder = choices.choice([document, choose_operation(document, choices)])
    values = [[], [{"key": []}], [{"bearerAuth": []}, {"key": []}], [{"bearerAuth": [], "key": []}], [{}]]
    holder["security"] = choices.choice(values)


def change_servers(document: Document, choices: random.Random) -> None:
    new = {"url": "https://eu.api.example.com/v1"}
    document["servers"] = choices.choice([[new], [*document["servers"], new]])


def change_operation_keyword(document: Document, choices: random.Random) -> None:
    operation = choose_operation(document, choices)
    callback = {"done": {"{$request.body#/url}": {"post": {"responses": {"200": {"description": "", "x": 1}}}}}}
    operation |= choices.choice([{"deprecated": True}, {"x-feature-flag": "beta"}, {"callbacks": callback}])


def change_webhooks(document: Document, choices: random.Random) -> None:
    body = json_content({"$ref": choices.choice(["#/components/schemas/tree", "#/components/schemas/vote"])})
    document["webhooks"] = {"finished": {"post": {"requestBody": body}}}


OPERATIONS: list[Mutation] = [
    *(add_operation, remove_operation, rename_operation, move_path, change_method, rename_path_parameter),
    *(add_parameter, add_parameter, remove_parameter, change_parameter, change_parameter, change_body, add_body),
    *(change_success, change_success, change_error, change_response_header, change_security, change_servers),
    *(change_operation_keyword, change_webhooks),
]


# The same contract, written differently


def rename_component(document: Document, choices: random.Random) -> None:
    kind = choices.choice(["schemas", "schemas", "parameters"])
    name = choices.choice(list(document["components"][kind]))
    new = f"{name}_renamed"
    text = json.dumps(document).replace(f'"#/components/{kind}/{name}"', f'"#/components/{kind}/{new}"')
    replace(document, **json.loads(text))
    components = document["components"][kind]
    document["components"][kind] = {new if key == name else key: value for key, value in components.items()}


def inline_component(document: Document, choices: random.Random) -> None:
    schema = choose(document, choices, "$ref")
    name = schema["$ref"].rpartition("/")[2]
    if name != "tree" and len(schema) == 1:
        replace(schema, **document["components"]["schemas"][name])


def extract_schema(document: Document, choices: random.Random) -> None:
    schema = choices.choice([one for one in iterate_schemas(document["paths"]) if "properties" in one])
    name = f"extracted_{len(document['components']['schemas'])}"
    document["components"]["schemas"][name] = copy.deepcopy(schema)
    replace(schema, **{"$ref": f"#/components/schemas/{name}"})


def extract_parts(document: Document, choices: random.Random) -> None:
    """Move a parameter, a body and a response to the components."""
    components = document["components"]
    for operation in iterate_operations(document):
        for index, parameter in enumerate(operation.get("parameters", [])):
            if "$ref" not in parameter:
                name = f"moved_{operation['operationId']}_{index}"
                components["parameters"][name] = parameter
                operation["parameters"][index] = {"$ref": f"#/components/parameters/{name}"}
        for kind, holder, key in (
            ("requestBodies", operation, "requestBody"),
            ("responses", operation["responses"], "200"),
        ):
            if key in holder and "$ref" not in holder[key]:
                name = f"moved_{operation['operationId']}"
                components.setdefault(kind, {})[name] = holder[key]
                holder[key] = {"$ref": f"#/components/{kind}/{name}"}


def share_parameter(document: Document, choices: random.Random) -> None:
    """Declare the parameters of the only operation of a path for the path."""
    items = [item for item in document["paths"].values() if len({*item} - {"parameters"}) == 1]
    item = choices.choice([item for item in items if "parameters" not in item])
    [operation] = item.values()
    item["parameters"] = operation.pop("parameters", [])


def write_null_differently(document: Document, choices: random.Random) -> None:
    schema = choose(document, choices, "type", nullable=True)
    del schema["nullable"]
    if choices.random() < 0.5:
        schema["type"] = [schema["type"], "null"] if isinstance(schema["type"], str) else [*schema["type"], "null"]
    else:
        replace(schema, anyOf=[copy.deepcopy(schema), {"type": "null"}])


def wrap(document: Document, choices: random.Random) -> None:
    schema = choose(document, choices, choices.choice(["type", "$ref"]))
    replace(schema, **{choices.choice(["allOf", "anyOf", "oneOf"]): [copy.deepcopy(schema)]})


def write_defaults(document: Document, choices: random.Random) -> None:
    choose_operation(document, choices)["deprecated"] = False
    parameter = choose_parameter(document, choices)
    parameter.setdefault("required", False)
    parameter.setdefault("style", {"query": "form", "cookie": "form"}.get(parameter["in"], "simple"))


def reorder(document: Document, choices: random.Random) -> None:
    document["paths"] = dict(sorted(document["paths"].items(), reverse=True))
    for schema in list(iterate_schemas(document)):
        for key in ("required", "enum"):
            if key in schema:
                choices.shuffle(schema[key])
        if "properties" in schema:
            schema["properties"] = dict(reversed(schema["properties"].items()))


def describe(document: Document, choices: random.Random) -> None:
    words: dict[str, Any] = {"description": "Other words.", "title": "Other", "example": 1}
    for node in (choose_operation(document, choices), choose_parameter(document, choices), choose(document, choices)):
        node |= words


SPELLINGS: list[Mutation] = [
    *(rename_component, rename_component, inline_component, extract_schema, extract_parts, share_parameter),
    *(write_null_differently, wrap, write_defaults, reorder, describe),
]
