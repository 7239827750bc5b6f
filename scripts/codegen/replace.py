"""Replace several files and folders together. A process that is killed meanwhile leaves what `recover` restores.

The new ones are copied to `.replacement/new`, on the same file system. Then two renames replace each: the old one goes
to `.replacement/old`, the new one to its place. At last `.replacement` is renamed, so that nothing is restored anymore.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PENDING = Path(".replacement")
"""Exists from the first of the renames to the last. Its file `targets` lists what is replaced."""

SCRATCH = Path(".replacement-scratch")
"""The same folder before it is complete, and after it is needed."""


@contextmanager
def lock(root: Path) -> Iterator[None]:
    """Wait until no other process holds the lock of a folder, which is created if missing; then hold it.

    The lock leaves no file, and ends with the process, even by SIGKILL. Windows cannot lock folders.
    """
    root.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    import fcntl

    folder = os.open(root, os.O_RDONLY)
    try:
        with suppress(OSError):  # NFS locks only what is open for writing: flock(2)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def replace(root: Path, source: Path, targets: Sequence[Path]) -> None:
    """Replace files or folders, given as paths relative to `root`, by those below `source`; on an error, none."""
    recover(root)
    for target in targets:
        for folder in (root, root / SCRATCH / "new", root / SCRATCH / "old"):
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
        if (source / target).is_dir():
            shutil.copytree(
                source / target, root / SCRATCH / "new" / target, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copyfile(source / target, root / SCRATCH / "new" / target)
    (root / SCRATCH / "targets").write_text("\n".join(target.as_posix() for target in targets), encoding="utf-8")
    (root / SCRATCH).rename(root / PENDING)
    try:
        for target in targets:
            if (root / target).exists():
                (root / target).rename(root / PENDING / "old" / target)
            (root / PENDING / "new" / target).rename(root / target)
    except BaseException:
        recover(root)
        raise
    (root / PENDING).rename(root / SCRATCH)
    shutil.rmtree(root / SCRATCH, ignore_errors=True)  # all is replaced; the next call removes what is left


def recover(root: Path) -> bool:
    """Restore the old files and folders after an incomplete `replace`; return whether there was one."""
    interrupted = (root / PENDING).exists()
    if interrupted:
        for target in (root / PENDING / "targets").read_text(encoding="utf-8").splitlines():
            new, old = root / PENDING / "new" / target, root / PENDING / "old" / target
            if not new.exists():
                (root / target).rename(new)
            if old.exists():
                old.rename(root / target)
        (root / PENDING).rename(root / SCRATCH)
    if (root / SCRATCH).exists():
        shutil.rmtree(root / SCRATCH)
    return interrupted
