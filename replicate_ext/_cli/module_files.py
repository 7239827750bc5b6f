"""The files of a typed module on disk: found, read, and replaced together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from keyword import iskeyword
from pathlib import Path
from typing import NamedTuple

from .._files.disk import AtomicFile
from .._models.lock import Lock, dump_lock, load_lock
from .._models.source import MARK, render_module

_SKIPPED_FOLDERS = {"node_modules", "site-packages", "venv", "__pycache__"}


class ModuleFiles(NamedTuple):
    """A typed module: `models.py` or the package `models/`, and `models.lock` beside it."""

    folder: Path
    name: str

    @classmethod
    def at(cls, path: Path) -> ModuleFiles:
        """Return the module at a path, with or without `.py`, which need not exist."""
        name = path.name.removesuffix(".py")
        if not name.isidentifier() or iskeyword(name):
            raise ValueError(f"{path}: {name!r} cannot be imported; name the module like a variable, such as models.py")
        return cls(path.parent, name)

    @classmethod
    def find(cls, folder: Path) -> ModuleFiles:
        """Return the only module with a lock in a folder and those below."""
        found = [path for path in _walk(folder) if path.suffix == ".lock" and _is_lock(path)]
        if len(found) != 1:
            names = ", ".join(str(path.with_suffix(".py")) for path in found)
            problem = f"several modules have a lock ({names})" if found else "no module with a lock is in this folder"
            raise ValueError(f"{problem}: name the module, with --module src/app/models.py")
        return cls.at(found[0].with_suffix(""))

    @property
    def lock_path(self) -> Path:
        return self.folder / f"{self.name}.lock"

    def read_lock(self) -> Lock:
        """Return the models of the lock.

        Raises:
            ValueError: There is no lock, or it cannot be read.
        """
        try:
            return load_lock(self.lock_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ValueError(f"{self.lock_path} does not exist; `replicate-ext models add` writes it") from None
        except ValueError as error:
            raise ValueError(f"{self.lock_path}: {error}") from None

    def contents(self, lock: Lock) -> dict[Path, str]:
        """Return the text that each file of the module should have."""
        return {self.folder / path: source for path, source in render_module(self.name, lock.values()).items()}

    def is_up_to_date(self, lock: Lock) -> bool:
        """Whether the module is what its lock generates."""
        contents = self.contents(lock)
        return self._written_before() == contents.keys() and all(
            path.read_text(encoding="utf-8") == text for path, text in contents.items()
        )

    def write(self, lock: Lock) -> None:
        """Write the module and its lock: all files, or none.

        Raises:
            ValueError: A file that was not generated would be replaced, or would be imported instead of these.
        """
        contents = self.contents(lock)
        written = self._written_before()
        importable = {self.folder / f"{self.name}.py", self.folder / self.name / "__init__.py"}
        for path in sorted((contents.keys() | importable) - written):
            if path.exists():
                raise ValueError(
                    f"{path} exists and was not written by replicate-ext: move it away, or choose another --module"
                )
        replace_files({**contents, self.lock_path: dump_lock(lock.values())}, written - contents.keys())

    def _written_before(self) -> set[Path]:
        """Return the files of the module that exist and were generated."""
        candidates = [self.folder / f"{self.name}.py", *(self.folder / self.name).glob("*.py")]
        return {path for path in candidates if path.is_file() and MARK in path.read_text(errors="replace")[:500]}


def replace_files(contents: Mapping[Path, str], obsolete: Iterable[Path]) -> None:
    """Write files and remove others. If that fails, all have their previous contents."""
    previous = {path: path.read_bytes() if path.exists() else None for path in {*contents, *obsolete}}
    with ExitStack() as stack:
        files = []
        for path, text in contents.items():
            file = AtomicFile(path.parent, path.stem, path.suffix, may_replace=True)
            stack.callback(file.discard)
            file.open()
            file.write([text.encode()])
            files.append(file)
        try:
            for file in files:
                file.commit()
            for path in obsolete:
                path.unlink()
        except BaseException:
            for path, content in previous.items():
                if content is None:
                    path.unlink(missing_ok=True)
                else:
                    path.write_bytes(content)
            raise


def _walk(folder: Path) -> Iterable[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS)
        yield from (Path(parent) / name for name in sorted(files))


def _is_lock(path: Path) -> bool:
    return path.is_file() and '"lock_version"' in path.read_text(encoding="utf-8", errors="replace")[:100]
