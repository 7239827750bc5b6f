"""What the source of a function or class says: the exceptions that it raises, and the attributes that it assigns."""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from replicate_ext import errors

_INTERNAL_ERRORS = {"NotImplementedError", "AssertionError", "StopIteration", "StopAsyncIteration", "AttributeError"}


def find_class(name: str) -> object:
    """Return what has this name in a module, in `replicate_ext.errors` or among Python's built-in names, or None."""
    if "." in name:
        module, _, name = name.rpartition(".")
        return getattr(sys.modules.get(module), name, None)
    return getattr(errors, name, None) or getattr(builtins, name, None)


def raised_exceptions(function: Any) -> list[type[BaseException]]:
    """Return the public exception classes that the body of a function raises by name."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    found: dict[str, type[BaseException]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = raised.attr if isinstance(raised, ast.Attribute) else getattr(raised, "id", "")
            cls = find_class(name) if name not in _INTERNAL_ERRORS else None
            if isinstance(cls, type) and issubclass(cls, BaseException):
                found[name] = cls
    return list(found.values())


def assigned_fields(cls: type) -> dict[str, bool]:
    """Return the public data attributes that a class defines, and whether a string under it describes each."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    [definition] = tree.body
    assert isinstance(definition, ast.ClassDef)
    bodies = [definition.body]
    bodies += [node.body for node in definition.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    found: dict[str, bool] = {}
    for body in bodies:
        for node, following in zip(body, [*body[1:], None], strict=True):
            for name in _assigned(node):
                is_described = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
                found[name] = found.get(name, False) or is_described
    return found


def _assigned(node: ast.stmt) -> Iterator[str]:
    """Yield the public attributes that a statement of a class, or of its constructor, assigns."""
    if isinstance(node, ast.AnnAssign):
        if "ClassVar" in ast.unparse(node.annotation):
            return
        targets: list[ast.expr] = [node.target]
    else:
        targets = node.targets if isinstance(node, ast.Assign) else []
    for target in targets:
        for one in target.elts if isinstance(target, ast.Tuple) else [target]:
            if isinstance(one, ast.Attribute) and getattr(one.value, "id", "") == "self" and one.attr[0] != "_":
                yield one.attr
            elif isinstance(one, ast.Name) and isinstance(node, ast.AnnAssign) and one.id[0] != "_":
                yield one.id
