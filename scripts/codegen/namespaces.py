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

from .results import Result
from .types_map import annotation


class BaseClass(NamedTuple):
    """A hand-written base class of a namespace, and its module in `replicate_ext`."""

    module: str
    class_name: str


BASE_CLASSES = {"webhooks": BaseClass("_webhooks_resource", "WebhooksResource")}
"""The namespaces that have hand-written methods too, by path."""

RESERVED = {
    "": frozenset(
        "aclose api close map output paginate request run save stream submit use wait with_options".split()  # noqa: SIM905  # one line
    ),
    "webhooks": frozenset(("verify",)),
}
"""The hand-written methods, by the path of their namespace. An operation of the same name gets an underscore."""

CLASS_BODY_NAMES = frozenset(
    (
        *("Any", "AsyncIterator", "BackendT", "Callable", "IO", "Literal", "Mapping", "Path", "Sequence", "UUID"),
        *("Event", "builtins", "child", "date", "datetime", "dual_iterator", "dual_method", "list_method", "op"),
        "replicate_api",
    )
)
"""Names that the generated class bodies use. A method or namespace of the same name gets an underscore."""

QUALIFIED_NAMES = {
    **{name: f"builtins.{name}" for name in ("bool", "bytes", "dict", "float", "int", "list", "str")},
    **{name: f"replicate_api.{name}" for name in ("models", "types")},
}
"""What a class body writes instead of a name that a method or namespace of the class has too."""

MODULE_NAMES = frozenset(("Namespace", *CLASS_BODY_NAMES, *(base.class_name for base in BASE_CLASSES.values())))
"""Names that the generated module uses. A class of the same name gets an underscore."""


@dataclass
class Method:
    """One operation as a method, and its constant in `operations.py`."""

    name: str
    endpoint: Endpoint

    @property
    def constant(self) -> str:
        return str(self.endpoint.name).upper()

    @property
    def yields_events(self) -> bool:
        """Whether the response is a stream of events."""
        return Result.of(self.endpoint).kind == "events"

    @property
    def item_type(self) -> str | None:
        """The type of the items, if the response is a page of a list or a stream of events."""
        if self.yields_events:
            return "Event"
        fields = _fields(Result.of(self.endpoint).prop)
        if "next" in fields and isinstance(results := fields.get("results"), ListProperty):
            return annotation(results.inner_property)
        return None

    @property
    def takes_files(self) -> bool:
        """Whether the operation has an `input` that is an object, in which there may be files."""
        inputs = [_fields(body.prop).get("input") for body in self.endpoint.bodies]
        members = [
            member
            for prop in inputs
            for member in (prop.inner_properties if isinstance(prop, UnionProperty) else [prop])
        ]
        return any(isinstance(prop, ModelProperty | AnyProperty) for prop in members)


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

    @property
    def member_names(self) -> list[str]:
        """The names of its methods and child namespaces."""
        return sorted([*self.methods, *self.children, *RESERVED.get(".".join(self.path), ())])

    def qualify(self, declaration: str) -> str:
        """Return an annotation or parameter in which no name means a method or namespace of this class."""
        shadowed = QUALIFIED_NAMES.keys() & (self.methods.keys() | self.children.keys())

        def replace(match: re.Match[str]) -> str:
            return QUALIFIED_NAMES[match[0]] if match[0] in shadowed else match[0]

        return re.sub(r'"[^"]*"|(?<![\w.])\w+(?!\w*:)', replace, declaration)

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
        namespace.methods[name] = Method(name, endpoint)
    for namespace in root.walk():
        # `search` and `search.history` may both be operations. The namespace `search` is then callable.
        for name in namespace.methods.keys() & namespace.children.keys():
            method = namespace.methods.pop(name)
            namespace.children[name].methods["__call__"] = Method("__call__", method.endpoint)
        namespace.methods = dict(sorted(namespace.methods.items()))
        namespace.children = dict(sorted(namespace.children.items()))
    taken = {root.class_name, *MODULE_NAMES}
    for namespace in root.walk():
        if namespace is not root:
            namespace.class_name = _class_name(namespace.path, taken)
            taken.add(namespace.class_name)
    return root


def attribute_path(operation_id: str) -> str:
    """Return the attribute path of an operation's method: `models.search`, `run_`."""
    path: tuple[str, ...] = ()
    for word in operation_id.split("."):
        path = (*path, _identifier(word, path))
    return ".".join(path)


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


def _fields(prop: Any) -> dict[str, Any]:
    if not isinstance(prop, ModelProperty):
        return {}
    properties = [*(prop.required_properties or []), *(prop.optional_properties or [])]
    return {one.name.get_untrusted_value(): one for one in properties}
