"""Schemas of models on disk, so that a new process need not fetch them again."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

MAX_FILE_SIZE = 16 * 1024 * 1024
"""Bytes of a file that is read; larger ones were not written here."""


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
            status = path.stat()
            age = time.time() - status.st_mtime
            is_readable = stat.S_ISREG(status.st_mode) and status.st_size <= MAX_FILE_SIZE  # a pipe would block
            if is_readable and age >= 0:  # else the clock was set back
                return json.loads(path.read_bytes()), age
        return None, 0.0

    def write(self, kind: str, name: str, value: object) -> None:
        """Keep a value; another process reads the old file or the new one, never half of it."""
        path = self._path(kind, name)
        with contextlib.suppress(OSError, ValueError, RecursionError):
            from .._files.disk import AtomicFile  # loads the HTTP stack, which reading does not need

            content = json.dumps(value).encode()
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # it lists the names of private models
            file = AtomicFile(path.parent, path.stem, path.suffix, may_replace=True)
            with contextlib.ExitStack() as stack:
                stack.callback(file.discard)
                file.open()
                file.write([content])
                file.commit()

    def names(self, kind: str) -> list[str]:
        """Return the names of the values of a kind."""
        with contextlib.suppress(OSError):
            return sorted(unquote(path.stem) for path in (self._folder / kind).glob("*.json"))
        return []

    def _path(self, kind: str, name: str) -> Path:
        return self._folder / kind / f"{quote(name, safe='')}.json"


def default_folder(base_url: str) -> Path | None:
    """Return the folder for an API server: below $XDG_CACHE_HOME, else ~/.cache; None for servers on this machine.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    if _is_this_machine(urlsplit(base_url).hostname or ""):
        return None
    host = base_url.partition("://")[2].rstrip("/")
    root = os.environ.get("XDG_CACHE_HOME", "")
    with contextlib.suppress(RuntimeError):  # no home directory
        folder = Path(root) if os.path.isabs(root) else Path.home() / ".cache"
        return folder / "replicate-ext" / quote(host, safe="")
    return None


def _is_this_machine(host: str) -> bool:
    """Whether a host, in lower case, is a loopback address, an unspecified one, or a name for these (RFC 6761)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
