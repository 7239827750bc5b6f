"""The shape of the house: floors, names, what an import costs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import replicate_ext

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "replicate_ext"

FLOORS = {
    0: ["_settings", "errors", "refs", "retry", "sse"],
    1: ["webhooks"],
    2: ["_fast", "_wire"],
    3: ["_async_wire", "_exchange"],
    4: ["_bridge", "downloads", "lifecycle"],
    5: ["deliveries", "inputs", "leaving", "outputs", "pagination"],
    6: ["streaming"],
    7: ["running"],
    8: ["client"],
    9: ["_default"],
    10: ["__init__", "pytest_plugin"],
}
FLOOR_OF = {module: floor for floor, modules in FLOORS.items() for module in modules}


def imports(path: Path) -> set[str]:
    """Return the names of the package's modules that a file imports, those only for type checkers included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.level == 1 or (node.module or "").startswith("replicate_ext")):
            module = (node.module or "").removeprefix("replicate_ext").lstrip(".")
            found |= {module} if module else {alias.name for alias in node.names}
    return found


def test_a_file_imports_only_lower_floors() -> None:
    files = {path.stem: path for path in PACKAGE.glob("*.py")}
    assert files.keys() == FLOOR_OF.keys()
    for name, path in files.items():
        for imported in imports(path) - {"emulator", "__version__"}:  # that it stands apart is shown below
            assert FLOOR_OF[imported] < FLOOR_OF[name], f"{name} must not import {imported}"


def test_of_the_generated_code_one_module_stands_on_our_floors() -> None:
    found: dict[str, set[str]] = {}
    for path in (ROOT / "generated/replicate_api").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("replicate_ext"):
                found.setdefault(path.stem, set()).add(str(node.module).removeprefix("replicate_ext."))
    assert found.keys() == {"resources"}
    assert all(FLOOR_OF[name] < FLOOR_OF["client"] for name in found["resources"])


def test_the_pages_draw_the_floors_as_they_are() -> None:
    contributing = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d+) \| (.*) \|$", contributing, re.MULTILINE))
    assert {int(floor): set(re.findall(r"`(\w+)`", names)) for floor, names in rows.items()} == {
        floor: set(modules) for floor, modules in FLOORS.items()
    }
    drawn = (PACKAGE.parent / "docs/architecture.md").read_text(encoding="utf-8").split("```")[1]
    assert all(re.search(rf"(^|\s){module}(\s|$)", drawn) for module in FLOOR_OF)


def test_nothing_imports_the_emulator_and_it_imports_nothing_of_ours() -> None:
    for path in PACKAGE.rglob("*.py"):
        inside = "emulator" in path.parts
        for node in ast.walk(ast.parse(path.read_text())):
            module = getattr(node, "module", None) or ""
            if not inside:
                assert "emulator" not in module or path.stem == "pytest_plugin", path
            elif isinstance(node, ast.ImportFrom):
                assert node.level <= len(path.relative_to(PACKAGE).parts) - 1, path
                assert not module.startswith("replicate_ext") or module.startswith("replicate_ext.emulator"), path


@pytest.mark.parametrize(
    ("what", "where"),
    [
        ("import asyncio", ["_async_wire", "_fast"]),
        ("import aiohttp", ["_fast"]),
        ("time.sleep", ["_wire"]),
        ("httpx.HTTPTransport(", ["_wire"]),
        ("httpx.AsyncHTTPTransport(", ["_async_wire"]),
        ("httpx.Client(", []),
        ("httpx.AsyncClient(", []),
        ("replicate_api.api", ["__init__"]),
        ("replicate_api.resources", ["client"]),
        ("'authorization'", ["_settings"]),
    ],
)
def test_some_things_are_done_in_one_place(what: str, where: list[str]) -> None:
    doing = [path.stem for path in PACKAGE.glob("*.py") if any(what in line for line in _code(path))]
    assert sorted(doing) == where


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


def test_all_is_sorted_complete_and_what_type_checkers_see() -> None:
    assert replicate_ext.__all__ == sorted(replicate_ext.__all__)
    assert set(replicate_ext.__all__) == {"errors", "webhooks", *replicate_ext._MODULE_OF}
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    [checked] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name for node in ast.walk(checked) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(replicate_ext.__all__)


def test_every_public_name_can_be_had(monkeypatch) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_x")
    code = "import replicate_ext; [getattr(replicate_ext, name) for name in replicate_ext.__all__]"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_module_hides_a_public_name() -> None:
    modules = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}
    assert modules & set(replicate_ext.__all__) == {"errors", "webhooks"}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = replicate_ext.nothing


def test_importing_the_package_loads_no_http_stack() -> None:
    code = "import sys, replicate_ext; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    )
    assert not loaded & {"httpx", "httpcore", "ssl", "asyncio", "attrs", "attr", "replicate_api", "dateutil"}


def test_no_file_is_a_drawer() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert path.stem not in {"utils", "helpers", "common", "base"}
