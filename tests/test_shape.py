"""The structure of the package: layers, public names, what an import loads."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import replicate_ext

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "replicate_ext"

LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "_version": set(),
    "_sansio": {"errors", "_version"},
    "_models": {"errors", "_sansio"},
    "_config": {"errors", "_sansio"},
    "_transfers": set(),
    "_backends": {"errors", "_sansio", "_config"},
    "_rate_limit": {"errors", "_sansio", "_backends"},
    "_send": {"errors", "_sansio", "_config", "_backends", "_rate_limit", "_transfers"},
    "_dual": {"_backends", "_send"},
    "_display": {"_sansio"},
    "_files": {"_display", "errors", "_sansio", "_config", "_backends", "_send", "_dual", "_transfers"},
    "_event_stream": {"errors", "_sansio", "_send"},
    "_pagination": {"_display", "errors", "_sansio", "_backends", "_send", "_dual"},
    "_predictions": {
        "_display",
        "_models",
        "errors",
        "_sansio",
        "_backends",
        "_send",
        "_dual",
        "_files",
        "_pagination",
        "_progress",
    },
    "_functions": {
        "_backends",
        "_batch",
        "_display",
        "_dual",
        "_files",
        "_models",
        "_predictions",
        "_sansio",
        "_send",
        "errors",
    },
    "_progress": {"_sansio"},
    "_batch": {
        "errors",
        "_sansio",
        "_models",
        "_files",
        "_backends",
        "_send",
        "_dual",
        "_predictions",
        "_pagination",
        "_progress",
        "_display",
        "_transfers",
        "_config",
    },
    "_cli": {
        "_backends",
        "_batch",
        "_client",
        "_files",
        "_models",
        "_predictions",
        "_progress",
        "_sansio",
        "_version",
        "_webhook_signatures",
        "errors",
    },
    "_generated": {"_dual", "_event_stream", "_operations", "_pagination", "_sansio", "_send", "_webhooks_resource"},
}
"""What a folder, or a module between two folders, may import. Other top-level modules may import any of these."""


@cache
def imports(path: Path) -> set[str]:
    """Return what a file imports of the package, as dotted names below it; imports for type checkers included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        module = node.module or ""
        if node.level:
            folder = path.parents[node.level - 1].relative_to(PACKAGE).parts
        elif module.partition(".")[0] == "replicate_ext":
            folder, module = (), module.partition(".")[2]
        else:
            continue
        module = ".".join((*folder, *filter(None, [module])))
        found |= (
            {module}
            if (PACKAGE / f"{module.replace('.', '/')}.py").exists()
            else {f"{module}.{alias.name}".lstrip(".") for alias in node.names}
        )
    return found


FILES = [path for path in PACKAGE.rglob("*.py") if "emulator" not in path.relative_to(PACKAGE).parts]


def module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@pytest.mark.parametrize("path", FILES, ids=module)
def test_a_module_imports_only_lower_layers(path: Path) -> None:
    layer = module(path).partition(".")[0]
    if layer in LAYERS:
        assert {name.partition(".")[0] for name in imports(path)} <= LAYERS[layer] | {layer}


@pytest.mark.parametrize("depth", [1, 2], ids=["folders and top-level modules", "modules"])
def test_there_is_no_import_cycle(depth: int) -> None:
    graph: dict[str, set[str]] = {}
    for path in FILES:
        me = ".".join(module(path).split(".")[:depth])
        graph.setdefault(me, set()).update(".".join(name.split(".")[:depth]) for name in imports(path))
        graph[me].discard(me)
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_the_generated_package_imports_nothing_of_replicate_ext() -> None:
    for path in (ROOT / "generated/replicate_api").rglob("*.py"):
        assert "replicate_ext" not in path.read_text(encoding="utf-8"), path


def test_only_the_pytest_plugin_imports_the_emulator() -> None:
    importing = {module(path) for path in FILES if any(name.startswith("emulator") for name in imports(path))}
    assert importing == {"pytest_plugin"}


def test_every_public_module_is_documented() -> None:
    public = {path for path in FILES if not any(part.startswith("_") for part in path.relative_to(PACKAGE).parts)}
    assert {path.stem for path in public} == {"errors", "webhooks", "pytest_plugin", "typed"}
    for path in {*public, PACKAGE / "__init__.py", PACKAGE / "emulator/__init__.py"}:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), path
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name}"


@pytest.mark.parametrize(
    ("code", "modules"),
    [
        (
            "import asyncio",
            [
                "_backends.aiohttp",
                "_backends.asyncio",
                "_backends.detached",
                "_backends.loop_thread",
                "_backends.pool",
            ],
        ),
        ("import aiohttp", ["_backends.aiohttp"]),
        ("time.sleep", ["_backends.sync"]),
        ("httpx.HTTPTransport(", ["_backends.sync"]),
        ("httpx.AsyncHTTPTransport(", ["_backends.pool"]),
        ("httpx.Client(", []),
        ("httpx.AsyncClient(", []),
        ("replicate_api.api", ["__init__"]),
        ("._generated", ["_client", "webhooks"]),
        ("'authorization'", ["_sansio.request"]),
    ],
)
def test_what_one_module_alone_does(code: str, modules: list[str]) -> None:
    found = [module(path) for path in FILES if any(code in line for line in _code(path))]
    assert sorted(found) == modules


@cache
def _code(path: Path) -> list[str]:
    """Return the lines of a file without docstrings and comments."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [n for n in body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))] or [
                ast.Pass()
            ]
    return ast.unparse(tree).splitlines()


def test_all_is_sorted_and_equals_what_type_checkers_see() -> None:
    assert replicate_ext.__all__ == sorted(replicate_ext.__all__)
    assert set(replicate_ext.__all__) == {"errors", "webhooks", *replicate_ext._MODULE_OF}
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    [checked] = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    seen = {alias.name for node in ast.walk(checked) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(replicate_ext.__all__)


def test_every_public_name_can_be_imported(monkeypatch) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_x")
    code = "import replicate_ext; [getattr(replicate_ext, name) for name in replicate_ext.__all__]"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_module_shadows_a_public_name() -> None:
    modules = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}
    assert modules & set(replicate_ext.__all__) == {"errors", "webhooks"}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = replicate_ext.nothing


@pytest.mark.parametrize("name", ["replicate_ext", "replicate_ext.typed"])
def test_importing_the_package_loads_no_http_stack(name: str) -> None:
    code = f"import sys, {name}; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    )
    assert not loaded & {"httpx", "httpcore", "ssl", "asyncio", "attrs", "attr", "replicate_api", "dateutil"}


def test_no_module_is_a_collection_of_helpers() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert path.stem not in {"utils", "helpers", "common"}
