"""The public API: every name that a user may write, with the object that has its docstring.

These are the names in `replicate_ext.__all__` and those of the public modules, and the methods and properties of these
classes that our packages define: operations too, as `Replicate.predictions.get`. What has one docstring under several
names (`Replicate.run`, `AsyncReplicate.run` and `run`) is listed once.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Literal, NamedTuple

import replicate_ext
from replicate_ext._dual import DualDescriptor, Resource

from .snippets import ROOT

PACKAGES = ("replicate_ext", "replicate_api")
MODULES = ("errors", "webhooks", "typed", "emulator", "pytest_plugin")


class PublicName(NamedTuple):
    """A name of the public API."""

    name: str
    """As users know it: `Replicate.predictions.get`, `emulator.Emulator`."""

    kind: Literal["module", "class", "function", "property"]
    object: Any
    """A module or class, or the function behind a method or property."""

    is_dual: bool = False
    """Whether it is a method that both clients have, which sends requests."""

    is_method: bool = False
    is_fixture: bool = False

    @property
    def docstring(self) -> str:
        """The docstring without indentation; empty if there is none."""
        own = vars(self.object).get("__doc__") if self.kind == "class" else self.object.__doc__
        return inspect.cleandoc(own or "")

    @property
    def place(self) -> tuple[str, int]:
        """The file and the line of the definition."""
        if self.kind == "module":
            return str(self.object.__file__), 1
        code = getattr(self.object, "__code__", None)
        if code is not None:
            return code.co_filename, code.co_firstlineno
        return inspect.getsourcefile(self.object) or "", inspect.getsourcelines(self.object)[1]

    @property
    def location(self) -> str:
        """The place for a message: `replicate_ext/errors.py:36`."""
        path, line = self.place
        return f"{Path(path).relative_to(ROOT).as_posix()}:{line}"


def public_names() -> list[PublicName]:
    """Return all names, sorted, with classes before their members."""
    found: dict[Any, PublicName] = {}
    for one in _all_names():
        found.setdefault(_identity(one.object), one)
    return sorted(found.values(), key=lambda one: (one.name != "replicate_ext", one.name))


def _identity(value: Any) -> Any:
    """Return what is the same for the copies of a function or namespace that both clients have."""
    code = getattr(value, "__code__", None)
    if code is not None:
        return code.co_filename, code.co_firstlineno
    return (value.__module__, value.__qualname__) if inspect.isclass(value) else value


def _all_names() -> Iterator[PublicName]:
    yield PublicName("replicate_ext", "module", replicate_ext)
    modules = {name: import_module(f"replicate_ext.{name}") for name in MODULES}
    values = {name: getattr(replicate_ext, name) for name in replicate_ext.__all__ if name not in modules}
    for name in sorted(values, key=lambda name: _rank(name, values[name])):
        yield from _describe(name, values[name])
    for module_name, module in modules.items():
        yield PublicName(module_name, "module", module)
        for name in _exported(module):
            yield from _describe(f"{module_name}.{name}", getattr(module, name))


def _rank(name: str, value: Any) -> Any:
    """Order names so that the one by which a docstring is known comes first: a class before those made from it."""
    is_class = inspect.isclass(value)
    return not is_class, name.startswith("Async"), len(value.__mro__) if is_class else 0, name


def _exported(module: ModuleType) -> list[str]:
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and _is_ours(inspect.unwrap(value) if callable(value) else None)
    ]


def _is_ours(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).partition(".")[0] in PACKAGES


def _describe(name: str, value: Any) -> Iterator[PublicName]:
    """Yield a value and its members, if it is a class or a function."""
    if inspect.isclass(value):
        yield PublicName(name, "class", value)
        yield from _members(name, value)
    elif inspect.isroutine(value) or hasattr(value, "_get_wrapped_function"):
        function = inspect.unwrap(getattr(value, "__func__", value))
        is_fixture = hasattr(value, "_get_wrapped_function")
        is_dual = isinstance(getattr(value, "__self__", None), Resource)
        yield PublicName(name, "function", function, is_dual, is_method=is_dual, is_fixture=is_fixture)


def _members(name: str, cls: type) -> Iterator[PublicName]:
    """Yield the methods and properties of a class that our packages define, and those of its namespaces."""
    defined: dict[str, tuple[type, Any]] = {}
    duals = set()
    for base in cls.__mro__:
        for member, value in vars(base).items() if _is_ours(base) else ():
            if isinstance(value, DualDescriptor):
                duals.add(member)
            if not member.startswith("_"):
                defined.setdefault(member, (base, value))
    for member, (base, value) in sorted(defined.items()):
        path = f"{name}.{member}"
        if isinstance(value, FunctionType | staticmethod | classmethod):
            function: Any = value.__func__ if isinstance(value, staticmethod | classmethod) else value
            function = inspect.unwrap(function)
            if base is not cls or function.__qualname__.endswith(f"{cls.__name__}.{member}"):
                yield PublicName(path, "function", function, member in duals, not isinstance(value, staticmethod))
        elif isinstance(value, property) and value.fget is not None:
            yield PublicName(path, "property", inspect.unwrap(value.fget))
        elif isinstance(value, cached_property):
            namespace = getattr(cls, member)
            if inspect.isclass(namespace):
                yield PublicName(path, "class", namespace)
                yield from _members(path, namespace)
            else:
                yield PublicName(path, "property", inspect.unwrap(value.func))
