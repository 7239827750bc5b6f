"""The source of a typed module: a signature for each model of a lock."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from textwrap import wrap

from .annotations import OutputTypes, input_type, parameter
from .descriptions import describe_input
from .literals import WIDTH, bracketed, docstring, literal, visible
from .lock import LockedModel
from .names import first_free, parameter_names
from .shapes import Input

MAX_FUNCTIONS = 30
"""Functions in one module; more become a package with a module for each, which is imported when it is used."""

MARK = "Written by `replicate-ext models`"
"""What the docstring of a generated file says; other files are not overwritten."""

_IMPORTS = {
    "collections.abc": ("Mapping", "Sequence"),
    "typing": ("TYPE_CHECKING", "Any", "Generic", "Literal", "NotRequired", "TypedDict", "TypeVar"),
    "replicate_ext.typed": ("function",),
}
_IMPORTS_FOR_TYPES = {
    "replicate_ext": ("AsyncFileOutput", "FileOutput"),
    "replicate_ext.typed": ("FileTypes", "Returns"),
}
_BUILTINS = ("str", "int", "float", "bool", "list", "dict", "NotImplementedError")
RESERVED = frozenset(
    ["annotations", "import_module", "globals", "getattr", "File", *_BUILTINS]
    + [name for imports in (_IMPORTS, _IMPORTS_FOR_TYPES) for names in imports.values() for name in names]
)
"""Names that a typed module uses itself."""


def render_module(name: str, models: Iterable[LockedModel]) -> dict[str, str]:
    """Return the files of a typed module by path: one, or those of a package.

    Args:
        name: The name of the module.
        models: The models of its lock.
    """
    models = sorted(models, key=lambda model: model.function)
    taken = {*RESERVED, *(model.function for model in models)}
    rendered = {model.function: _Function(model, taken) for model in models}
    if len(models) <= MAX_FUNCTIONS:
        files = {f"{name}.py": _render_file(name, list(rendered.values()))}
    else:
        files = {f"{name}/_{function}.py": _render_file(name, [it]) for function, it in rendered.items()}
        files[f"{name}/__init__.py"] = _render_package(name, rendered)
    for path, source in files.items():
        compile(source, path, "exec")
    return files


class _Function:
    """The source of one function and of the types of its output."""

    def __init__(self, model: LockedModel, taken: set[str]) -> None:
        schema = model.parse()
        output = OutputTypes(model.function, schema.output, taken)
        self.names = [model.function, *output.classes]
        parameters = parameter_names(input.name for input in schema.inputs)
        lines = [parameter(parameters[input.name], input) for input in schema.inputs]
        if lines:
            lines.insert(0, "    *,")  # with nothing after it, it is a SyntaxError
        if schema.extra_input:
            lines.append(
                f"    **{first_free(('extra_inputs',), parameters.values())}: {input_type(schema.extra_input)},"
            )
        signature = "".join(f"\n{line}" for line in lines) + "\n" * bool(lines)
        returned = output.render("FileOutput")
        if output.has_files:
            returned = f"Returns[{returned}, {output.render('AsyncFileOutput')}]"
        definition = [
            f"@function({literal(model.pinned_ref)})",
            f"def {model.function}({signature}) -> {returned}:",
            docstring(list(_document(model, [(parameters[input.name], input) for input in schema.inputs]))).rstrip(),
            "    raise NotImplementedError",
        ]
        self.source = "\n\n".join([*output.classes.values(), "\n".join(definition) + "\n"])


def _document(model: LockedModel, inputs: list[tuple[str, Input]]) -> Iterable[str]:
    """Yield the lines of a docstring, without their indentation in the function."""
    quotes = " " * 3  # the first line begins with them
    first, *rest = _wrap(visible(model.description) or f"Run {visible(model.ref)}.", quotes)
    yield from (first.removeprefix(quotes), *rest)
    yield from ("", f"https://replicate.com/{visible(model.ref)}")
    described = [(name, text) for name, input in inputs if (text := describe_input(input))]
    if described:
        yield from ("", "Args:")
    for name, text in described:
        yield from _wrap(f"{name}: {text}", "    ", "        ")


def _wrap(text: str, indent: str = "", next_indent: str = "") -> list[str]:
    return wrap(
        text,
        WIDTH - 4,
        initial_indent=indent,
        subsequent_indent=next_indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _render_file(name: str, functions: list[_Function]) -> str:
    body = "\n\n".join(function.source for function in functions)
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    if "File" in used:
        body = f'File = TypeVar("File")\n\n\n{body}'
        used.add("TypeVar")
    type_imports = "".join(_render_imports(_IMPORTS_FOR_TYPES, used, "    "))
    if type_imports:
        used.add("TYPE_CHECKING")
        type_imports = f"\nif TYPE_CHECKING:\n{type_imports}"
    exported = sorted(name for function in functions for name in function.names)
    imports = "".join(_render_imports(_IMPORTS, used))
    return f"{_head(name)}{imports}{type_imports}\n{_all(exported)}\n\n{body}"


def _render_imports(imports: Mapping[str, tuple[str, ...]], used: set[str], indent: str = "") -> Iterable[str]:
    for module, names in imports.items():
        if chosen := [name for name in names if name in used]:
            yield f"{indent}from {module} import {', '.join(chosen)}\n"


def _render_package(name: str, functions: dict[str, _Function]) -> str:
    modules = {name: f"_{function}" for function, it in functions.items() for name in it.names}
    imports = "".join(f"    from .{module} import {name} as {name}\n" for name, module in modules.items())
    table = "".join(f'    "{name}": "{module}",\n' for name, module in modules.items())
    return f"""{_head(name)}from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
{imports}
_MODULES = {{
{table}}}
{_all(sorted(modules))}

if not TYPE_CHECKING:

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
        value = globals()[name] = getattr(import_module(f"{{__name__}}.{{_MODULES[name]}}"), name)
        return value

    def __dir__():
        return __all__
"""


def _head(name: str) -> str:
    return f'''"""Typed functions for models on Replicate.

{MARK} from {name}.lock. Edit neither of them:
`replicate-ext models update --all` writes both, `replicate-ext models generate` this file.
"""

# flake8: noqa
# fmt: off
from __future__ import annotations

'''


def _all(names: list[str]) -> str:
    return bracketed("__all__ = [", [f'"{name}"' for name in names], "]", "") + "\n"
