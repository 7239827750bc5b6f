"""Read the operations of a document as the wire has them: parameters, bodies and responses, wherever declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .. import contract
from .schemas import Node, Schema, Schemas, resolve, stated

_OPERATION_FIELDS = frozenset(
    {"operationId", "deprecated", "parameters", "requestBody", "responses", "security", "servers"}
)
_PARAMETER_FIELDS = frozenset({"name", "in", "required", "schema", "content", "style", "explode", "$ref"})

_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}
"""The default styles (https://spec.openapis.org/oas/v3.1.1.html#parameter-object)."""

Media = dict[str, Schema]
"""The schemas of a body by media type."""


@dataclass(frozen=True)
class Parameter:
    """A parameter, with the default values of OpenAPI filled in."""

    node: Node
    name: str
    required: bool
    schema: Schema
    serialization: str
    keywords: dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One operation."""

    name: str
    method: str
    path: str
    parameters: dict[tuple[str, str], Parameter]
    """By place and name; the names of headers are in lower case, since their case has no meaning (RFC 9110, 5.1)."""
    body: Media
    is_body_required: bool
    encodings: dict[str, Any]
    """How the fields of a form are sent, by media type."""
    result: Media
    """Whatever a successful response may contain, whichever its status is."""
    errors: dict[str, Media]
    """The other responses by status."""
    statuses: frozenset[str]
    """The status codes of success."""
    headers: Media
    """The headers of successful responses by name."""
    credentials: frozenset[frozenset[str]]
    """Alternative sets of credentials, each of which suffices."""
    servers: tuple[str, ...]
    keywords: dict[str, Any]

    @property
    def route(self) -> tuple[str, str]:
        """What identifies the operation on the wire: its method and its path without the names of parameters."""
        return self.method, re.sub(r"\{[^}]*\}", "{}", self.path)

    @property
    def may_be_empty(self) -> bool:
        return not {"204", "205"}.isdisjoint(self.statuses)


class Document:
    """The operations of an OpenAPI document, by operationId."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.schemas = Schemas(raw)
        self.operations: dict[str, Operation] = {}
        for path, item in raw["paths"].items():
            if not path.startswith("x-"):
                for operation in self._read_path(path, self._resolve(Node(item, ("paths", path)))):
                    self.operations[operation.name] = operation

    def components(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = self.raw.get("components", {}).get(kind, {})
        return found

    def _resolve(self, node: Node) -> Node:
        return resolve(self.raw, node)

    def _read_path(self, path: str, item: Node) -> Iterator[Operation]:
        for key in item.raw:
            if key == "additionalOperations":  # of OpenAPI 3.2, for methods without a field of their own
                for method in item.raw[key]:
                    yield self._read_operation(method, path, item, item.child(key, method))
            elif key not in contract.SHARED_FIELDS | contract.DOCUMENTATION and not key.startswith("x-"):
                yield self._read_operation(key, path, item, item.child(key))

    def _read_operation(self, method: str, path: str, item: Node, node: Node) -> Operation:
        raw = node.raw
        route = f"{method.upper()} {path}"
        name = raw.get("operationId", route)
        body = self._resolve(node.child("requestBody")) if "requestBody" in raw else Node({}, ())
        responses = {str(status): self._resolve(node.child("responses", status)) for status in raw.get("responses", {})}
        successes = {status: response for status, response in responses.items() if status.startswith("2")}
        servers = raw.get("servers") or item.raw.get("servers") or self.raw.get("servers") or []
        return Operation(
            name=route if name in self.operations else name,  # a duplicate is invalid, but must not be lost
            method=method.upper(),
            path=path,
            parameters=dict(self._read_parameters([item, node])),
            body=self._read_media(body),
            is_body_required=body.raw.get("required") is True,
            encodings={
                _media_type(media): value["encoding"]
                for media, value in body.raw.get("content", {}).items()
                if "encoding" in value
            },
            result=self._unite([self._read_nodes(response) for response in successes.values()]),
            errors={status: self._read_media(responses[status]) for status in responses.keys() - successes.keys()},
            statuses=frozenset(successes),
            headers=self._unite([self._read_headers(response) for response in successes.values()]),
            credentials=frozenset(self._read_credentials(raw.get("security", self.raw.get("security", [])))),
            servers=tuple(str(server["url"]) for server in servers),
            keywords={key: value for key, value in stated(raw).items() if key not in _OPERATION_FIELDS}
            | {"deprecated": raw.get("deprecated") or None},
        )

    def _read_parameters(self, holders: list[Node]) -> Iterator[tuple[tuple[str, str], Parameter]]:
        """Yield the parameters of a path and then of an operation, which may replace some."""
        for holder in holders:
            for index in range(len(holder.raw.get("parameters", []))):
                node = self._resolve(holder.child("parameters", str(index)))
                raw, place = node.raw, node.raw["in"]
                media = next(iter(raw.get("content", {})), "")
                inner = node.child("content", media) if media else node
                schema = self.schemas.get(inner.child("schema") if "schema" in inner.raw else Node({}, node.pointer))
                style = raw.get("style", _STYLES.get(place, ""))
                explode = raw.get("explode", style == "form")
                is_compound = not {"any", "array", "object"}.isdisjoint(schema.parts)
                parameter = Parameter(
                    node=node,
                    name=raw["name"],
                    required=raw.get("required") is True or place == "path",
                    schema=schema,
                    serialization=media or (f"{style}, explode: {str(explode).lower()}" if is_compound else style),
                    keywords={key: value for key, value in stated(raw).items() if key not in _PARAMETER_FIELDS},
                )
                yield (place, raw["name"].lower() if place == "header" else raw["name"]), parameter

    def _read_nodes(self, holder: Node) -> dict[str, Node]:
        """Return the schemas of a body or response by media type, without its parameters."""
        found = {}
        for media in holder.raw.get("content", {}):
            node = self._resolve(holder.child("content", media))
            found[_media_type(media)] = node.child("schema") if "schema" in node.raw else Node({}, node.pointer)
        return found

    def _read_media(self, holder: Node) -> Media:
        return {media: self.schemas.get(node) for media, node in self._read_nodes(holder).items()}

    def _read_headers(self, response: Node) -> dict[str, Node]:
        headers = {name: self._resolve(response.child("headers", name)) for name in response.raw.get("headers", {})}
        return {
            name.lower(): node.child("schema") if "schema" in node.raw else Node({}, node.pointer)
            for name, node in headers.items()
        }

    def _unite(self, responses: list[dict[str, Node]]) -> Media:
        """Return what any of some responses may contain."""
        found: dict[str, list[Node]] = {}
        for response in responses:
            for name, node in response.items():
                found.setdefault(name, []).append(node)
        return {name: self.schemas.unite(nodes) for name, nodes in found.items()}

    def _read_credentials(self, requirements: list[dict[str, list[str]]]) -> Iterator[frozenset[str]]:
        schemes = self.components("securitySchemes")
        for requirement in requirements or [{}]:
            yield frozenset(
                " ".join([_describe_scheme(name, schemes.get(name, {})), *sorted(scopes)])
                for name, scopes in requirement.items()
            )


def _media_type(name: str) -> str:
    return name.partition(";")[0].strip().lower()


def _describe_scheme(name: str, scheme: dict[str, Any]) -> str:
    """Return what a security scheme sends: `bearer token`, `header X-Key`."""
    match scheme.get("type"):
        case "http":
            return f"{scheme['scheme'].lower()} credentials"
        case "apiKey":
            return f"{scheme['in']} {scheme['name']}"
    return str(scheme.get("type", name))
