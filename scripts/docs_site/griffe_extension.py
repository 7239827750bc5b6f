"""Shows both clients in the reference as their callers see them: an extension of griffe, for mkdocstrings.

Griffe reads the source, in which a method of both clients is one `async def` with a descriptor (`_dual.py`). The
reference shows its sync signature, and every operation under its full name, `client.predictions.get`, with its request.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import griffe

DOCUMENT = Path(__file__).parents[2] / "openapi.json"
OPERATIONS = "replicate_ext._generated.resources"
MODELS = "replicate_api.models"
ERRORS = "replicate_ext.errors"
DESCRIPTORS = ("_method", "dual_iterator")
"""The ends of the names of the descriptors that offer a coroutine function on both clients."""

NAMESPACE = re.compile(r"`(client\.[\w.]+)` has ")
"""The attribute of a client, in the docstring of a generated class of operations."""

PUBLIC_NAMES = {
    "StreamRequest": "Stream",
    "TransportT": "BaseTransport | AsyncBaseTransport",
    "Resource[SyncBackend]": "Replicate",
    "Resource[AsyncBackend]": "AsyncReplicate",
    "Resource[Any]": "Replicate | AsyncReplicate",
    "_Decorator": "Callable",
}
"""What callers know, by the annotations that stand for it in the source."""


class DualMethods(griffe.Extension):
    """Shows what `_dual.py` and the namespaces of a client make of a class and its coroutine functions."""

    def __init__(self) -> None:
        paths = json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]
        self._requests = {
            f"client.{operation['operationId'].replace('-', '_')}": f"{method.upper()} {path}"
            for path, operations in paths.items()
            for method, operation in operations.items()
            if isinstance(operation, dict)
        }

    def on_module(self, *, mod: griffe.Module, **kwargs: Any) -> None:
        """Leave the introduction of operations, models and errors to their pages, and show only classes."""
        if mod.path in (OPERATIONS, MODELS, ERRORS):
            mod.docstring = None
        if mod.path == MODELS:
            mod.members = {
                name: member
                for name, member in mod.members.items()
                if isinstance(member, griffe.Alias) and member.target_path.startswith(MODELS)
            }

    def on_class(self, *, cls: griffe.Class, **kwargs: Any) -> None:
        """Name a class of operations, and these, as they are called."""
        if cls.module.path != OPERATIONS:
            return
        described = NAMESPACE.search(cls.docstring.value if cls.docstring else "")
        namespace = described[1] if described else "client"
        for function in cls.functions.values():
            function.name = f"{namespace}.{function.name}"
            if request := self._requests.get(function.name.rstrip("_")):
                function.labels.add(request)
        cls.members = {  # the attributes are other namespaces, which are on the page themselves
            name: member for name, member in cls.members.items() if not member.is_attribute
        }
        cls.name = namespace

    def on_function(self, *, func: griffe.Function, loader: griffe.GriffeLoader, **kwargs: Any) -> None:
        """Show the signature that callers of the sync client see, with the values of constants as defaults."""
        for overload in func.overloads or ():
            for parameter in overload.parameters:
                parameter.annotation = _public(parameter.annotation, loader)
        for parameter in [*func.parameters]:
            if isinstance(parameter.default, griffe.ExprName):
                with suppress(KeyError, griffe.AliasResolutionError):  # of a module that is not ours
                    default = loader.modules_collection[parameter.default.canonical_path]
                    is_constant = default.is_attribute and isinstance(default.value, str)
                    parameter.default = default.value if is_constant else parameter.default
            elif parameter.kind in (griffe.ParameterKind.var_positional, griffe.ParameterKind.var_keyword):
                parameter.default = None  # griffe has () and {}
            if str(parameter.annotation) == "Never":  # it only refuses arguments by position
                del func.parameters[parameter.name]
            parameter.annotation = _public(parameter.annotation, loader)
        if any(decorator.callable_path.endswith(DESCRIPTORS) for decorator in func.decorators):
            func.labels.discard("async")
            for expression in func.returns.iterate(flat=True) if isinstance(func.returns, griffe.Expr) else ():
                if isinstance(expression, griffe.ExprName):
                    expression.name = expression.name.removeprefix("Async")
        func.returns = _public(func.returns, loader)


def _public(annotation: Any, loader: griffe.GriffeLoader) -> Any:
    """Return an annotation as callers know it: without private names, and each type of a union once."""
    text = str(annotation)
    if text.endswith((".args", ".kwargs")):
        return text  # griffe shows the last word of an attribute
    if name := PUBLIC_NAMES.get(text):
        package = loader.modules_collection["replicate_ext"]
        return griffe.ExprName(name, parent=package) if name in package.members else name
    if isinstance(annotation, griffe.ExprBinOp):
        annotation.left, annotation.right = _public(annotation.left, loader), _public(annotation.right, loader)
        return annotation.left if str(annotation.left) == str(annotation.right) else annotation
    if isinstance(annotation, griffe.ExprName):
        with suppress(KeyError, griffe.AliasResolutionError):
            alias = loader.modules_collection[annotation.canonical_path]
            if alias.is_attribute and alias.path.startswith("replicate_ext._"):
                return alias.value
    return annotation
