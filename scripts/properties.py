"""What the templates ask about the generator's properties: their Python type, their kind, the models they name.

The generator answers such questions with code for its own templates; ours write tables instead, so the answers are
given here, in Python, where they can be read and tested.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
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

_SIMPLE: dict[type, tuple[str, str]] = {  # property class -> (Python type, kind)
    AnyProperty: ("Any", "ANY"),
    BooleanProperty: ("bool", "BOOLEAN"),
    DateProperty: ("date", "DATE"),
    DateTimeProperty: ("datetime", "TIME"),
    FileProperty: ("types.Upload | IO[bytes] | bytes", "BYTES"),
    FloatProperty: ("float", "NUMBER"),
    IntProperty: ("int", "INTEGER"),
    NoneProperty: ("None", "NULL"),
    StringProperty: ("str", "TEXT"),
    UuidProperty: ("UUID", "UUID_"),
}


def is_free_form(prop: PropertyProtocol) -> bool:
    """Whether an object names no properties, so that a dict says all there is to say."""
    return isinstance(prop, ModelProperty) and not prop.data.properties and not prop.data.allOf


def annotation(prop: PropertyProtocol, written: bool = False, unset: bool = False) -> str:
    """Return the Python type; `written` is the wider one of what a caller may hand in, `unset` allows for absence."""
    if unset:
        python = annotation(prop, written)
        return python if python == "Any" else f"{python} | Unset"
    if is_free_form(prop):
        return "Mapping[str, Any]" if written else "dict[str, Any]"
    if isinstance(prop, EnumProperty):
        literal = ", ".join(map(enum_literal, prop.values.values()))
        if prop.value_type is int:
            return f"Literal[{literal}]" if written else "int"
        return f"{prop.class_info.name} | Literal[{literal}]" if written else prop.class_info.name
    if isinstance(prop, ModelProperty):
        return str(prop.class_info.name)
    if isinstance(prop, ListProperty):
        return f"{'Sequence' if written else 'list'}[{annotation(prop.inner_property, written)}]"
    if isinstance(prop, UnionProperty):
        return " | ".join(dict.fromkeys(annotation(inner, written) for inner in prop.inner_properties))
    if isinstance(prop, ConstProperty):
        return f"Literal[{prop.value.python_code.as_unembedded_code()}]"
    return _SIMPLE[type(prop)][0]


def kind(prop: PropertyProtocol) -> str:
    """Return the expression of the property's kind (see `types.py`)."""
    if is_free_form(prop):
        return "types.OBJECT"
    if isinstance(prop, ModelProperty):
        return f'types.Nested("{prop.class_info.module_name}", "{prop.class_info.name}")'
    if isinstance(prop, EnumProperty) and prop.value_type is int:
        return f"types.AnyOf({', '.join(f'types.Exactly({value})' for value in prop.values.values())})"
    if isinstance(prop, EnumProperty):
        return f'types.OneOf("{prop.class_info.module_name}", "{prop.class_info.name}")'
    if isinstance(prop, ListProperty):
        return f"types.Each({kind(prop.inner_property)})"
    if isinstance(prop, UnionProperty):
        return f"types.AnyOf({', '.join(kind(inner) for inner in prop.inner_properties)})"
    if isinstance(prop, ConstProperty):
        return f"types.Exactly({prop.value.python_code.as_unembedded_code()})"
    return f"types.{_SIMPLE[type(prop)][1]}"


def enum_literal(value: str | int) -> str:
    """Return the Python of an enum's value; the generator has escaped it for double quotes already."""
    return str(value) if isinstance(value, int) else f'"{value}"'


def classes(props: Iterable[PropertyProtocol]) -> list[tuple[str, str]]:
    """Return (module, class) of every model and enum that the types of the properties name."""
    return sorted({found for prop in props for found in _classes(prop)})


def _classes(prop: PropertyProtocol) -> Iterator[tuple[str, str]]:
    if isinstance(prop, ListProperty):
        yield from _classes(prop.inner_property)
    elif isinstance(prop, UnionProperty):
        for inner in prop.inner_properties:
            yield from _classes(inner)
    elif isinstance(prop, EnumProperty) and prop.value_type is int:
        return
    elif isinstance(prop, (ModelProperty, EnumProperty)) and not is_free_form(prop):
        yield str(prop.class_info.module_name), str(prop.class_info.name)


def prose(text: Any, indent: int = 0, label: str = "") -> str:
    """Return a description ready for a docstring: escaped, wrapped behind its label, paragraphs kept."""
    raw = text.get_untrusted_value() if hasattr(text, "get_untrusted_value") else str(text or "")
    raw = raw.replace("\\", "\\\\").replace('"""', "'''").strip()
    paragraphs = [
        textwrap.fill(paragraph, 110 - indent, break_long_words=False, break_on_hyphens=False)
        for paragraph in re.split(r"\n\s*\n", f"{label}: {raw}" if label else raw)
    ]
    body = textwrap.indent("\n\n".join(paragraphs), " " * indent).strip()
    return body + " " if body.endswith('"') else body


@dataclass
class Argument:
    """One parameter of a generated function."""

    name: str
    type: str
    wire: str = ""
    kind: str = ""
    required: bool = True
    description: Any = None

    @classmethod
    def of(cls, prop: PropertyProtocol, required: bool | None = None) -> Argument:
        return cls(
            name=prop.python_name,
            type=annotation(prop, written=True),
            wire=prop.name.get_untrusted_value(),
            kind=kind(prop),
            required=prop.required if required is None else required,
            description=prop.description,
        )


@dataclass
class Arguments:
    """A signature: the path by position, everything else by keyword, what is required first."""

    positional: list[Argument]
    keywords: list[Argument]

    def __post_init__(self) -> None:
        self.keywords = sorted(self.keywords, key=lambda argument: not argument.required)


@dataclass
class RequestBody:
    """The body of a call: where it goes in a `Request`, and its fields where it is an object."""

    content_type: str
    place: str
    type: str
    kind: str
    required: bool
    fields: list[Argument] = field(default_factory=list)

    @classmethod
    def of(cls, body: Body) -> RequestBody:
        prop = body.prop
        properties = []
        if isinstance(prop, ModelProperty) and not is_free_form(prop):
            properties = [*(prop.required_properties or []), *(prop.optional_properties or [])]
        place = {"json": "json", "files": "form", "content": "content"}.get(body.body_type)
        if place == "form" and any(isinstance(prop, ListProperty) for prop in properties):
            raise ValueError("a list in a multipart body has no template yet")
        if place is None or (place == "content" and not isinstance(prop, StringProperty)):
            raise ValueError(f"a request body of type {body.content_type.get_untrusted_value()} has no template yet")
        return cls(
            content_type=body.content_type.get_untrusted_value(),
            place=place,
            type=annotation(prop, written=True),
            kind=kind(prop),
            required=prop.required or any(p.required for p in properties),
            fields=[Argument.of(p) for p in properties],
        )

    @property
    def is_text(self) -> bool:
        return self.place == "content"

    @property
    def absent(self) -> str:
        return "types.UNSET" if self.place == "json" else "None"


def successes(endpoint: Endpoint) -> list[Response]:
    """Return the answers of an operation that are no errors."""
    return [one for one in endpoint.responses.patterns if (one.status_code.range or (0,))[0] // 100 == 2]


@dataclass
class Result:
    """What a successful answer is read as."""

    type: str
    kind: str | None
    is_json: bool

    @classmethod
    def of(cls, endpoint: Endpoint) -> Result:
        answers = [
            (annotation(response.prop), kind(response.prop), response.source["attribute"])
            for response in successes(endpoint)
        ]
        if not answers:
            return cls("Any", None, False)
        are_models = all(expression.startswith("types.Nested") for _, expression, _ in answers)
        if len(set(answers)) != 1 and not (answers and are_models):
            raise ValueError(
                f"{endpoint.name} has {len(set(answers))} kinds of success; the template knows how to return one"
            )
        # Models of the same answer under two names (it happened) read each other: unknown keys are kept.
        python, expression, source = answers[0]
        if source == "None":  # a 200 or 201 has a body, even where the document does not describe it
            described = [one.status_code.range or (0,) for one in endpoint.responses.patterns]
            return cls("Any" if any(codes[0] in (200, 201) for codes in described) else "None", None, False)
        if source == "response.content":
            return cls("bytes", None, False)
        return cls(python, expression if source == "response.json()" else None, source == "response.json()")


@dataclass
class Call:
    """Everything the endpoint template says about one operation."""

    operation_id: str
    method: str
    path: str
    query: list[Argument]
    headers: list[Argument]
    body: RequestBody | None
    result: Result
    whole: Arguments
    flat: Arguments
    classes: list[tuple[str, str]]


def call(endpoint: Endpoint, methods: dict[str, str], operation_ids: dict[str, str]) -> Call:
    """Describe an endpoint for the template."""
    if endpoint.cookie_parameters or len(endpoint.bodies) > 1:
        raise ValueError(f"{endpoint.name}: cookies and alternative bodies have no template yet")
    operation_id = operation_ids[endpoint.name]
    body = RequestBody.of(endpoint.bodies[0]) if endpoint.bodies else None
    path = [Argument.of(prop) for prop in endpoint.path_parameters]
    query = [Argument.of(prop) for prop in endpoint.query_parameters]
    headers = [Argument.of(prop) for prop in endpoint.header_parameters]
    whole = [Argument("body", body.type, required=body.required)] if body else []
    is_text = body is not None and body.is_text  # the one thing to say, so it is said by position
    flat = body.fields or ([] if is_text else whole) if body else []
    taken = {argument.name for argument in path + query + headers}
    for one in flat:
        while one.name in taken:
            one.name += "_body"
        taken.add(one.name)
    named = [*endpoint.path_parameters, *endpoint.query_parameters, *endpoint.header_parameters]
    if body:
        prop = endpoint.bodies[0].prop
        named += [
            prop,
            *(getattr(prop, "required_properties", []) or []),
            *(getattr(prop, "optional_properties", []) or []),
        ]
    named += [response.prop for response in successes(endpoint)]
    return Call(
        operation_id=operation_id,
        method=methods[operation_id],
        path=endpoint.path.get_untrusted_value(),
        query=query,
        headers=headers,
        body=body,
        result=Result.of(endpoint),
        whole=Arguments(path, whole + query + headers),
        flat=Arguments(path + whole if is_text else path, flat + query + headers),
        classes=classes(named),
    )
