"""Replace `openapi.json` and the generated code with a new OpenAPI document: all of it, or nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from . import changes, contract, descriptions, generate

SOURCE = "https://api.replicate.com/openapi.json"

MAX_DOCUMENT_SIZE = 20 * 1024 * 1024
"""Bytes."""

DOWNLOAD_TIMEOUT = 30.0
"""Seconds for each of: connect, read, write."""


class UpdateError(Exception):
    """The OpenAPI document cannot be used."""


def fetch(source: str) -> bytes:
    """Return the content of a URL or a file; UpdateError if it cannot be read or is too large."""
    if not source.startswith(("http://", "https://")):
        path = Path(source)
        if not path.is_file():
            raise UpdateError(f"{source} is not a file")
        if path.stat().st_size > MAX_DOCUMENT_SIZE:
            raise UpdateError(f"{source} has more than {MAX_DOCUMENT_SIZE:,} bytes")
        return path.read_bytes()
    content = bytearray()
    try:
        with httpx.stream("GET", source, timeout=DOWNLOAD_TIMEOUT, follow_redirects=True) as response:
            response.raise_for_status()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > MAX_DOCUMENT_SIZE:
                    raise UpdateError(f"{source} has more than {MAX_DOCUMENT_SIZE:,} bytes")
    except httpx.HTTPError as error:
        raise UpdateError(f"{source}: {error}") from error
    return bytes(content)


def parse(content: bytes, source: str) -> dict[str, Any]:
    """Return the OpenAPI document in JSON or YAML; UpdateError if it is not one that we support."""
    try:
        document = contract.parse(content.decode("utf-8-sig"))
    except ValueError as error:
        raise UpdateError(f"{source}: {str(error).splitlines()[0]}") from error
    if not str(document["openapi"]).startswith("3."):
        raise UpdateError(f"{source} is OpenAPI {document['openapi']}; only versions 3.x are supported")
    if not document["paths"]:
        raise UpdateError(f"{source} describes no operations: its `paths` are empty")
    return document


def update(
    source: str, root: Path = generate.ROOT, *, take_descriptions: bool = False
) -> tuple[list[changes.Change], list[str]]:
    """Replace `openapi.json` and the generated code below `root`.

    Args:
        source: The URL or the file of the new document.
        root: The repository, or a copy of it.
        take_descriptions: Take the descriptions of the new document too, instead of keeping ours.

    Returns:
        The changes, and notes: overlay entries that are obsolete, and descriptions that were not taken.

    Raises:
        UpdateError: The document cannot be used. Everything is unchanged.
    """
    file = root / "openapi.json"
    old, new = json.loads(file.read_text(encoding="utf-8")), parse(fetch(source), source)
    try:
        document = descriptions.adopt(new, old, take_descriptions=take_descriptions)
        found = changes.classify_changes(old, document)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UpdateError(f"{source} is not a valid OpenAPI document: {error!r}") from error
    if not found and not take_descriptions:
        if contract.compare(old, new):
            return [], ["only names of components differ, which are not on the wire; ours are kept"]
        return [], [] if new == old else ["only descriptions differ: --prose takes them"]
    with tempfile.TemporaryDirectory() as folder:
        staging = Path(folder, "staging")
        ignored = shutil.ignore_patterns("__pycache__", "emulator")
        shutil.copytree(root / "replicate_ext", staging / "replicate_ext", ignore=ignored)  # the namespaces import it
        try:
            unused = generate.generate(document, staging, strict=False)
        except generate.GenerationError as error:
            raise UpdateError(f"{source} cannot be generated:\n{error}") from error
        _check(staging)
        (staging / file.name).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        _replace(root, staging, backup=Path(folder, "backup"))
    return found, unused


def _check(root: Path) -> None:
    """Import and type-check the generated code; UpdateError if either fails."""
    package, namespaces = root / generate.PACKAGE, root / generate.NAMESPACES
    code = "import importlib, pkgutil, replicate_api as package\n"
    code += "for one in pkgutil.walk_packages(package.__path__, 'replicate_api.'): importlib.import_module(one.name)\n"
    code += "import replicate_ext._generated.resources"
    path = os.pathsep.join((str(package.parent), str(root)))
    environment = {**os.environ, "PYTHONPATH": path, "MYPYPATH": path}
    mypy = ["-m", "mypy", "--strict", "--no-error-summary", f"--cache-dir={root / 'cache'}"]
    # The rest of `replicate_ext` may use operations that the document no longer has: `make check` reports those.
    mypy += ["--follow-imports=silent", "--explicit-package-bases", str(package), str(namespaces)]
    for command in (["-c", code], mypy):
        done = subprocess.run(
            [sys.executable, *command], env=environment, cwd=root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise UpdateError(f"the generated code is not valid:\n{(done.stdout + done.stderr)[-2000:]}")


def _replace(root: Path, staging: Path, backup: Path) -> None:
    """Replace the document and the generated code, or restore everything if one step fails."""
    for output in generate.OUTPUTS:
        shutil.copytree(root / output, backup / output)
    part = root / ".openapi.json.part"
    shutil.copyfile(staging / "openapi.json", part)
    try:
        for output in generate.OUTPUTS:
            shutil.rmtree(root / output)
            shutil.copytree(staging / output, root / output, ignore=shutil.ignore_patterns("__pycache__"))
        os.replace(part, root / "openapi.json")
    except BaseException:
        for output in generate.OUTPUTS:
            shutil.rmtree(root / output, ignore_errors=True)
            shutil.copytree(backup / output, root / output)
        raise
    finally:
        part.unlink(missing_ok=True)
