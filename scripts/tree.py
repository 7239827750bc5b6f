"""The tree of methods that a client offers: the path of each is its operationId, the other words are classes."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import AnyProperty, ModelProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.union import UnionProperty

from properties import successes

ADDED = {"webhooks": ("_webhooks_resource", "WebhooksResource")}
"""Namespaces to which the upper floor adds something by hand: the module and the class that it is in."""

RESERVED = {
    "": frozenset(("aclose", "api", "close", "paginate", "request", "run", "save", "stream", "wait")),
    "webhooks": frozenset(("verify",)),
}
"""What clients and namespaces do besides, by the path of the namespace: a method or namespace cannot be called so."""

WRITTEN_WITH = frozenset(("method_with_files", "op", "operation_method", "paginated_method"))
"""Names that the classes are written with: nor can it be called one of these, anywhere.

A word that cannot be a name gets an underscore, as Python's keywords do.
"""

CLASSES = frozenset(("Any", "BackendT", "Namespace", "Session", *(cls for _, cls in ADDED.values())))
"""Names that a class cannot have."""


@dataclass
class Method:
    """One operation: its name in the class, how it becomes a method, and the constant in `operations.py`."""

    name: str
    role: str
    constant: str


@dataclass
class Namespace:
    """One class: the methods and the namespaces in it."""

    path: tuple[str, ...]
    class_name: str = "Operations"
    methods: dict[str, Method] = field(default_factory=dict)
    children: dict[str, Namespace] = field(default_factory=dict)

    @property
    def added(self) -> tuple[str, str] | None:
        return ADDED.get(".".join(self.path))

    def below(self) -> Iterator[Namespace]:
        """Yield all namespaces below, and this one last: each after those that it names."""
        for child in self.children.values():
            yield from child.below()
        yield self


def tree(endpoints: Iterable[Endpoint], operation_ids: dict[str, str]) -> Namespace:
    """Return the root of the tree of all operations."""
    root = Namespace(())
    for path in ADDED:
        _namespace(root, path.split("."))
    for endpoint in endpoints:
        *words, last = operation_ids[endpoint.name].split(".")
        namespace = _namespace(root, words)
        name = _identifier(last, namespace.path)
        if name in namespace.methods:
            raise ValueError(f"another operation would have the same name: {operation_ids[endpoint.name]}")
        namespace.methods[name] = Method(name, _role(endpoint), endpoint.name.upper())
    for namespace in root.below():  # one word for both, say `search` and `search.history`: the namespace is callable
        for name in namespace.methods.keys() & namespace.children.keys():
            method = namespace.methods.pop(name)
            namespace.children[name].methods["__call__"] = Method("__call__", method.role, method.constant)
        namespace.methods = dict(sorted(namespace.methods.items()))
        namespace.children = dict(sorted(namespace.children.items()))
    taken = {root.class_name, *CLASSES}
    for namespace in root.below():
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


def _namespace(root: Namespace, words: Iterable[str]) -> Namespace:
    for word in words:
        name = _identifier(word, root.path)
        root = root.children.setdefault(name, Namespace((*root.path, name)))
    return root


def _identifier(word: str, path: tuple[str, ...]) -> str:
    name = re.sub(r"\W", "_", word).lstrip("_")  # which is what our own attributes begin with
    if not name:
        raise ValueError(f"an operationId with an empty word: {'.'.join((*path, word))}")
    name = f"_{name}" if name[:1].isdigit() else name
    taken = WRITTEN_WITH | RESERVED.get(".".join(path), frozenset())
    return f"{name}_" if keyword.iskeyword(name) or name in taken else name


def _role(endpoint: Endpoint) -> str:
    """Say how an operation becomes a method: a list is iterated, an `input` may hold files, others are just called."""
    for answer in successes(endpoint):
        fields = _fields(answer.prop)
        if "next" in fields and isinstance(fields.get("results"), ListProperty):
            return "paginated_method"
    inputs = [_fields(body.prop).get("input") for body in endpoint.bodies]
    every = [each for prop in inputs for each in (prop.inner_properties if isinstance(prop, UnionProperty) else [prop])]
    return (
        "method_with_files"
        if any(isinstance(prop, ModelProperty | AnyProperty) for prop in every)
        else "operation_method"
    )


def _fields(prop: Any) -> dict[str, Any]:
    if not isinstance(prop, ModelProperty):
        return {}
    every = [*(prop.required_properties or []), *(prop.optional_properties or [])]
    return {one.name.get_untrusted_value(): one for one in every}
