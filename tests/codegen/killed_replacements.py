"""Kill `replace`, and the `recover` after it, at every operation on the file system: `killed_replacements.py FOLDER`.

The program prints how many operations there were, and the trees that were found: old, new. It forks, so it imports
little.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from codegen import replace

TARGETS = [Path("a/one"), Path("file.json"), Path("added")]

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir"}
"""The audit events of changes to the file system, besides opening a file to write."""


def write_trees(folder: Path) -> tuple[Path, Path]:
    """Return a root with old targets and a folder with new ones, of which one is not in the root yet."""
    files = {
        "old": ("a/one/kept.py", "a/one/removed.py", "file.json", "other.py"),
        "new": ("a/one/kept.py", "a/one/sub/new.py", "file.json", "added/x.py"),
    }
    for version, names in files.items():
        for name in names:
            (folder / version / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / version / name).write_text(version)
    return folder / "old", folder / "new"


def read_tree(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


def is_killed(function: Callable[[], object], step: int) -> bool:
    """Call a function in a process that SIGKILL ends before its n-th change; return whether it came that far."""
    child = os.fork()
    if not child:
        steps = itertools.count(1)

        def kill(event: str, arguments: tuple[object, ...]) -> None:
            is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if (is_write or event in CHANGES) and next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        function()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0, status
    return os.WIFSIGNALED(status)


def main(folder: Path) -> None:
    found = set()
    for step in itertools.count(1):
        for recovery_step in itertools.count(1):
            root, new = write_trees(folder)
            trees = {"old": read_tree(root), "new": {**read_tree(new), "other.py": "old"}}
            killed = is_killed(lambda: replace.replace(root, new, TARGETS), step)  # noqa: B023
            # Without it nothing is moved back, so that the time to be killed at is of no consequence.
            is_pending = (root / replace.PENDING).exists()
            recovery_killed = is_pending and is_killed(lambda: replace.recover(root), recovery_step)  # noqa: B023
            replace.recover(root)
            [version] = [version for version, tree in trees.items() if tree == read_tree(root)]
            found.add(version)
            shutil.rmtree(folder)
            if not recovery_killed:
                break
        if not killed:
            print(step - 1, *sorted(found))
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
