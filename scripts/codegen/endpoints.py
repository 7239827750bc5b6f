"""Map the endpoints that openapi-python-client parses to the variables of our endpoint template."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from openapi_python_client.parser.bodies import Body
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import AnyProperty, ModelProperty
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty

from .constructs import deprecated_fields
from .references import OWNER_AND_NAME, Reference, References
from .results import Result
from .types_map import (
    annotation,
    codec,
    is_free_form,
    model_properties,
    request_codec,
)


@dataclass
class Argument:
    """One parameter of a generated function."""

    name: str
    type: str
    wire_name: str = ""
    codec: str = ""
    required: bool = True
    description: Any = None
    note: str = ""
    """What the caller may pass as well."""
    is_nullable: bool = False
    """Whether None is sent as null; then `UNSET` is the default, for which nothing is sent."""
    style: str = ""
    """The expression of the style of a parameter, see `runtime/_runtime/styles.py`."""
    has_style: bool = False
    """Whether the style has to be given, because it is not the default one."""
    is_deprecated: bool = False

    @property
    def declaration(self) -> str:
        """The parameter in the signature of a function."""
        if self.required:
            return f"{self.name}: {self.type}"
        types = ["None", "types.Unset"] if self.is_nullable else ["None"]
        return f"{self.name}: {' | '.join(dict.fromkeys([*self.type.split(' | '), *types]))} = {self.default}"

    @property
    def default(self) -> str:
        """The value of an argument that is left out."""
        return "types.UNSET" if self.is_nullable else "None"

    @classmethod
    def of(cls, prop: PropertyProtocol, references: References) -> Argument:
        reference = references.find(prop)
        classes = reference.classes if reference else ()
        return cls(
            name=prop.python_name,
            type=" | ".join([annotation(prop, for_request=True), *(reference.types if reference else [])]),
            wire_name=prop.name.get_untrusted_value(),
            codec=request_codec(prop, references),
            required=prop.required,
            description=prop.description,
            note=f"A `{'` or `'.join(classes)}` works too." if classes else "",
        )

    def deprecated(self) -> Argument:
        """Return this argument as a deprecated one."""
        return replace(self, is_deprecated=True, note=f"Deprecated. {self.note}".strip())


@dataclass
class OwnerAndName:
    """The path parameters `{model_owner}/{model_name}`, for which one argument `"owner/name"` may stand."""

    reference: Reference | None
    """The models that have an owner and a name."""
    position: int

    @classmethod
    def find(cls, path: list[PropertyProtocol], references: References) -> OwnerAndName | None:
        names = [prop.name.get_untrusted_value() for prop in path]
        for position, (owner, name) in enumerate(itertools.pairwise(names)):
            prefix = owner.removesuffix("owner")
            if (owner, name) == (f"{prefix}owner", f"{prefix}name"):
                return cls(references.with_keys(prefix.rstrip("_"), OWNER_AND_NAME), position)
        return None

    def widen(self, path: list[Argument]) -> list[Argument]:
        """Return the arguments of `build`: those after the owner may be left out, or move up by one."""
        start = self.position + 1
        owner, rest = path[self.position], path[start:]
        classes, types = (self.reference.classes, self.reference.types) if self.reference else ((), [])
        objects = f", or a `{'` or `'.join(classes)}`" if classes else ""
        note = f'Or `"owner/name"`{objects}, without `{rest[0].name}`.'
        wide = [replace(owner, type=" | ".join([owner.type, *types]), note=note)]
        for argument, following in itertools.zip_longest(rest, rest[1:]):
            members = [*argument.type.split(" | "), *(following.type.split(" | ") if following else [])]
            wide.append(replace(argument, type=" | ".join(dict.fromkeys(members)), required=False))
        return [*path[: self.position], *wide]


@dataclass
class Arguments:
    """A signature. Path parameters are positional; the others are keyword-only, required ones first."""

    positional: list[Argument]
    keywords: list[Argument]

    def __post_init__(self) -> None:
        self.keywords = sorted(self.keywords, key=lambda argument: not argument.required)

    def __iter__(self) -> Iterator[Argument]:
        return iter([*self.positional, *self.keywords])


@dataclass
class RequestBody:
    """The body of a request: the field of `Request` that holds it and, if it is an object, its own fields."""

    content_type: str
    request_field: str
    type: str
    codec: str
    required: bool
    has_files: bool
    description: Any = None
    fields: list[Argument] = field(default_factory=list)

    @classmethod
    def of(cls, body: Body, references: References, place: str) -> RequestBody:
        prop = body.prop
        properties = [] if is_free_form(prop) else model_properties(prop)
        deprecated = deprecated_fields(prop)
        request_field = {"json": "json", "files": "form", "content": "content"}.get(body.body_type)
        if request_field == "form" and any(isinstance(prop, ListProperty) for prop in properties):
            raise ValueError(f"{place}: a list in a multipart body is not supported; describe it as one file")
        if request_field is None or (request_field == "content" and not isinstance(prop, StringProperty)):
            raise ValueError(f"{place}: binary content as a request body is not supported; describe it as a form")
        return cls(
            content_type=body.content_type.get_untrusted_value(),
            request_field=request_field,
            type=annotation(prop, for_request=True),
            codec=codec(prop),
            required=prop.required or any(p.required for p in properties),
            has_files=any(isinstance(prop, FileProperty) for prop in properties),
            description=prop.description,
            fields=[_body_field(p, references, p.name.get_untrusted_value() in deprecated) for p in properties],
        )

    @property
    def is_text(self) -> bool:
        return self.request_field == "content"

    @property
    def headers(self) -> dict[str, str]:
        """The header with the content type, unless httpx adds it."""
        has_default = self.request_field == "form" or self.content_type == "application/json"
        return {} if has_default else {"Content-Type": self.content_type}

    @property
    def default(self) -> str:
        return "types.UNSET" if self.request_field == "json" else "None"


def _body_field(prop: PropertyProtocol, references: References, is_deprecated: bool) -> Argument:
    argument = Argument.of(prop, references)
    argument = argument.deprecated() if is_deprecated else argument
    if isinstance(prop, UnionProperty) and any(isinstance(inner, NoneProperty) for inner in prop.inner_properties):
        return replace(argument, is_nullable=True, note=f"{argument.note} None is sent as null.".strip())
    return argument


PROGRESS = Argument(
    "progress",
    "bool | Callable[[int, int | None], object]",
    required=False,
    note="A function that is called with the bytes that were sent and the total, which is None if a file is not "
    "seekable; or True for a progress bar. A retry starts the count again.",
)
"""An argument of operations that upload files, unless the OpenAPI document has one of this name."""


def _parameters(props: list[Any], location: str, operation: dict[str, Any], references: References) -> list[Argument]:
    """Return the arguments for the parameters in one place: the path, the query or the headers."""
    described = {one["name"]: one for one in operation["parameters"] if one["in"] == location}
    arguments = []
    for prop in props:
        argument = Argument.of(prop, references)
        parameter = described[argument.wire_name]
        argument = argument.deprecated() if parameter.get("deprecated") is True else argument
        style = f"types.Style({parameter['style']!r}, {argument.wire_name!r}, explode={parameter['explode']})"
        arguments.append(replace(argument, style=style, has_style=_has_style(prop, parameter)))
    return arguments


def _has_style(prop: PropertyProtocol, parameter: dict[str, Any]) -> bool:
    """Whether a parameter may have values that httpx, or the format of a path, would write in another style."""
    types = {type(one) for one in (prop.inner_properties if isinstance(prop, UnionProperty) else [prop])}
    has_objects, has_lists = bool(types & {ModelProperty, AnyProperty}), ListProperty in types
    match parameter["in"]:
        case "query":
            return has_objects or parameter["style"] != "form" or (has_lists and not parameter["explode"])
        case "path":
            has_booleans = bool(types & {BooleanProperty, ConstProperty})
            return has_objects or parameter["style"] != "simple" or has_lists or has_booleans
    return False


@dataclass
class EndpointContext:
    """The variables of the endpoint template for one operation."""

    operation_id: str
    documented: dict[str, Any]
    """The operation in the OpenAPI document, with its words and responses."""
    method: str
    path: str
    query: list[Argument]
    headers: list[Argument]
    fixed_headers: dict[str, str]
    body: RequestBody | None
    result: Result
    is_deprecated: bool
    has_path_styles: bool
    """Whether the path has parameters of other styles, or types, than plain strings and numbers."""
    has_query_styles: bool
    """Whether the query has parameters in a style that httpx cannot write."""
    request_arguments: Arguments
    """The signature of `request`, with the body as one argument."""
    build_arguments: Arguments
    """The signature of `build`, with an argument for each field of the body."""
    has_progress: bool
    owner_and_name: OwnerAndName | None

    @property
    def is_idempotent(self) -> bool:
        """Whether a failed request had no effect, or may be sent again (as in `replicate_ext/_sansio/retry.py`)."""
        return self.method not in ("POST", "PATCH") or self.path.endswith("/cancel")


def endpoint_context(
    endpoint: Endpoint,
    methods: dict[str, str],
    documented: dict[str, dict[str, Any]],
    operation_ids: dict[str, str],
    references: References,
) -> EndpointContext:
    """Return the template's variables for an endpoint; ValueError if the templates do not support it."""
    operation_id = operation_ids[endpoint.name]
    operation = documented[operation_id]
    body = RequestBody.of(endpoint.bodies[0], references, operation_id) if endpoint.bodies else None
    path = _parameters(endpoint.path_parameters, "path", operation, references)
    query = _parameters(endpoint.query_parameters, "query", operation, references)
    headers = _parameters(endpoint.header_parameters, "header", operation, references)
    result = Result.of(endpoint)
    owner_and_name = OwnerAndName.find(list(endpoint.path_parameters), references)
    positional = owner_and_name.widen(path) if owner_and_name else path
    whole = [Argument("body", body.type, required=body.required, description=body.description)] if body else []
    is_text = body is not None and body.is_text  # the only argument that matters, so it is positional
    flat = body.fields or ([] if is_text else whole) if body else []
    taken = {argument.name for argument in path + query + headers}
    for argument in flat:
        while argument.name in taken:
            argument.name += "_body"
        taken.add(argument.name)
    has_progress = body is not None and body.has_files and PROGRESS.name not in taken
    options = [PROGRESS] if has_progress else []
    return EndpointContext(
        operation_id=operation_id,
        documented=operation,
        method=methods[operation_id],
        path=endpoint.path.get_untrusted_value(),
        query=query,
        has_path_styles=any(argument.has_style for argument in path),
        has_query_styles=any(argument.has_style for argument in query),
        headers=headers,
        fixed_headers=(body.headers if body else {}) | result.headers,
        body=body,
        result=result,
        is_deprecated=operation.get("deprecated") is True,
        request_arguments=Arguments(path, whole + query + headers),
        build_arguments=Arguments(positional + whole if is_text else positional, flat + query + headers + options),
        has_progress=has_progress,
        owner_and_name=owner_and_name,
    )
