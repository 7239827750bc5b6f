"""Schemas of models on disk, so that a new process need not fetch them again."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote


class DiskCache:
    """JSON values in files, by kind and name; a folder that cannot be used is an empty cache.

    Args:
        folder: Where to keep the files of one API server.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, kind: str, name: str) -> tuple[Any, float]:
        """Return a value and its age in seconds, or None if there is none."""
        path = self._path(kind, name)
        with contextlib.suppress(OSError, ValueError, RecursionError):
            age = time.time() - path.stat().st_mtime
            if age >= 0:  # else the clock was set back
                return json.loads(path.read_bytes()), age
        return None, 0.0

    def write(self, kind: str, name: str, value: object) -> None:
        """Keep a value; another process reads the old file or the new one, never half of it."""
        path = self._path(kind, name)
        with contextlib.suppress(OSError, ValueError, RecursionError):
            content = json.dumps(value)
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
                file.write(content)
            try:
                os.replace(file.name, path)
            except OSError:
                os.unlink(file.name)

    def _path(self, kind: str, name: str) -> Path:
        return self._folder / kind / f"{quote(name, safe='')}.json"


def default_folder(base_url: str) -> Path | None:
    """Return the folder for an API server: below $XDG_CACHE_HOME, else ~/.cache; None for servers on this machine.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    host = base_url.partition("://")[2].rstrip("/")
    if host.startswith(("localhost", "127.", "[::1]")):
        return None
    root = os.environ.get("XDG_CACHE_HOME", "")
    with contextlib.suppress(RuntimeError):  # no home directory
        folder = Path(root) if os.path.isabs(root) else Path.home() / ".cache"
        return folder / "replicate-ext" / quote(host, safe="")
    return None
