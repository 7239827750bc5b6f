"""A place for each client, made when it is not there: an environment of its own, from the package index."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

from bench import measure
from bench.works import FIRST, FLOOR, MODULES

PEERS = {
    "httpx": ["httpx==0.28.1", "httpcore==1.0.9"],  # and no sniffio: a fresh install of httpx has none
    "v1": ["replicate==1.0.7"],
    "v2": ["replicate==2.0.0b4"],
    "server": ["uvloop", "trustme", "certifi"],
}
WORKERS = {"httpx": "httpx_raw.py", "v1": "v1.py", "v2": "v2.py", "ours": "ours.py", "fast": "ours.py"}
JAVASCRIPT = "replicate@1.4.0"
SHOWN = ("httpx", "httpcore", "h11", "anyio", "sniffio", "aiohttp", "orjson", "uvloop", "pydantic")
HERE = Path(__file__).parent

ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
"""What a worker sees of ours: no tokens, no proxies, no other Python path."""


class Client(NamedTuple):
    """How to run a client."""

    home: Path
    worker: list[str]
    importing: list[str]
    first: list[str]
    counting: list[str] | None = None
    """Prints what an import loads: how many modules, and which of those that take long."""


def make(folder: Path, root: Path) -> tuple[dict[str, Client], Path, str]:
    """Return the clients that can be run here, the server's Python, and a line about versions."""
    folder.mkdir(exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    pythons = {name: _environment(folder / name, wanted) for name, wanted in PEERS.items()}
    wheel = _wheel(folder, root)
    for name, extra in (("ours", ""), ("fast", "[fast]")):
        pythons[name] = _environment(folder / name, [f"{wheel}{extra}"], _dependencies(wheel))
        _pip(pythons[name], "--force-reinstall", "--no-deps", str(wheel))
    clients = {name: _python(name, pythons[name], folder / name) for name in WORKERS}
    clients[FLOOR] = Client(folder, [], [str(pythons["httpx"]), "-c", "pass"], [])
    versions = _versions(pythons)
    if shutil.which("node") and shutil.which("npm"):
        clients["js"] = _javascript(folder / "js")
        versions += f"; Node {subprocess.check_output(['node', '--version'], text=True).strip()[1:]}, {JAVASCRIPT}"
    return clients, pythons["server"], versions


def _python(name: str, python: Path, home: Path) -> Client:
    module, first = (table["ours" if name == "fast" else name] for table in (MODULES, FIRST))
    slow = ("httpx", "ssl", "asyncio", "attr", "pydantic")
    count = (
        f"import sys; before = len(sys.modules); import {module}; after = {{*sys.modules}}; "
        f"import json; loaded = after & {{*{slow}}}; "
        "print(json.dumps({'modules': len(after) - before, 'loads': ' '.join(sorted(loaded)) or 'none of them'}))"
    )
    return Client(
        home,
        [str(python), str(HERE / WORKERS[name])],
        [str(python), "-c", f"import {module}"],
        [str(python), "-c", f"import sys; BASE = sys.argv[1]; {first}"],
        [str(python), "-c", count],
    )


def _javascript(home: Path) -> Client:
    if _stamp(home, JAVASCRIPT):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        subprocess.run(["npm", "install", "--silent", "--prefix", str(home), JAVASCRIPT], check=True)
        _stamp(home, JAVASCRIPT, write=True)
    first = f"const BASE = process.argv[1]; {FIRST['js']}"
    return Client(
        home,
        ["node", str(HERE / "js.mjs"), json.dumps(measure.AMOUNTS)],
        ["node", "-e", "require('replicate')"],
        ["node", "-e", first, "--"],
    )


def _environment(home: Path, wanted: list[str], stamp: str = "") -> Path:
    """Return the Python of an environment in which the requirements are installed; a new one where they changed."""
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = f"{sys.version} {stamp or wanted}"
    if _stamp(home, stamp):
        print(f"making the environment {home.name}", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        _pip(python, *wanted)
        _stamp(home, stamp, write=True)
    return python


def _stamp(home: Path, text: str, write: bool = False) -> bool:
    """Return whether an environment was made for something else, or not at all."""
    file = home / ".stamp"
    if write:
        file.write_text(text)
    return not file.exists() or file.read_text() != text


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
    found: dict[str, dict[str, list[str]]] = {}
    code = (
        "import importlib.metadata as m, json; "
        "print(json.dumps({each.name.lower(): each.version for each in m.distributions()}))"
    )
    for name, python in pythons.items():
        for package, version in json.loads(subprocess.check_output([str(python), "-c", code], text=True)).items():
            found.setdefault(package, {}).setdefault(version, []).append(name)
    return ", ".join(
        f"{package} {' / '.join(f'{version} ({chr(44).join(where)})' for version, where in versions.items())}"
        if len(versions := found.get(package, {})) > 1
        else f"{package} {next(iter(versions))}"
        for package in SHOWN
        if package in found
    )
