"""Map the endpoints that openapi-python-client parses to the variables of our endpoint template."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

from openapi_python_client.parser.bodies import Body
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty

from .references import OWNER_AND_NAME, Reference, References
from .types_map import (
    annotation,
    codec,
    is_free_form,
    model_properties,
    request_codec,
    success_responses,
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


@dataclass
class RequestBody:
    """The body of a request: the field of `Request` that holds it and, if it is an object, its own fields."""

    content_type: str
    request_field: str
    type: str
    codec: str
    required: bool
    has_files: bool
    fields: list[Argument] = field(default_factory=list)

    @classmethod
    def of(cls, body: Body, references: References) -> RequestBody:
        prop = body.prop
        properties = [] if is_free_form(prop) else model_properties(prop)
        request_field = {"json": "json", "files": "form", "content": "content"}.get(body.body_type)
        if request_field == "form" and any(isinstance(prop, ListProperty) for prop in properties):
            raise ValueError("a list in a multipart body is not supported")
        if request_field is None or (request_field == "content" and not isinstance(prop, StringProperty)):
            raise ValueError(f"a request body of type {body.content_type.get_untrusted_value()} is not supported")
        return cls(
            content_type=body.content_type.get_untrusted_value(),
            request_field=request_field,
            type=annotation(prop, for_request=True),
            codec=codec(prop),
            required=prop.required or any(p.required for p in properties),
            has_files=any(isinstance(prop, FileProperty) for prop in properties),
            fields=[_body_field(p, references) for p in properties],
        )

    @property
    def is_text(self) -> bool:
        return self.request_field == "content"

    @property
    def default(self) -> str:
        return "types.UNSET" if self.request_field == "json" else "None"


def _body_field(prop: PropertyProtocol, references: References) -> Argument:
    argument = Argument.of(prop, references)
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


@dataclass
class Result:
    """What `parse` returns for a successful response."""

    type: str
    codec: str | None
    is_json: bool

    @classmethod
    def of(cls, endpoint: Endpoint) -> Result:
        responses = success_responses(endpoint)
        # A 201 or 202 whose content is not described has that of the described 200; a 204 has none.
        described = [
            one for one in responses if one.source["attribute"] != "None" or one.status_code.range == (204, 204)
        ]
        results = [
            (annotation(response.prop), codec(response.prop), response.source["attribute"])
            for response in described or responses
        ]
        if not results:
            return cls("Any", None, False)
        are_models = all(expression.startswith("types.Nested") for _, expression, _ in results)
        if len(set(results)) != 1 and not (results and are_models):
            raise ValueError(
                f"{endpoint.name} has {len(set(results))} types of successful responses; only one is supported"
            )
        # Models of one response under two names (an earlier document had those) can load each other, as unknown keys
        # are kept.
        python, expression, source = results[0]
        if source == "None":  # a 200 or 201 has a body, even if the OpenAPI document does not describe it
            declared = [one.status_code.range or (0,) for one in endpoint.responses.patterns]
            return cls("Any" if any(codes[0] in (200, 201) for codes in declared) else "None", None, False)
        if source == "response.content":
            return cls("bytes", None, False)
        return cls(python, expression if source == "response.json()" else None, source == "response.json()")


@dataclass
class EndpointContext:
    """The variables of the endpoint template for one operation."""

    operation_id: str
    method: str
    path: str
    query: list[Argument]
    headers: list[Argument]
    body: RequestBody | None
    result: Result
    request_arguments: Arguments
    """The signature of `request`, with the body as one argument."""
    build_arguments: Arguments
    """The signature of `build`, with an argument for each field of the body."""
    has_progress: bool
    owner_and_name: OwnerAndName | None


def endpoint_context(
    endpoint: Endpoint, methods: dict[str, str], operation_ids: dict[str, str], references: References
) -> EndpointContext:
    """Return the template's variables for an endpoint; ValueError if the templates do not support it."""
    if endpoint.cookie_parameters or len(endpoint.bodies) > 1:
        raise ValueError(f"{endpoint.name}: cookies and alternative bodies are not supported")
    operation_id = operation_ids[endpoint.name]
    body = RequestBody.of(endpoint.bodies[0], references) if endpoint.bodies else None
    path = [Argument.of(prop, references) for prop in endpoint.path_parameters]
    query = [Argument.of(prop, references) for prop in endpoint.query_parameters]
    headers = [Argument.of(prop, references) for prop in endpoint.header_parameters]
    owner_and_name = OwnerAndName.find(list(endpoint.path_parameters), references)
    positional = owner_and_name.widen(path) if owner_and_name else path
    whole = [Argument("body", body.type, required=body.required)] if body else []
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
        method=methods[operation_id],
        path=endpoint.path.get_untrusted_value(),
        query=query,
        headers=headers,
        body=body,
        result=Result.of(endpoint),
        request_arguments=Arguments(path, whole + query + headers),
        build_arguments=Arguments(positional + whole if is_text else positional, flat + query + headers + options),
        has_progress=has_progress,
        owner_and_name=owner_and_name,
    )
