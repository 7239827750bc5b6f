"""The mechanical rules that make a document digestible for the generator, applied to a temporary copy.

Each rule is a function over the whole document. None knows a particular operation or schema; facts about those are
in `overlay.yaml`. After them every operation has a tag, every schema a readable name, every page a named schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

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
            free = next(name for name in reversed(METHODS) if name not in item)
            item[free] = item.pop(method)
    return wire


def tag_operations(document: Document) -> None:
    """Group by the first word of the operationId: `models.versions.get` goes to `models`."""
    for _, _, operation in operations(document):
        operation["tags"] = [operation["operationId"].split(".")[0]]


def rename_schemas(document: Document) -> None:
    """`schemas_prediction_response` becomes `Prediction`, `schemas_paginated_model_response` `PageOfModels`."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    names = {}
    for old in schemas:
        words = old.removeprefix("schemas_").removesuffix("_response")
        page = words.startswith("paginated_")
        names[old] = _page_name(_pascal(words.removeprefix("paginated_"))) if page else _pascal(words)
    if len(set(names.values())) < len(names):
        names = {old: _pascal(old) for old in schemas}
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
                media["schema"] = _hoist(document, f"{_pascal(operation['operationId'])}Request", media["schema"])


def name_results(document: Document) -> None:
    """Name the schemas that are written into responses: pages by their items, others by their operation."""
    for _, _, operation in operations(document):
        owner = _pascal(operation["operationId"].rpartition(".")[0] or operation["operationId"])
        for response in operation["responses"].values():
            for media in response.get("content", {}).values():
                schema = media.get("schema", {})
                properties = schema.get("properties", {})
                if schema.get("type") == "array" and "properties" in schema.get("items", {}):
                    schema["items"] = _hoist(document, owner, schema["items"])
                elif {"next", "results"} <= properties.keys():
                    items = properties["results"].get("items", {})
                    if "properties" in items:
                        items = properties["results"]["items"] = _hoist(document, f"{owner}Item", items)
                    media["schema"] = _hoist(document, _page_name(items["$ref"].removeprefix(_SCHEMAS)), schema)
                elif properties:
                    media["schema"] = _hoist(document, owner, schema)


def mark_text_bodies(document: Document) -> None:
    """Spell out the charset of text bodies; `generator-config.yaml` maps that spelling to raw content."""
    for _, _, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        if "text/plain" in content:
            content["text/plain; charset=utf-8"] = content.pop("text/plain")


def describe_parameters(document: Document) -> None:
    """Say a parameter's description in its schema too, which is where the generator looks."""
    shared = document["components"].get("parameters", {}).values()
    for parameter in [
        *shared,
        *(p for _, _, operation in operations(document) for p in operation.get("parameters", [])),
    ]:
        if "description" in parameter and "schema" in parameter:
            parameter["schema"].setdefault("description", parameter["description"])


_SCHEMAS = "#/components/schemas/"


def _pascal(words: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[._\-\s]+", words))


def _page_name(item: str) -> str:
    return f"PageOf{item}s"


def _hoist(document: Document, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Move an inline schema to the components; one of the same name serves if it has the same properties."""
    known = document["components"]["schemas"].setdefault(name, schema)
    if known.get("properties", {}).keys() != schema.get("properties", {}).keys():
        raise ValueError(f"two different schemas would be called {name}")
    return {"$ref": _SCHEMAS + name}


def _resolve(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    ref = schema.get("$ref", "")
    return document["components"]["schemas"][ref.removeprefix(_SCHEMAS)] if ref.startswith(_SCHEMAS) else schema


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _walk(child)
