"""The mechanical rules that make a document digestible for the generator, applied to a temporary copy.

Each rule is a function over the whole document. None knows a particular operation or schema; facts about those are
in `overlay.yaml`. After them every operation has a tag, every schema a readable name, every page a named schema.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import contract

Document = dict[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""What the generator knows; `carry_methods` takes care of others."""

BESIDES = frozenset({"summary", "description", "servers", "parameters"})
"""What a path has besides operations, all of which the generator understands."""


def normalize(document: Document) -> dict[str, str]:
    """Apply every rule in place; return operationId -> the HTTP method that must go on the wire."""
    methods = carry_methods(document)
    tag_operations(document)
    rename_schemas(document)
    name_problems(document)
    name_bodies(document)
    name_results(document)
    mark_text_bodies(document)
    describe_parameters(document)
    return methods


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation of everything that looks like an operation, known method or not.

    Raises:
        ValueError: A path holds something that would be lost.
    """
    for path, item in document["paths"].items():
        if path.startswith("x-"):
            continue
        if not isinstance(item, dict):
            raise ValueError(f"{path}: {item!r:.50} has no rule yet")
        for method, operation in item.items():
            if method in BESIDES or method.startswith("x-"):
                continue
            if method.startswith("$") or not method.islower() or not isinstance(operation, dict):
                raise ValueError(f"{path}: `{method}` has no rule yet")
            operation.setdefault("responses", {"default": {"description": ""}})  # it may be absent in 3.1
            yield path, method, operation


def carry_methods(document: Document) -> dict[str, str]:
    """Move operations of methods unknown to the generator (QUERY) to a free one; the template writes the true one."""
    wire = {}
    for path, method, operation in list(operations(document)):
        if "operationId" not in operation:
            raise ValueError(f"{method.upper()} {path} has no operationId")
        if operation["operationId"] in wire:
            raise ValueError(f"{method.upper()} {path}: there are two operations called {operation['operationId']}")
        wire[operation["operationId"]] = method.upper()
        if method not in METHODS:
            item = document["paths"][path]
            free = next((name for name in reversed(METHODS) if name not in item), None)
            if free is None:
                raise ValueError(f"{path} has more methods than the generator knows")
            item[free] = item.pop(method)
    return wire


def tag_operations(document: Document) -> None:
    """Group by the first word of the operationId: `models.versions.get` goes to `models`."""
    for _, _, operation in operations(document):
        operation["tags"] = [operation["operationId"].split(".")[0]]


def rename_schemas(document: Document) -> None:
    """`schemas_prediction_response` becomes `Prediction`, `schemas_paginated_model_response` `PageOfModels`."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    names, taken = {}, set[str]()
    for old in sorted(schemas, key=lambda old: not old.startswith("schemas_")):  # who has such a name keeps it
        words = old.removeprefix("schemas_").removesuffix("_response")
        page = words.startswith("paginated_")
        name = _page_name(_pascal(words.removeprefix("paginated_"))) if page else _pascal(words)
        numbers = itertools.count(2)
        free = name
        while free.lower() in taken:  # modules are told apart by more than upper and lower case
            free = f"{name}{next(numbers)}"
        names[old] = free
        taken.add(free.lower())
    document["components"]["schemas"] = {names[old]: schema for old, schema in schemas.items()}
    for node in _walk(document):
        ref = node.get("$ref")
        if isinstance(ref, str) and ref.startswith(_SCHEMAS):
            name = ref.removeprefix(_SCHEMAS)
            node["$ref"] = _SCHEMAS + names.get(name, name)  # the generator tells of one that leads nowhere


def name_problems(document: Document) -> None:
    """Make one schema, `Problem`, of all error bodies: an error is raised, not returned."""
    merged: dict[str, Any] = {"type": "object", "description": "An error body.", "properties": {}}
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            if status[0] in "45" or status == "default":
                for media in response.pop("content", {}).values():
                    schema = _resolve(document, media.get("schema", {}))
                    for name, prop in schema.get("properties", {}).items():
                        merged["properties"].setdefault(name, prop)
    document["components"]["schemas"].setdefault("Problem", merged)


def name_bodies(document: Document) -> None:
    """Name the schemas that are written into request bodies: `models.create` takes a `ModelsCreateRequest`."""
    for _, _, operation in operations(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            if "properties" in media.get("schema", {}):
                name = _pascal(operation["operationId"])
                media["schema"] = _hoist(document, media["schema"], f"{name}Request", f"{name}RequestBody")


def name_results(document: Document) -> None:
    """Name the schemas that are written into responses: pages by their items, others by their operation."""
    for _, _, operation in operations(document):
        whole = _pascal(operation["operationId"])
        owner = _pascal(operation["operationId"].rpartition(".")[0]) or whole
        for response in operation["responses"].values():
            for media in response.get("content", {}).values():
                schema = media.get("schema", {})
                properties = schema.get("properties", {})
                if schema.get("type") == "array" and "properties" in schema.get("items", {}):
                    schema["items"] = _hoist(document, schema["items"], owner, f"{whole}Item")
                elif {"next", "results"} <= properties.keys():
                    items = properties["results"].get("items", {})
                    if "properties" in items:
                        items = properties["results"]["items"] = _hoist(document, items, f"{owner}Item", f"{whole}Item")
                    name = _page_name(items["$ref"].removeprefix(_SCHEMAS)) if "$ref" in items else f"{owner}Page"
                    media["schema"] = _hoist(document, schema, name, f"{whole}Page")
                elif properties:
                    media["schema"] = _hoist(document, schema, owner, f"{whole}Result")


def mark_text_bodies(document: Document) -> None:
    """Spell out the charset of text bodies; `generator-config.yaml` maps that spelling to raw content."""
    for _, _, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        if "text/plain" in content:
            content["text/plain; charset=utf-8"] = content.pop("text/plain")


def describe_parameters(document: Document) -> None:
    """Say a parameter's description in its schema too, which is where the generator looks.

    Raises:
        ValueError: The generator would lose a parameter, or write it otherwise than the document says.
    """
    shared = document["components"].get("parameters", {}).values()
    items = [item for path, item in document["paths"].items() if not path.startswith("x-")]
    holders = [*items, *(operation for _, _, operation in operations(document))]
    for parameter in [*shared, *(p for holder in holders for p in holder.get("parameters", []))]:
        if "$ref" in parameter:
            continue
        is_odd = _resolve(document, parameter.get("schema", {})).get("type") == "object" and parameter["in"] == "query"
        if "schema" not in parameter or is_odd or parameter.get("explode") is False:
            raise ValueError(f"the parameter {parameter['name']} is written in a way that has no rule yet")
        if "description" in parameter and "schema" in parameter:
            parameter["schema"].setdefault("description", parameter["description"])


TYPES = ("binary", "date", "date-time", "uuid")
"""Formats that are Python types of their own."""

_SCHEMAS = "#/components/schemas/"


def _pascal(words: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[._\-\s]+", words))


def _page_name(item: str) -> str:
    return f"PageOf{item}s"


def _hoist(document: Document, schema: dict[str, Any], *names: str) -> dict[str, Any]:
    """Move an inline schema to the components, by the first name that no other schema has."""
    for name in names:
        known = document["components"]["schemas"].setdefault(name, schema)
        if _shape(known) == _shape(schema):
            return {"$ref": _SCHEMAS + name}
    raise ValueError(f"two different schemas would be called {' and '.join(names)}")


def _shape(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what tells schemas apart: the names of their fields and what is in them, whether or not it may be null."""
    shape = {}
    for name, field in schema.get("properties", {}).items():
        types = field.get("type")
        kept = {key: field[key] for key in ("$ref", "format", "items", "properties", "enum") if key in field}
        if kept.get("format") not in TYPES:
            kept.pop("format", None)
        shape[name] = (
            contract.facts(kept),
            sorted({*(types if isinstance(types, list) else [types])} - {"null"}, key=str),
        )
    return shape


def _resolve(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    ref = schema.get("$ref", "")
    return document["components"]["schemas"][ref.removeprefix(_SCHEMAS)] if ref.startswith(_SCHEMAS) else schema


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _walk(child)
