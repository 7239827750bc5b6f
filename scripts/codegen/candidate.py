"""Check generated code before it replaces the current one, where nothing of the current one can be imported."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from .generate import NAMESPACES, PACKAGE, ROOT

TOUR = ROOT / "examples" / "tour.py"
"""A program as users write it."""

MAX_SECONDS = 300
"""How long each program may run: generated code that hangs is an error."""

MAX_ERRORS = 5
"""How many lines an error has: mypy may report hundreds."""


class CandidateError(Exception):
    """The generated code does not work."""


def check(root: Path) -> None:
    """Use and type-check the packages below `root`, emulator included; CandidateError if something fails."""
    smoke_test(root)
    type_check(root)
    try_tour(root)


def smoke_test(root: Path) -> None:
    """Import the generated code, find each operation on both clients, and request it from the emulator."""
    _run(root, "codegen.smoke_test")


def type_check(root: Path, *paths: Path) -> None:
    """Type-check the generated code, or other files that use it."""
    # The rest of `replicate_ext` may use operations that the document no longer has: `make check` reports those.
    options = ["--strict", "--no-error-summary", "--follow-imports=silent", "--explicit-package-bases"]
    files = paths or (root / PACKAGE, root / NAMESPACES)
    _run(root, "mypy", *options, f"--cache-dir={root / 'cache'}", *map(str, files))


def try_tour(root: Path) -> None:
    """Run the tour on the emulator, unless the new contract breaks its types: `make check` reports that too."""
    try:
        type_check(root, TOUR)
    except CandidateError:
        return
    _run(root, TOUR.stem, "--emulator")


def _run(root: Path, module: str, *arguments: str) -> None:
    """Run a module as a program that can import our packages below `root` and their dependencies.

    It cannot import the current packages. An editable install adds these to `sys.path`, where mypy finds each module
    that the packages below `root` lack. So `site` is not imported (`-S`), and no environment variable adds a path
    (`-I`).
    """
    root = root.resolve()
    ours = [str((root / PACKAGE).parent), str(root)]
    path = [*ours, *_dependencies(), str(ROOT / "scripts"), str(TOUR.parent)]
    code = (
        "import runpy, site, sys\n"
        f"sys.path[:0] = {path!r}\n"
        "site.PREFIXES = []\n"  # where mypy searches beyond sys.path
        f"sys.argv[:] = {[module, *arguments]!r}\n"
        f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)\n"
    )
    environment = {"MYPYPATH": os.pathsep.join(ours), "TMPDIR": str(root), "NO_PROXY": "*", "no_proxy": "*"}
    command = [sys.executable, "-I", "-S", "-c", code]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=MAX_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise CandidateError(f"{module} did not end within {MAX_SECONDS} seconds") from error
    if done.returncode:
        # A traceback ends with its exception; mypy writes to standard output.
        lines = done.stderr.strip().splitlines()[-1:] or done.stdout.strip().splitlines()
        lines = lines or [f"exit code {done.returncode}"]
        more = [f"and {len(lines) - MAX_ERRORS} more"] if len(lines) > MAX_ERRORS else []
        raise CandidateError("\n".join([f"{module}: {lines[0]}", *lines[1:MAX_ERRORS], *more]))


def _dependencies() -> list[str]:
    """Return the folders of the installed packages; CandidateError if our own package is one of them."""
    folders = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    for folder in folders:
        for package in ("replicate_api", "replicate_ext"):
            if Path(folder, package, "__init__.py").exists():
                raise CandidateError(f"{package} is installed in {folder}; install it in editable mode: make setup")
    return list(folders)
