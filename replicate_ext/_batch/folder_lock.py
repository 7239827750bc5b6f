"""The lock of a batch's folder: one process at a time buys, and the error of another one names it."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakSet

from .. import errors

FILE_NAME = "journal.lock"


class FolderLock:
    """Holds the lock of a folder until it is closed; the system releases it when the process dies.

    Raises:
        BatchLockedError: Another process, or another batch of this one, holds it; the message says which.
        OSError: The folder cannot be written, or is on a file system without locks.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE_NAME
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        self._descriptor: int | None = descriptor
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat("T", "seconds"),
        }
        try:
            _lock(descriptor)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps(holder).encode())
        except (BlockingIOError, PermissionError) as error:  # PermissionError on Windows
            self.close()
            message = f"{folder} is in use: {_describe(path)}; wait for it, or stop it there"
            raise errors.BatchLockedError(message) from error
        except OSError as error:  # the file system has no locks, or is full
            self.close()
            error.filename = os.fspath(path)
            raise
        _locks.add(self)

    def close(self) -> None:
        """Release the lock."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


_locks: WeakSet[FolderLock] = WeakSet()


def _close_in_child() -> None:
    """Let a lock end with its process, although a process that was forked meanwhile (in a pool, say) outlives it."""
    for lock in _locks:
        lock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


def _describe(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        return f"process {holder['pid']} on {holder['host']} has been running this batch since {holder['since']}"
    except (OSError, ValueError, LookupError, TypeError):
        return "another process is running this batch"


if os.name == "nt":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # A byte far behind the content, which other processes may still read.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
