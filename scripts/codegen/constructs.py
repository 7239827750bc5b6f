"""Rewrite what openapi-python-client does not know as what it does, and refuse by name what has no equivalent.

The rules change the document in place, before those of `normalize.py`. Afterwards it claims to be OpenAPI 3.1, only
schemas are referenced, every operation has all its parameters, and the media types are those that the templates know.
docs/regenerating.md has the table of all constructs.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol

from . import media_types
from .normalize import iterate_operations

Document = dict[str, Any]

VERSION = "3.1.0"
"""What the generator takes the document for: it refuses 3.2, of which it needs nothing."""

STYLES = {
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "path": ("simple", "label", "matrix"),
    "header": ("simple",),
}
"""The styles of parameters by place, the default first: https://spec.openapis.org/oas/v3.1.1.html#style-values"""

IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
"""The headers that are no parameters: https://spec.openapis.org/oas/v3.1.1.html#fixed-fields-for-use-with-schema"""

_DEPRECATED = "x-deprecated"
"""The names of the deprecated fields, an extension of ours to a schema."""

_SCHEMA_KEYS = (("properties", dict), ("oneOf", list), ("anyOf", list), ("allOf", list))

_REMEDY = "replace it with an entry in scripts/codegen/overlay.yaml"


def rewrite(document: Document) -> dict[str, dict[str, Any]]:
    """Apply every rule; return each operation by its id, with what the generator does not keep of it.

    Raises:
        ValueError: An operation has a construct that is not supported.
    """
    document["openapi"] = VERSION
    operations = list(iterate_operations(document))
    for path, method, operation in operations:
        place = f"{operation.get('operationId')} ({method.upper()} {path})"
        _inline_references(document, operation, document["paths"][path].get("parameters", []), place)
        for parameter in operation["parameters"]:
            _rewrite_parameter(document, parameter, place)
        _rewrite_body(operation.get("requestBody", {}), place)
        successes = [response for status, response in operation["responses"].items() if status.startswith("2")]
        kinds = {media_types.kind(media_type) for response in successes for media_type in response.get("content", {})}
        if "events" in kinds and len(kinds) > 1:
            raise ValueError(f"{place}: text/event-stream beside another response is not supported; keep one of them")
        for response in successes:
            _rewrite_response(response, place)
    for path, _, _ in operations:
        document["paths"][path].pop("parameters", None)
    schemas = document.get("components", {}).get("schemas", {})
    document["components"] = {"schemas": schemas}
    document.pop("webhooks", None)  # requests to the user's server; their schemas stay
    _name_discriminators(document)
    for schema in list(_iterate_schemas(document)):
        if names := sorted(_deprecated(schema, schemas)):
            schema[_DEPRECATED] = names
    return {operation.get("operationId", ""): operation for _, _, operation in operations}


def _inline_references(document: Document, operation: dict[str, Any], shared: list[Any], place: str) -> None:
    """Inline what an operation refers to, schemas excepted, and the parameters of its path; remove callbacks."""
    operation.pop("callbacks", None)  # requests to the user's server
    own = [_resolve(document, one, place) for one in operation.get("parameters", [])]
    parameters = {(one["in"], one["name"]): one for one in own}
    if len(parameters) < len(own):
        raise ValueError(f"{place}: two parameters have the same name and place; remove one of them")
    for one in shared:
        parameter = _resolve(document, one, place)
        parameters.setdefault((parameter["in"], parameter["name"]), parameter)
    operation["parameters"] = [
        parameter
        for (location, name), parameter in parameters.items()
        if location != "header" or name.lower() not in IGNORED_HEADERS
    ]
    if "requestBody" in operation:
        operation["requestBody"] = _resolve(document, operation["requestBody"], place)
    operation["responses"] = {
        status: {"description": "", **_resolve(document, response, place)}
        for status, response in operation["responses"].items()
        if not status.startswith("x-")
    }


def _resolve(document: Document, node: dict[str, Any], place: str) -> dict[str, Any]:
    """Return a copy of an object or of the component that it refers to."""
    seen = set()
    while "$ref" in node:
        ref = node["$ref"]
        target: Any = document
        for key in ref.removeprefix("#/").split("/"):
            target = target.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        if ref in seen or not isinstance(target, dict):
            raise ValueError(f"{place}: the reference {ref} leads to no component; correct it")
        seen.add(ref)
        node = target
    return copy.deepcopy(node)


def _rewrite_parameter(document: Document, parameter: dict[str, Any], place: str) -> None:
    """Fill in the style of a parameter; `json` is ours, for a parameter with the content `application/json`."""
    name, location = parameter["name"], parameter["in"]
    what = f'{place}, {location} parameter "{name}"'
    if location not in STYLES:
        raise ValueError(f"{what}: parameters in {location} are not supported; remove it with an overlay entry")
    if "content" in parameter:
        (media_type, media), *others = parameter["content"].items()
        if location != "query" or others or media_types.kind(media_type) != "json":
            raise ValueError(f"{what}: `content` is supported for JSON in the query only; give it a `schema`")
        parameter |= {"schema": media.get("schema", {}), "style": "json"}
    schema = parameter.setdefault("schema", {})
    style = parameter.setdefault("style", STYLES[location][0])
    explode = parameter.setdefault("explode", style in ("form", "deepObject"))
    if style not in (*STYLES[location], "json"):
        raise ValueError(f"{what}: the style {style} is not supported; {_REMEDY}")
    if style in ("spaceDelimited", "pipeDelimited") and explode:
        raise ValueError(f"{what}: OpenAPI does not define the style {style} with `explode`; {_REMEDY}")
    types = _types(schema, document.get("components", {}).get("schemas", {}))
    if style == "deepObject" and types - {"object"}:
        raise ValueError(f"{what}: OpenAPI defines the style deepObject for objects only; {_REMEDY}")
    if location == "header" and "object" in types:
        raise ValueError(f"{what}: an object in a header is not supported; {_REMEDY}")


def _types(schema: dict[str, Any], schemas: dict[str, Any]) -> set[str]:
    """Return the types that a schema allows, "object" if it does not say."""
    found = set[str]()
    for one in _members(schema, schemas, "oneOf", "anyOf"):
        if not one.keys() & {"oneOf", "anyOf"}:
            types = one.get("type", "string" if one.keys() & {"enum", "const"} else "object")
            found.update(types if isinstance(types, list) else [types])
    return found - {"null"}


def _members(schema: dict[str, Any], schemas: dict[str, Any], *keys: str) -> Iterator[dict[str, Any]]:
    """Yield a schema and what it contains below some keys, each once, with references followed."""
    pending, seen = [schema], set[int]()
    while pending:
        one = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if "$ref" in one:
            pending.append(schemas.get(one["$ref"].rpartition("/")[2], {}))
        else:
            yield one
            pending += [member for key in keys for member in one.get(key, ())]


def _rewrite_body(body: dict[str, Any], place: str) -> None:
    content = body.get("content", {})
    if len(content) > 1:
        names = ", ".join(content)
        raise ValueError(f"{place}: a choice of request bodies ({names}) is not supported; keep one of them")
    for media_type in content:
        if media_types.essence(media_type) not in media_types.BODIES and media_types.kind(media_type) != "json":
            raise ValueError(f"{place}: a request body of type {media_type} is not supported; {_REMEDY}")


def _rewrite_response(response: dict[str, Any], place: str) -> None:
    """Put JSON first, which is all that the generator reads of several types; describe other bodies as strings."""
    content = response.get("content", {})
    kinds = {media_type: media_types.kind(media_type, media) for media_type, media in content.items()}
    for media_type, kind in kinds.items():
        if kind is None:
            raise ValueError(f"{place}: a response of type {media_type} is not supported; {_REMEDY}")
    schemas = [content[media_type].get("schema") for media_type, kind in kinds.items() if kind == "json"]
    if any(schema != schemas[0] for schema in schemas):
        raise ValueError(f"{place}: several JSON types in one response are not supported; keep one of them")
    for media_type, kind in kinds.items():
        if kind != "json":
            content[media_type]["schema"] = {"type": "string"}
        elif len(kinds) > 1:
            content[media_type].setdefault("schema", {})
    response["content"] = {name: content[name] for name in sorted(kinds, key=lambda name: kinds[name] != "json")}
    if set(kinds.values()) == {"bytes"}:
        response["content"]["application/octet-stream"] = {"schema": {"type": "string"}}


def deprecated_fields(model: PropertyProtocol) -> set[str]:
    """Return the names of the deprecated fields of a model; the generator does not keep what their schemas say."""
    extensions = (model.data.model_extra or {}) if isinstance(model, ModelProperty) else {}
    return set(extensions.get(_DEPRECATED, ()))


def _deprecated(schema: dict[str, Any], schemas: dict[str, Any]) -> set[str]:
    """Return the deprecated fields of a schema, and of those that it extends."""
    fields = [field for one in _members(schema, schemas, "allOf") for field in one.get("properties", {}).items()]
    return {name for name, field in fields if isinstance(field, dict) and field.get("deprecated") is True}


def _name_discriminators(document: Document) -> None:
    """Write into each member of a union which values of the discriminator select it."""
    for union in list(_iterate_schemas(document)):
        discriminator, members = union.get("discriminator"), [*union.get("oneOf", ()), *union.get("anyOf", ())]
        if not isinstance(discriminator, dict) or not members:
            continue
        values: dict[str, list[str]] = {}
        for value, target in discriminator.get("mapping", {}).items():
            values.setdefault(target.rpartition("/")[2], []).append(value)
        for member in members:
            name = member.get("$ref", "").rpartition("/")[2]
            if schema := document["components"]["schemas"].get(name):
                _restrict(schema, discriminator["propertyName"], values.get(name, [name]))


def _restrict(schema: dict[str, Any], name: str, values: list[str]) -> None:
    """Allow a required property these values only, unless the schema does so already."""
    fields = schema.setdefault("properties", {})
    field = fields.setdefault(name, {"type": "string"})
    if not field.keys() & {"enum", "const", "$ref"}:
        # The generator cannot merge a constant with the string of a schema below `allOf`.
        is_constant = len(values) == 1 and "allOf" not in schema
        fields[name] = {**field, **({"const": values[0]} if is_constant else {"enum": values})}
    if name not in (required := schema.setdefault("required", [])):
        required.append(name)


def _iterate_schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Yield everything that may be a schema with members or fields."""
    if isinstance(node, dict) and any(isinstance(node.get(key), kind) for key, kind in _SCHEMA_KEYS):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _iterate_schemas(child)
