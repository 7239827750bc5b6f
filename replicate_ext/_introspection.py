"""What `help`, `inspect.signature` and `typing.get_type_hints` show of a method that wraps another function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from replicate_api.types import Operation


class _TypingGlobals(dict[str, Any]):
    """The globals of a module, and what it imports for type checkers only: loaded when an annotation needs it."""

    def __missing__(self, name: str) -> Any:
        if "TYPE_CHECKING" in self and not self["TYPE_CHECKING"]:
            self["TYPE_CHECKING"] = True
            self._import_types()
            if name in self:
                return self[name]
        raise KeyError(name)

    def _import_types(self) -> None:
        import ast
        import sys

        tree = ast.parse(inspect.getsource(sys.modules[self["__name__"]]))
        blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
        for node in (node for block in blocks for node in block.body):
            if isinstance(node, ast.Import | ast.ImportFrom):
                exec(compile(ast.Module([node], []), "<imports for type checkers>", "exec"), self)


def describe(function: Callable[..., Any], operation: Operation[..., Any] | None) -> Callable[..., Any]:
    """Return a function to be set as `__wrapped__`: never called, it has the signature, docstring and annotations.

    They are those of `function`, or of the operation whose method it is.
    """
    source = cast("FunctionType", operation.endpoint.build if operation else function)
    code, annotations = source.__code__, source.__annotations__
    if operation:  # `build` has no `self`
        code = code.replace(
            co_argcount=code.co_argcount + 1,
            co_posonlyargcount=code.co_posonlyargcount + 1,
            co_nlocals=code.co_nlocals + 1,
            co_varnames=("self", *code.co_varnames),
        )
        annotations = {**annotations, "return": operation.endpoint.parse.__annotations__["return"]}
    described = FunctionType(
        code, _TypingGlobals(source.__globals__), function.__name__, source.__defaults__, source.__closure__
    )
    described.__kwdefaults__ = source.__kwdefaults__
    described.__annotations__ = annotations
    described.__doc__ = source.__doc__
    described.__qualname__ = function.__qualname__
    vars(described).update(vars(function))
    return described
