"""Map the properties and endpoints that openapi-python-client parses to what our templates write.

For each property: its Python type, its codec (see `runtime/types.py`) and the classes that it refers to. The generator
gives its own templates code instead, so it has no such functions.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from openapi_python_client.parser.bodies import Body
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import AnyProperty, EnumProperty, ModelProperty
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty
from openapi_python_client.parser.responses import Response

from .references import OWNER_AND_NAME, References

_SIMPLE: dict[type, tuple[str, str]] = {
    AnyProperty: ("Any", "ANY"),
    BooleanProperty: ("bool", "BOOLEAN"),
    DateProperty: ("date", "DATE"),
    DateTimeProperty: ("datetime", "DATETIME"),
    FileProperty: ("types.Upload | IO[bytes] | bytes | Path", "BYTES"),
    FloatProperty: ("float", "NUMBER"),
    IntProperty: ("int", "INTEGER"),
    NoneProperty: ("None", "NULL"),
    StringProperty: ("str", "STRING"),
    UuidProperty: ("UUID", "UUID_"),
}
"""The Python type and the codec of each property class that needs no parameters."""


def is_free_form(prop: PropertyProtocol) -> bool:
    """Whether an object declares no properties, so that its type is a dict instead of a model."""
    return isinstance(prop, ModelProperty) and not prop.data.properties and not prop.data.allOf


def annotation(prop: PropertyProtocol, for_request: bool = False, default: str = "") -> str:
    """Return the Python type of a property.

    Args:
        prop: The property.
        for_request: Return the wider type that a caller may pass, such as `Sequence` instead of `list`.
        default: Allow this type too: that of the default value.
    """
    if default:
        python = annotation(prop, for_request)
        return python if python == "Any" or default in python.split(" | ") else f"{python} | {default}"
    if is_free_form(prop):
        return "Mapping[str, Any]" if for_request else "dict[str, Any]"
    if isinstance(prop, EnumProperty):
        literal = ", ".join(map(enum_literal, prop.values.values()))
        if prop.value_type is int:
            return f"Literal[{literal}]" if for_request else "int"
        return f"{prop.class_info.name} | Literal[{literal}]" if for_request else prop.class_info.name
    if isinstance(prop, ModelProperty):
        return str(prop.class_info.name)
    if isinstance(prop, ListProperty):
        return f"{'Sequence' if for_request else 'list'}[{annotation(prop.inner_property, for_request)}]"
    if isinstance(prop, UnionProperty):
        return " | ".join(dict.fromkeys(annotation(inner, for_request) for inner in prop.inner_properties))
    if isinstance(prop, ConstProperty):
        return f"Literal[{prop.value.python_code.as_unembedded_code()}]"
    return _SIMPLE[type(prop)][0]


def codec(prop: PropertyProtocol) -> str:
    """Return the expression of the property's codec (see `runtime/types.py`)."""
    if is_free_form(prop):
        return "types.OBJECT"
    if isinstance(prop, ModelProperty):
        return f'types.Nested("{prop.class_info.module_name}", "{prop.class_info.name}")'
    if isinstance(prop, EnumProperty) and prop.value_type is int:
        return f"types.AnyOf({', '.join(f'types.Const({value})' for value in prop.values.values())})"
    if isinstance(prop, EnumProperty):
        return f'types.EnumOf("{prop.class_info.module_name}", "{prop.class_info.name}")'
    if isinstance(prop, ListProperty):
        return f"types.ListOf({codec(prop.inner_property)})"
    if isinstance(prop, UnionProperty):
        return f"types.AnyOf({', '.join(codec(inner) for inner in prop.inner_properties)})"
    if isinstance(prop, ConstProperty):
        return f"types.Const({prop.value.python_code.as_unembedded_code()})"
    return f"types.{_SIMPLE[type(prop)][1]}"


def request_codec(prop: PropertyProtocol, references: References) -> str:
    """Return the expression of the codec of a property that only requests have: a string may be given as a model."""
    reference = references.find(prop)
    return codec(prop).replace("types.STRING", reference.codec) if reference else codec(prop)


def enum_literal(value: str | int) -> str:
    """Return the source of an enum value; the generator has already escaped it for double quotes."""
    return str(value) if isinstance(value, int) else f'"{value}"'


def referenced_classes(props: Iterable[PropertyProtocol]) -> list[tuple[str, str]]:
    """Return (module, class) of every model and enum in the types of some properties."""
    return sorted({found for prop in props for found in _referenced_classes(prop)})


def _referenced_classes(prop: PropertyProtocol) -> Iterator[tuple[str, str]]:
    if isinstance(prop, ListProperty):
        yield from _referenced_classes(prop.inner_property)
    elif isinstance(prop, UnionProperty):
        for inner in prop.inner_properties:
            yield from _referenced_classes(inner)
    elif isinstance(prop, EnumProperty) and prop.value_type is int:
        return
    elif isinstance(prop, (ModelProperty, EnumProperty)) and not is_free_form(prop):
        yield str(prop.class_info.module_name), str(prop.class_info.name)


def response_classes(endpoints: Iterable[Endpoint], models: Iterable[ModelProperty]) -> set[str]:
    """Return the names of the models that responses contain, on any level."""
    complete = {str(model.class_info.name): model for model in models}  # a property may refer to an unfinished copy
    found: set[str] = set()
    pending: list[PropertyProtocol] = [
        response.prop for endpoint in endpoints for response in success_responses(endpoint)
    ]
    while pending:
        prop = pending.pop()
        if isinstance(prop, ListProperty):
            pending.append(prop.inner_property)
        elif isinstance(prop, UnionProperty):
            pending += prop.inner_properties
        elif isinstance(prop, ModelProperty) and (name := str(prop.class_info.name)) not in found:
            found.add(name)
            pending += _model_properties(complete.get(name, prop))
    return found


def docstring(description: Any, indent: int = 0, label: str = "", note: str = "") -> str:
    """Return a description as docstring text: escaped, behind its label and before its note, wrapped by paragraph."""
    is_untrusted = hasattr(description, "get_untrusted_value")
    raw = description.get_untrusted_value() if is_untrusted else str(description or "")
    raw = raw.replace("\\", "\\\\").replace('"""', "'''").strip()
    raw = f"{raw} {note}".strip()
    paragraphs = [
        textwrap.fill(paragraph, 110 - indent, break_long_words=False, break_on_hyphens=False)
        for paragraph in re.split(r"\n\s*\n", f"{label}: {raw}" if label else raw)
    ]
    text = textwrap.indent("\n\n".join(paragraphs), " " * indent).strip()
    return text + " " if text.endswith('"') else text  # four quotes in a row would not parse


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
        default, types = ("types.UNSET", ["None", "types.Unset"]) if self.is_nullable else ("None", ["None"])
        return f"{self.name}: {' | '.join(dict.fromkeys([*self.type.split(' | '), *types]))} = {default}"

    @classmethod
    def of(cls, prop: PropertyProtocol, references: References) -> Argument:
        reference = references.find(prop)
        classes = reference.names if reference else []
        return cls(
            name=prop.python_name,
            type=" | ".join([annotation(prop, for_request=True), *classes]),
            wire_name=prop.name.get_untrusted_value(),
            codec=request_codec(prop, references),
            required=prop.required,
            description=prop.description,
            note=f"A `{'` or `'.join(classes)}` works too." if classes else "",
        )


@dataclass
class OwnerAndName:
    """The path parameters `{model_owner}/{model_name}`, for which one argument `"owner/name"` may stand."""

    classes: tuple[tuple[str, str], ...]
    """Module and class name of the models that have an owner and a name."""
    position: int

    @classmethod
    def find(cls, path: list[PropertyProtocol], references: References) -> OwnerAndName | None:
        names = [prop.name.get_untrusted_value() for prop in path]
        for position, (owner, name) in enumerate(itertools.pairwise(names)):
            prefix = owner.removesuffix("owner")
            if (owner, name) == (f"{prefix}owner", f"{prefix}name"):
                reference = references.with_keys(prefix.rstrip("_"), OWNER_AND_NAME)
                return cls(reference.classes if reference else (), position)
        return None

    def widen(self, path: list[Argument]) -> list[Argument]:
        """Return the arguments of `build`: those after the owner may be left out, or move up by one."""
        start = self.position + 1
        owner, rest = path[self.position], path[start:]
        classes = [name for _, name in self.classes]
        objects = f", or a `{'` or `'.join(classes)}`" if classes else ""
        note = f'Or `"owner/name"`{objects}, without `{rest[0].name}`.'
        wide = [replace(owner, type=" | ".join([owner.type, *classes]), note=note)]
        for argument, following in itertools.zip_longest(rest, rest[1:]):
            types = [*argument.type.split(" | "), *(following.type.split(" | ") if following else [])]
            wide.append(replace(argument, type=" | ".join(dict.fromkeys(types)), required=False))
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
    fields: list[Argument] = field(default_factory=list)

    @classmethod
    def of(cls, body: Body, references: References) -> RequestBody:
        prop = body.prop
        properties = [] if is_free_form(prop) else _model_properties(prop)
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


def _model_properties(prop: PropertyProtocol) -> list[PropertyProtocol]:
    if not isinstance(prop, ModelProperty):
        return []
    return [*(prop.required_properties or []), *(prop.optional_properties or [])]


def success_responses(endpoint: Endpoint) -> list[Response]:
    """Return the 2xx responses of an operation."""
    return [one for one in endpoint.responses.patterns if (one.status_code.range or (0,))[0] // 100 == 2]


@dataclass
class Result:
    """What `parse` returns for a successful response."""

    type: str
    codec: str | None
    is_json: bool

    @classmethod
    def of(cls, endpoint: Endpoint) -> Result:
        results = [
            (annotation(response.prop), codec(response.prop), response.source["attribute"])
            for response in success_responses(endpoint)
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
    owner_and_name: OwnerAndName | None
    referenced_classes: list[tuple[str, str]]


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
    props: list[PropertyProtocol] = [*endpoint.path_parameters, *endpoint.query_parameters, *endpoint.header_parameters]
    if body:
        props += [endpoint.bodies[0].prop, *_model_properties(endpoint.bodies[0].prop)]
    found = [reference for prop in props if (reference := references.find(prop))]
    classes = {one for reference in found for one in reference.classes}
    classes |= set(owner_and_name.classes) if owner_and_name else set()
    props += [response.prop for response in success_responses(endpoint)]
    return EndpointContext(
        operation_id=operation_id,
        method=methods[operation_id],
        path=endpoint.path.get_untrusted_value(),
        query=query,
        headers=headers,
        body=body,
        result=Result.of(endpoint),
        request_arguments=Arguments(path, whole + query + headers),
        build_arguments=Arguments(positional + whole if is_text else positional, flat + query + headers),
        owner_and_name=owner_and_name,
        referenced_classes=sorted({*referenced_classes(props), *classes}),
    )
