"""Simplify an OpenAPI document for the generator, by rules that name no particular operation or schema.

Facts about particular operations and schemas are in `overlay.yaml`. The rules change the document in place. Afterwards
every operation has a tag, every schema a readable name, and every page a named schema.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from . import contract

Document = dict[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""The methods that the generator supports; `replace_methods` handles others."""

UNDESCRIBED_RESPONSE = "Status {}."
"""The description of a response until a maintainer writes a better one (see `descriptions.py`)."""

PATH_ITEM_FIELDS = frozenset({"summary", "description", "servers", "parameters"})
"""The fields of a path other than operations. The generator supports all of them."""


def normalize(document: Document) -> dict[str, str]:
    """Apply every rule; return the HTTP method of each operationId."""
    methods = replace_methods(document)
    tag_operations(document)
    rename_schemas(document)
    name_problems(document)
    name_bodies(document)
    name_results(document)
    mark_text_bodies(document)
    describe_parameters(document)
    return methods


def iterate_operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the path, method and operation of all operations, including those whose method is not in `METHODS`.

    Raises:
        ValueError: A path has a field that the generator would drop.
    """
    for path, item in document["paths"].items():
        if path.startswith("x-"):
            continue
        if not isinstance(item, dict):
            raise ValueError(f"{path}: {item!r:.50} is not supported")
        for method, operation in item.items():
            if method in PATH_ITEM_FIELDS or method.startswith("x-"):
                continue
            if method.startswith("$") or not method.islower() or not isinstance(operation, dict):
                raise ValueError(f"{path}: `{method}` is not supported; remove it with an entry in overlay.yaml")
            operation.setdefault("responses", {"default": {"description": ""}})  # optional since OpenAPI 3.1
            yield path, method, operation


def replace_methods(document: Document) -> dict[str, str]:
    """Replace methods that the generator does not support (QUERY); the templates write the original method."""
    original = {}
    for path, method, operation in list(iterate_operations(document)):
        if "operationId" not in operation:
            raise ValueError(f"{method.upper()} {path} has no operationId")
        if operation["operationId"] in original:
            raise ValueError(
                f"{method.upper()} {path}: another operation has the operationId {operation['operationId']}"
            )
        original[operation["operationId"]] = method.upper()
        if method not in METHODS:
            item = document["paths"][path]
            free = next((name for name in reversed(METHODS) if name not in item), None)
            if free is None:
                raise ValueError(f"{path} has more methods than the generator supports")
            item[free] = item.pop(method)
    return original


def tag_operations(document: Document) -> None:
    """Tag each operation with the first word of its operationId: `models.versions.get` with `models`."""
    for _, _, operation in iterate_operations(document):
        operation["tags"] = [operation["operationId"].split(".")[0]]


def class_name(schema: str) -> str:
    """Return the class of a schema: `Prediction` for `schemas_prediction_response`."""
    words = schema.removeprefix("schemas_").removesuffix("_response")
    is_page = words.startswith("paginated_")
    return _page_name(_pascal(words.removeprefix("paginated_"))) if is_page else _pascal(words)


def find_duplicates(schemas: Document) -> dict[str, str]:
    """Return the schemas that describe most fields of another one of the same class and no others, with that one.

    Replicate had `prediction_response` beside `schemas_prediction_response` for some weeks of 2025.
    """
    found: dict[str, str] = {}
    for name in sorted(schemas, key=lambda name: name.startswith("schemas_")):
        fields = schemas[name].get("properties", {}).keys()
        for other in schemas:
            others = schemas[other].get("properties", {}).keys()
            is_same_class = class_name(name) == class_name(other) and name != other and other not in found
            if is_same_class and fields <= others and len(fields) > len(others) / 2:
                found[name] = other
    return found


def rename_schemas(document: Document) -> None:
    """Rename `schemas_prediction_response` to `Prediction`, `schemas_paginated_model_response` to `PageOfModels`."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    duplicates = find_duplicates(schemas)
    names, taken = {}, set[str]()
    for old in sorted(schemas, key=lambda old: not old.startswith("schemas_")):  # the others may get a number
        if old in duplicates:
            continue
        name = class_name(old)
        numbers = itertools.count(2)
        free = name
        while free.lower() in taken:  # module names are lower case
            free = f"{name}{next(numbers)}"
        names[old] = free
        taken.add(free.lower())
    document["components"]["schemas"] = {names[old]: schema for old, schema in schemas.items() if old in names}
    names |= {name: names[other] for name, other in duplicates.items()}
    for node in walk(document):
        ref = node.get("$ref")
        if isinstance(ref, str) and ref.startswith(SCHEMAS):
            name = ref.removeprefix(SCHEMAS)
            node["$ref"] = SCHEMAS + names.get(name, name)  # the generator reports dangling references


def name_problems(document: Document) -> None:
    """Merge the schemas of all error bodies into one, `Problem`, since no operation returns an error body.

    It has fields even if the document describes none: every error body may have a `detail` (RFC 9457, section 3.1.4).
    """
    merged: dict[str, Any] = {"type": "object", "description": "The body of an error response.", "properties": {}}
    for _, _, operation in iterate_operations(document):
        for status, response in operation["responses"].items():
            if status[0] in "45" or status == "default":
                for media in response.pop("content", {}).values():
                    schema = _resolve(document, media.get("schema", {}))
                    for name, prop in schema.get("properties", {}).items():
                        merged["properties"].setdefault(name, prop)
    problem = document["components"]["schemas"].setdefault("Problem", merged)
    problem.setdefault("properties", {}).setdefault("detail", _DETAIL)


def name_bodies(document: Document) -> None:
    """Name the inline schemas of request bodies: `models.create` takes a `ModelsCreateRequest`.

    Those that the document does not describe get a description.
    """
    for _, _, operation in iterate_operations(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            if "properties" in media.get("schema", {}):
                name = _pascal(operation["operationId"])
                media["schema"].setdefault("description", f"The body of a request of `{operation['operationId']}`.")
                media["schema"] = _hoist(document, media["schema"], f"{name}Request", f"{name}RequestBody")


def name_results(document: Document) -> None:
    """Name the inline schemas of responses: pages after their items, others after their operation.

    Those that the document does not describe get the description of their response.
    """
    for _, _, operation in iterate_operations(document):
        whole = _pascal(operation["operationId"])
        owner = _pascal(operation["operationId"].rpartition(".")[0]) or whole
        for status, response in operation["responses"].items():
            for media in response.get("content", {}).values():
                schema = media.get("schema", {})
                properties = schema.get("properties", {})
                described = str(response.get("description") or "")
                if properties and described not in ("", UNDESCRIBED_RESPONSE.format(status)):
                    schema.setdefault("description", described)
                if schema.get("type") == "array" and "properties" in schema.get("items", {}):
                    schema["items"] = _hoist(document, schema["items"], owner, f"{whole}Item")
                elif {"next", "results"} <= properties.keys():
                    items = properties["results"].get("items", {})
                    if "properties" in items:
                        items = properties["results"]["items"] = _hoist(document, items, f"{owner}Item", f"{whole}Item")
                    name = _page_name(items["$ref"].removeprefix(SCHEMAS)) if "$ref" in items else f"{owner}Page"
                    media["schema"] = _hoist(document, schema, name, f"{whole}Page")
                elif properties:
                    media["schema"] = _hoist(document, schema, owner, f"{whole}Result")


def mark_text_bodies(document: Document) -> None:
    """Add the charset to text bodies; `generator-config.yaml` maps that content type to raw content."""
    for _, _, operation in iterate_operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        if "text/plain" in content:
            content["text/plain; charset=utf-8"] = content.pop("text/plain")


def describe_parameters(document: Document) -> None:
    """Copy the description of each parameter to its schema, which is where the generator reads it."""
    for parameter in [one for _, _, operation in iterate_operations(document) for one in operation["parameters"]]:
        if "description" in parameter:
            parameter["schema"].setdefault("description", parameter["description"])


PYTHON_FORMATS = ("binary", "date", "date-time", "uuid")
"""Formats that have a Python type of their own."""

_DETAIL = {"type": "string", "description": "What went wrong, as a sentence."}

SCHEMAS = "#/components/schemas/"


def _pascal(words: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[._\-\s]+", words))


def _page_name(item: str) -> str:
    return f"PageOf{item}s"


def _hoist(document: Document, schema: dict[str, Any], *names: str) -> dict[str, Any]:
    """Move an inline schema to the components, under the first name that no different schema has."""
    for name in names:
        known = document["components"]["schemas"].setdefault(name, schema)
        if _shape(known) == _shape(schema):
            return {"$ref": SCHEMAS + name}
    raise ValueError(f"two different schemas would have the names {' and '.join(names)}")


def _shape(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what distinguishes schemas: the names and types of their fields, except whether they may be null."""
    shape = {}
    for name, field in schema.get("properties", {}).items():
        types = field.get("type")
        kept = {key: field[key] for key in ("$ref", "format", "items", "properties", "enum") if key in field}
        if kept.get("format") not in PYTHON_FORMATS:
            kept.pop("format", None)
        shape[name] = (
            contract.strip_documentation(kept),
            sorted({*(types if isinstance(types, list) else [types])} - {"null"}, key=str),
        )
    return shape


def _resolve(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    ref = schema.get("$ref", "")
    return document["components"]["schemas"][ref.removeprefix(SCHEMAS)] if ref.startswith(SCHEMAS) else schema


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects in a part of a document."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child)
