"""Map the properties that openapi-python-client parses to what our templates write.

For each property: its Python type and its codec (`_runtime/codecs.py`). The generator gives its own templates code
instead, so it has no such functions.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

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

from .references import References

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


def annotation(prop: PropertyProtocol, for_request: bool = False, default: str = "", models: str = "models") -> str:
    """Return the Python type of a property.

    Args:
        prop: The property.
        for_request: Return the wider type that a caller may pass, such as `Sequence` instead of `list`.
        default: Allow this type too: that of the default value.
        models: What the module calls `replicate_api.models`. Its classes are attributes of it, imported on first use,
            so that annotations can be evaluated at run time.
    """
    inner = functools.partial(annotation, for_request=for_request, models=models)
    if default:
        python = inner(prop)
        return python if python == "Any" or default in python.split(" | ") else f"{python} | {default}"
    if is_free_form(prop):
        return "Mapping[str, Any]" if for_request else "dict[str, Any]"
    if isinstance(prop, EnumProperty):
        literal = ", ".join(map(enum_literal, prop.values.values()))
        if prop.value_type is int:
            return f"Literal[{literal}]" if for_request else "int"
        enum = f"{models}.{prop.class_info.name}"
        return f"{enum} | Literal[{literal}]" if for_request else enum
    if isinstance(prop, ModelProperty):
        return f"{models}.{prop.class_info.name}"
    if isinstance(prop, ListProperty):
        return f"{'Sequence' if for_request else 'list'}[{inner(prop.inner_property)}]"
    if isinstance(prop, UnionProperty):
        return " | ".join(dict.fromkeys(map(inner, prop.inner_properties)))
    if isinstance(prop, ConstProperty):
        return f"Literal[{prop.value.python_code.as_unembedded_code()}]"
    return _SIMPLE[type(prop)][0]


def codec(prop: PropertyProtocol) -> str:
    """Return the expression of the property's codec (see `runtime/_runtime/codecs.py`)."""
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


def success_responses(endpoint: Endpoint) -> list[Response]:
    """Return the 2xx responses of an operation."""
    return [one for one in endpoint.responses.patterns if (one.status_code.range or (0,))[0] // 100 == 2]


def model_properties(prop: PropertyProtocol) -> list[PropertyProtocol]:
    """Return the properties of a model, required ones first; none for any other property."""
    if not isinstance(prop, ModelProperty):
        return []
    return [*(prop.required_properties or []), *(prop.optional_properties or [])]


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
            pending += model_properties(complete.get(name, prop))
    return found
