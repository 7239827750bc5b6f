"""Shared by the tests of the code generation: our OpenAPI document, parts of others, a copy of the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codegen import contract

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "openapi.json").read_text())

STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def object_schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def json_content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def operation_returning(schema: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**fields, "responses": {"200": {"description": "", **json_content(schema)}}}


def iterate_documentation(node: Any, *, in_map: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield the key and value of all documentation in a document, except that of `info` and `externalDocs`."""
    if isinstance(node, list):
        for item in node:
            yield from iterate_documentation(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if not in_map and key in contract.DOCUMENTATION - {"info", "externalDocs", "x-removed"}:
                yield key, value
            elif in_map or key not in contract.DATA:
                yield from iterate_documentation(value, in_map=not in_map and key in contract.MAPS)


def copy_repository(folder: Path) -> Path:
    """Return a folder with a copy of the files that an update may change, and of what they import."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copy(ROOT / "openapi.json", folder)
    for part in ("generated", "replicate_ext"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    return folder


def run_client_code(repository: Path, code: str, *arguments: str) -> str:
    """Return what a program prints that uses the client of a copy of the repository."""
    path = os.pathsep.join((str(repository / "generated"), str(repository)))
    environment = {**os.environ, "PYTHONPATH": path, "REPLICATE_API_TOKEN": "r8_x"}
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    # In the copy, since `python -c` searches the working directory first.
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout
