"""Create an environment for each client, with packages from the package index."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

from .amounts import AMOUNTS
from .workloads import BASELINE, FIRST_CALL, MODULES

PEERS = {
    "httpx": ["httpx==0.28.1", "httpcore==1.0.9"],  # without sniffio, as in a new installation of httpx
    "v1": ["replicate==1.0.7"],
    "v2": ["replicate==2.0.0b4"],
    "server": ["uvloop", "trustme", "certifi"],
}
WORKERS = {"httpx": "httpx_raw.py", "v1": "v1.py", "v2": "v2.py", "ours": "ours.py", "fast": "ours.py"}
JAVASCRIPT = "replicate@1.4.0"
REPORTED_PACKAGES = ("httpx", "httpcore", "h11", "anyio", "sniffio", "aiohttp", "orjson", "uvloop", "pydantic")
HERE = Path(__file__).parent

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
"""The environment variables of a worker: no tokens, no proxies, no PYTHONPATH."""


class Client(NamedTuple):
    """The environment of a client and the commands to run in it."""

    folder: Path
    worker: list[str]
    """Runs a workload; its arguments are appended."""

    import_client: list[str]
    first_call: list[str]
    """Makes one call; the base URL is appended."""

    count_modules: list[str] | None = None
    """Prints how many modules an import loads, and which of the slow ones."""


def create_environments(folder: Path, root: Path) -> tuple[dict[str, Client], Path, str]:
    """Return the clients that this machine can run, the server's Python, and a line with the versions."""
    folder.mkdir(exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    pythons = {name: _environment(folder / name, requirements) for name, requirements in PEERS.items()}
    wheel = _wheel(folder, root)
    for name, extra in (("ours", ""), ("fast", "[fast]")):
        pythons[name] = _environment(folder / name, [f"{wheel}{extra}"], _dependencies(wheel))
        _pip(pythons[name], "--force-reinstall", "--no-deps", str(wheel))
    clients = {name: _python(name, pythons[name], folder / name) for name in WORKERS}
    clients[BASELINE] = Client(folder, [], [str(pythons["httpx"]), "-c", "pass"], [])
    versions = _versions(pythons)
    if shutil.which("node") and shutil.which("npm"):
        clients["js"] = _javascript(folder / "js")
        versions += f"; Node {subprocess.check_output(['node', '--version'], text=True).strip()[1:]}, {JAVASCRIPT}"
    return clients, pythons["server"], versions


def _python(name: str, python: Path, folder: Path) -> Client:
    module, first = (table["ours" if name == "fast" else name] for table in (MODULES, FIRST_CALL))
    slow = ("httpx", "ssl", "asyncio", "attr", "pydantic")
    count_modules = (
        f"import sys; before = len(sys.modules); import {module}; after = {{*sys.modules}}; "
        f"import json; loaded = after & {{*{slow}}}; "
        "print(json.dumps({'modules': len(after) - before, 'loads': ' '.join(sorted(loaded)) or 'none'}))"
    )
    return Client(
        folder,
        [str(python), str(HERE / WORKERS[name])],
        [str(python), "-c", f"import {module}"],
        [str(python), "-c", f"import sys; BASE = sys.argv[1]; {first}"],
        [str(python), "-c", count_modules],
    )


def _javascript(folder: Path) -> Client:
    if _is_outdated(folder, JAVASCRIPT):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        subprocess.run(["npm", "install", "--silent", "--prefix", str(folder), JAVASCRIPT], check=True)
        _write_stamp(folder, JAVASCRIPT)
    first = f"const BASE = process.argv[1]; {FIRST_CALL['js']}"
    return Client(
        folder,
        ["node", str(HERE / "js.mjs"), json.dumps(AMOUNTS)],
        ["node", "-e", "require('replicate')"],
        ["node", "-e", first, "--"],
    )


def _environment(folder: Path, requirements: list[str], stamp: str = "") -> Path:
    """Return the Python of an environment with the requirements. It is created again if they have changed."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = f"{sys.version} {stamp or requirements}"
    if _is_outdated(folder, stamp):
        print(f"creating the environment {folder.name}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        _pip(python, *requirements)
        _write_stamp(folder, stamp)
    return python


def _is_outdated(folder: Path, stamp: str) -> bool:
    """Whether an environment does not exist or was created with another stamp."""
    file = folder / ".stamp"
    return not file.exists() or file.read_text() != stamp


def _write_stamp(folder: Path, stamp: str) -> None:
    (folder / ".stamp").write_text(stamp)


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"pip failed: {done.stderr[-2000:]}")


def _wheel(folder: Path, root: Path) -> Path:
    """Return a wheel of the working tree."""
    target = folder / "dist"
    shutil.rmtree(target, ignore_errors=True)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    [wheel] = target.glob("*.whl")
    return wheel


def _dependencies(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as content:
        [name] = [name for name in content.namelist() if name.endswith(".dist-info/METADATA")]
        lines = content.read(name).decode().splitlines()
    return json.dumps([line for line in lines if line.startswith("Requires-Dist")])


def _versions(pythons: dict[str, Path]) -> str:
    environments: dict[str, dict[str, list[str]]] = {}
    code = (
        "import importlib.metadata as m, json; "
        "print(json.dumps({one.name.lower(): one.version for one in m.distributions()}))"
    )
    for name, python in pythons.items():
        for package, version in json.loads(subprocess.check_output([str(python), "-c", code], text=True)).items():
            environments.setdefault(package, {}).setdefault(version, []).append(name)
    return ", ".join(
        f"{package} {' / '.join(f'{version} ({chr(44).join(names)})' for version, names in versions.items())}"
        if len(versions := environments.get(package, {})) > 1
        else f"{package} {next(iter(versions))}"
        for package in REPORTED_PACKAGES
        if package in environments
    )
