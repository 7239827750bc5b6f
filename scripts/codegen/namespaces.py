"""Group the operations into the namespaces of a client: the attribute path of a method is its operationId."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import AnyProperty, ModelProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.union import UnionProperty

from .types_map import success_responses


class BaseClass(NamedTuple):
    """A hand-written base class of a namespace, and its module in `replicate_ext`."""

    module: str
    class_name: str


BASE_CLASSES = {"webhooks": BaseClass("_webhooks_resource", "WebhooksResource")}
"""The namespaces that have hand-written methods too, by path."""

RESERVED = {
    "": frozenset(
        "aclose api close output paginate request run save stream submit wait with_options".split()  # noqa: SIM905  # one line
    ),
    "webhooks": frozenset(("verify",)),
}
"""The hand-written methods, by the path of their namespace. An operation of the same name gets an underscore."""

CLASS_BODY_NAMES = frozenset(("method_with_files", "op", "operation_method", "paginated_method"))
"""Names that the generated class bodies use. A method or namespace of the same name gets an underscore."""

MODULE_NAMES = frozenset(
    ("Any", "BackendT", "Namespace", "Session", *(base.class_name for base in BASE_CLASSES.values()))
)
"""Names that the generated module uses. A class of the same name gets an underscore."""


@dataclass
class Method:
    """One operation: its method name, its descriptor, and its constant in `operations.py`."""

    name: str
    descriptor: str
    constant: str


@dataclass
class Namespace:
    """One generated class, with its methods and child namespaces."""

    path: tuple[str, ...]
    class_name: str = "Operations"
    methods: dict[str, Method] = field(default_factory=dict)
    children: dict[str, Namespace] = field(default_factory=dict)

    @property
    def base(self) -> BaseClass | None:
        return BASE_CLASSES.get(".".join(self.path))

    def walk(self) -> Iterator[Namespace]:
        """Yield all descendants and then this namespace, so that each class follows those that it uses."""
        for child in self.children.values():
            yield from child.walk()
        yield self


def group_operations(endpoints: Iterable[Endpoint], operation_ids: dict[str, str]) -> Namespace:
    """Return the root namespace of all operations; ValueError if two would have the same path."""
    root = Namespace(())
    for path in BASE_CLASSES:
        _descend(root, path.split("."))
    for endpoint in endpoints:
        *words, last = operation_ids[endpoint.name].split(".")
        namespace = _descend(root, words)
        name = _identifier(last, namespace.path)
        if name in namespace.methods:
            raise ValueError(f"another operation has the same path as {operation_ids[endpoint.name]}")
        namespace.methods[name] = Method(name, _descriptor(endpoint), endpoint.name.upper())
    for namespace in root.walk():
        # `search` and `search.history` may both be operations. The namespace `search` is then callable.
        for name in namespace.methods.keys() & namespace.children.keys():
            method = namespace.methods.pop(name)
            namespace.children[name].methods["__call__"] = Method("__call__", method.descriptor, method.constant)
        namespace.methods = dict(sorted(namespace.methods.items()))
        namespace.children = dict(sorted(namespace.children.items()))
    taken = {root.class_name, *MODULE_NAMES}
    for namespace in root.walk():
        if namespace is not root:
            namespace.class_name = _class_name(namespace.path, taken)
            taken.add(namespace.class_name)
    return root


def _class_name(path: tuple[str, ...], taken: set[str]) -> str:
    name = "".join(word[:1].upper() + word[1:] for part in path for word in part.split("_"))
    name = f"_{name}" if name[:1].isdigit() else name
    while name in taken:
        name += "_"
    return name


def _descend(namespace: Namespace, words: Iterable[str]) -> Namespace:
    for word in words:
        name = _identifier(word, namespace.path)
        namespace = namespace.children.setdefault(name, Namespace((*namespace.path, name)))
    return namespace


def _identifier(word: str, path: tuple[str, ...]) -> str:
    """Return a word of an operationId as a Python identifier, with an underscore appended if it is taken."""
    name = re.sub(r"\W", "_", word).lstrip("_")  # a leading underscore marks our own attributes
    if not name:
        raise ValueError(f"an operationId has an empty word: {'.'.join((*path, word))}")
    name = f"_{name}" if name[:1].isdigit() else name
    taken = CLASS_BODY_NAMES | RESERVED.get(".".join(path), frozenset())
    return f"{name}_" if keyword.iskeyword(name) or name in taken else name


def _descriptor(endpoint: Endpoint) -> str:
    """Return the descriptor of an operation: `listed` for pages, `creating` if it takes an `input`, else `plain`."""
    for response in success_responses(endpoint):
        fields = _fields(response.prop)
        if "next" in fields and isinstance(fields.get("results"), ListProperty):
            return "paginated_method"
    inputs = [_fields(body.prop).get("input") for body in endpoint.bodies]
    members = [
        member for prop in inputs for member in (prop.inner_properties if isinstance(prop, UnionProperty) else [prop])
    ]
    return (
        "method_with_files"
        if any(isinstance(prop, ModelProperty | AnyProperty) for prop in members)
        else "operation_method"
    )


def _fields(prop: Any) -> dict[str, Any]:
    if not isinstance(prop, ModelProperty):
        return {}
    properties = [*(prop.required_properties or []), *(prop.optional_properties or [])]
    return {one.name.get_untrusted_value(): one for one in properties}
