"""Take over a new document: download, compare, regenerate, check, and say what changed. All or nothing.

    python scripts/update_spec.py [--source URL_OR_FILE] [--prose] [--format text|markdown|json]

The source is SPEC_URL, else Replicate's. `openapi.json` is written only when the contract changed; what the new
document says in prose is left out, and our own words stay where they still belong (`--prose` takes the document as it
is). The exit code is that of `changes.py`: 0 nothing changed, 1 nothing breaks, 3 something does; 2 where it cannot be
taken over, and then the tree is as it was.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

import changes
import contract
import generate

ROOT = Path(__file__).resolve().parents[1]
SOURCE = "https://api.replicate.com/openapi.json"
LARGEST = 20 * 1024 * 1024
"""Bytes that a document may have."""

PATIENCE = 30.0
"""Seconds for each step of the download."""


class UpdateError(Exception):
    """The document cannot be taken over."""


def fetch(source: str) -> bytes:
    """Return the bytes of a URL or a file."""
    if not source.startswith(("http://", "https://")):
        path = Path(source)
        if not path.is_file():
            raise UpdateError(f"there is no file {source}")
        if path.stat().st_size > LARGEST:
            raise UpdateError(f"{source} has more than {LARGEST:,} bytes")
        return path.read_bytes()
    content = bytearray()
    try:
        with httpx.stream("GET", source, timeout=PATIENCE, follow_redirects=True) as response:
            response.raise_for_status()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > LARGEST:
                    raise UpdateError(f"{source} has more than {LARGEST:,} bytes")
    except httpx.HTTPError as error:
        raise UpdateError(f"{source}: {error}") from error
    return bytes(content)


def parsed(content: bytes, source: str) -> dict[str, Any]:
    """Return the document that some bytes are, JSON or YAML."""
    try:
        found = contract.parse(content.decode("utf-8-sig"))
    except ValueError as error:
        raise UpdateError(f"{source}: {str(error).splitlines()[0]}") from error
    if not str(found["openapi"]).startswith("3."):
        raise UpdateError(f"{source} is OpenAPI {found['openapi']}; versions 3.x are understood")
    if not found["paths"]:
        raise UpdateError(f"{source} is not the document of an API: its `paths` are empty")
    return found


def in_our_words(new: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a new document with our prose, where the same place has some.

    A new operation gets its id as its summary, so that it has a docstring that somebody can better.
    """
    document: dict[str, Any] = _without_prose(new)
    _say(document, ours)
    for item in document["paths"].values():
        for method, operation in item.items():
            if method not in contract.SHARED and isinstance(operation, dict):
                item[method] = {"summary": operation.get("operationId", method), **operation}
                for status, response in operation.get("responses", {}).items():
                    if "$ref" not in response:  # or it must say something
                        response.setdefault("description", f"Status {status}.")
    document["info"] = {**ours.get("info", {}), "version": new.get("info", {}).get("version", "")}
    return document


def _without_prose(node: Any, key: str = "") -> Any:
    """Return the facts in the order in which they were given, which is that of the arguments of our functions."""
    if key in contract.VALUES:
        return copy.deepcopy(node)
    if isinstance(node, list):
        return [_without_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    if key in contract.NAMES:
        return {name: _without_prose(value) for name, value in node.items()}
    return {name: _without_prose(value, name) for name, value in node.items() if name not in contract.PROSE}


def _say(node: Any, ours: Any) -> None:
    if isinstance(node, dict) and isinstance(ours, dict):
        for key, value in node.items():
            _say(value, ours.get(key))
        said = {key: value for key, value in ours.items() if key in contract.PROSE and key not in node}
        kept = {**said, **node}
        node.clear()
        node.update(kept)
    elif isinstance(node, list) and isinstance(ours, list):
        for item in node:
            name = item.get("name") if isinstance(item, dict) else None
            _say(item, next((one for one in ours if isinstance(one, dict) and name and one.get("name") == name), None))


def update(source: str, root: Path = ROOT, *, prose: bool = False) -> tuple[list[changes.Change], list[str]]:
    """Take over a document into `openapi.json` and `generated/` below `root`.

    Returns:
        What changed, and remarks: overlay entries that have become obsolete, prose that was left out.

    Raises:
        UpdateError: It cannot be taken over; everything is as it was.
    """
    file, package = root / "openapi.json", root / "generated/replicate_api"
    old, new = json.loads(file.read_text(encoding="utf-8")), parsed(fetch(source), source)
    try:
        found = changes.changes(old, new)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UpdateError(f"{source} is not a valid OpenAPI document: {error!r}") from error
    if not found and not prose:
        return [], [] if new == old else ["only prose differs: --prose takes it"]
    document = new if prose else in_our_words(new, old)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "replicate_api"
        try:
            idle = generate.generate(document, made, strict=False)
        except generate.GenerationError as error:
            raise UpdateError(f"{source} does not come out whole:\n{error}") from error
        _check(made)
        _replace(
            file, json.dumps(document, indent=2, ensure_ascii=False) + "\n", package, made, Path(folder) / "before"
        )
    return found, [f"overlay.yaml: obsolete, remove it: {target}" for target in idle]


def _check(package: Path) -> None:
    """Make sure that a package imports and type-checks."""
    every = "import importlib, pkgutil, replicate_api as package\n"
    every += "for one in pkgutil.walk_packages(package.__path__, 'replicate_api.'): importlib.import_module(one.name)"
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "MYPYPATH": str(package.parent)}
    mypy = ["-m", "mypy", "--strict", "--no-error-summary", f"--cache-dir={package.parent / 'cache'}", str(package)]
    for command in (["-c", every], mypy):
        done = subprocess.run(
            [sys.executable, *command], env=environment, cwd=package.parent, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise UpdateError(f"what is generated from it is not right:\n{(done.stdout + done.stderr)[-2000:]}")


def _replace(file: Path, text: str, package: Path, made: Path, before: Path) -> None:
    """Put a document and its package in place, both or none."""
    part = file.with_name(f".{file.name}.part")
    part.write_text(text, encoding="utf-8")
    shutil.copytree(package, before)
    try:
        shutil.rmtree(package)
        shutil.copytree(made, package, ignore=shutil.ignore_patterns("__pycache__"))
        os.replace(part, file)
    except BaseException:
        shutil.rmtree(package, ignore_errors=True)
        shutil.copytree(before, package)
        raise
    finally:
        part.unlink(missing_ok=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Take over a document; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--source", default=os.environ.get("SPEC_URL") or SOURCE, help=f"default: SPEC_URL, else {SOURCE}"
    )
    parser.add_argument("--prose", action="store_true", help="take the document as it is, its words included")
    parser.add_argument("--format", choices=changes.FORMATS, default="text")
    arguments = parser.parse_args(argv)
    try:
        found, remarks = update(arguments.source, prose=arguments.prose)
    except UpdateError as error:
        print(f"{parser.prog}: {error}\nnothing was changed", file=sys.stderr)
        return 2
    print(changes.FORMATS[arguments.format](found), end="")
    print("".join(f"{remark}\n" for remark in remarks), end="", file=sys.stderr)
    if not found and not remarks:
        print("nothing has changed", file=sys.stderr)
    return changes.exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
