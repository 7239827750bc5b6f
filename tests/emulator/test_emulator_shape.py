"""The structure of the emulator's package: its imports, and the names that it exports."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from replicate_ext import emulator

PACKAGE = Path(emulator.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    """Return the dotted name of a file below the package; `__init__` is its folder, or `emulator` itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "emulator"


def imported_modules(path: Path) -> set[str]:
    """Return the modules of the package that a file imports, including imports in functions and for type checkers."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            targets = [folder / alias.name for alias in node.names if _is_module(folder / alias.name)] or [folder]
            modules |= {module_name(target / "__init__.py" if target.is_dir() else target) for target in targets}
    return modules


def _is_module(path: Path) -> bool:
    return path.with_suffix(".py").exists() or path.is_dir()


def test_there_is_no_import_cycle() -> None:
    graph = {module_name(path): imported_modules(path) for path in FILES}
    assert {"service", "operations", "operations.context"} <= graph.keys()
    assert "service" in graph["asgi"]
    TopologicalSorter(graph).prepare()  # raises CycleError


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_module_imports_nothing_of_replicate_ext_outside_the_emulator(path: Path) -> None:
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level <= depth
            imported = set() if node.level else {node.module or ""}
        else:
            imported = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
        assert not {name.partition(".")[0] for name in imported} & {"replicate_ext", "replicate_api"}


def test_all_is_sorted_and_every_name_exists() -> None:
    assert emulator.__all__ == sorted(emulator.__all__)
    assert all(hasattr(emulator, name) for name in emulator.__all__)
