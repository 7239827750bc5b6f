"""Read OpenAPI documents a second time, for the independent comparison: without references and compositions."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any, NamedTuple

PROSE = {"summary", "description", "title", "info", "externalDocs", "tags", "example", "examples", "bearerFormat"}
PROSE |= {"x-codeSamples", "x-code-samples", "x-readme"}

Alternatives = tuple[list[dict[str, Any]], bool]


class Contract(NamedTuple):
    """What a document states, without references."""

    operations: dict[str, dict[str, Any]]
    webhooks: dict[str, Any]


def read(document: dict[str, Any]) -> Contract:
    return Contract(read_operations(document), replace_references(document, document.get("webhooks", {})))


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def replace_references(document: dict[str, Any], node: Any, above: tuple[str, ...] = (), *, names: bool = False) -> Any:
    """Return a part of a document without prose and references, except to itself."""
    if isinstance(node, list):
        return [replace_references(document, item, above) for item in node]
    if not isinstance(node, dict):
        return node
    node = node if names else {key: value for key, value in node.items() if key not in PROSE}
    ref = node.get("$ref")
    if isinstance(ref, str) and not names:
        target = document
        for key in ref.split("/")[1:]:
            target = target[key.replace("~1", "/")]
        null = isinstance(target, dict) and (target.get("nullable") or "null" in target.get("type", ""))
        itself = {"type": "recursive", "nullable": null}
        resolved = itself if ref in above else replace_references(document, target, (*above, ref))
        rest = replace_references(document, {key: value for key, value in node.items() if key != "$ref"}, above)
        return {"allOf": [resolved], **rest} if rest else resolved
    maps = {"properties", "headers", "content", "responses", "callbacks", "webhooks", "paths"}
    return {
        key: value
        if key in ("default", "enum", "const")
        else replace_references(document, value, above, names=key in maps and not names)
        for key, value in node.items()
    }


def read_operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the operations by operationId, with what they inherit from their path and the document."""
    found = {}
    for path, item in replace_references(document, document["paths"], names=True).items():
        for method, operation in item.items():
            if method in ("parameters", "servers") or method.startswith("x-"):
                continue
            parameters = {parameter_key(p): p for p in [*item.get("parameters", []), *operation.get("parameters", [])]}
            requirements = operation.get("security", document.get("security", []))
            schemes = document.get("components", {}).get("securitySchemes", {})
            servers = operation.get("servers") or item.get("servers") or document.get("servers") or []
            found[operation["operationId"]] = {
                **operation,
                "path": path,
                "method": method,
                "route": (method, re.sub(r"\{.*?\}", "{}", path)),
                "parameters": parameters,
                "security": [
                    {describe_scheme(n, schemes.get(n, {}), s) for n, s in r.items()} for r in requirements or [{}]
                ],
                "servers": [server["url"] for server in servers],
            }
    return found


def parameter_key(parameter: dict[str, Any]) -> tuple[str, str]:
    """Return what identifies a parameter: the names of headers are case-insensitive."""
    name = parameter["name"]
    return parameter["in"], name.lower() if parameter["in"] == "header" else name


def describe_scheme(name: str, scheme: dict[str, Any], scopes: list[str]) -> str:
    kept = {key: value for key, value in scheme.items() if key not in PROSE}
    return text([kept or name, sorted(scopes)])


def expand_all(schemas: list[Any]) -> Alternatives:
    """Return the alternatives of several schemas, of which one applies."""
    different = {text(schema): schema for schema in schemas} if len(schemas) > 1 else {"": schemas[0]}
    if len(different) == 1:
        return expand(schemas[0])
    parts = [expand(schema) for schema in different.values()]
    return [{**one, "merged": True} for part, _ in parts for one in part], any(null for _, null in parts)


def expand(schema: Any) -> Alternatives:
    """Return the alternatives that a schema allows, each of one type and without compositions, and whether null is."""
    if not isinstance(schema, dict):
        return ([{"type": "any"}], True) if schema else ([], False)
    own = {key: value for key, value in schema.items() if key not in ("allOf", "anyOf", "oneOf", "type", "nullable")}
    types = schema.get("type") or implied_types(own)
    types = [types] if isinstance(types, str) else types
    found = [{**own, "type": type_} for type_ in types if type_ != "null"]
    null = "null" in types or bool(schema.get("nullable"))
    groups = [expand(part) for part in schema.get("allOf", [])]
    for parts in ([expand(part) for part in schema.get(key, [])] for key in ("anyOf", "oneOf")):
        if parts:
            groups.append(([one for part, _ in parts for one in part], any(may for _, may in parts)))
    for group, may_be_null in groups:
        found = [merged for one, two in itertools.product(found, group) if (merged := both(one, two))]
        null = null and may_be_null
    return found, null or bool(schema.get("nullable"))


def implied_types(own: dict[str, Any]) -> list[str]:
    if own.keys() & {"properties", "additionalProperties"}:
        return ["object"]
    if "items" in own:
        return ["array"]
    values = [own["const"]] if "const" in own else own.get("enum")
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return ["any", "null"] if values is None else sorted({names.get(type(value), "null") for value in values})


def both(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any] | None:
    """Return what two alternatives allow together."""
    if "any" not in (one["type"], two["type"]) and one["type"] != two["type"]:
        return None
    merged = {**one, **two, "type": two["type"] if one["type"] == "any" else one["type"]}
    if "required" in merged:
        merged["required"] = [*one.get("required", []), *two.get("required", [])]
    names = {**one.get("properties", {}), **two.get("properties", {})}
    if names:
        merged["properties"] = {name: join("allOf", [one, two], name) for name in names}
    if "enum" in one and "enum" in two:
        merged["enum"] = [value for value in one["enum"] if value in two["enum"]]
    return merged


def join(key: str, alternatives: list[dict[str, Any]], name: str) -> Any:
    schemas = [one["properties"][name] for one in alternatives if name in one.get("properties", {})]
    return schemas[0] if len({text(schema) for schema in schemas}) == 1 else {key: schemas}
