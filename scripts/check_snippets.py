"""Check the types of the Python examples in README and docs: mypy --strict and basedpyright in strict mode.

The examples of a page are one module, as in tests/test_docs.py; each recipe (```python flask) is one of its own. The
commands `replicate-ext models` of the pages write the modules that examples import, for models of the emulator.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from replicate_ext.emulator import Emulator

ROOT = Path(__file__).parents[1]
PYRIGHT = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.11",
    "ignore": ["webhooks_django.py"],  # Django has no types of its own
    "reportDuplicateImport": False,  # each example has the imports that it needs
    "reportMissingTypeStubs": False,
    "reportUnknownMemberType": False,  # of libraries that are not fully typed
    "reportUnusedExpression": False,
}
MYPY = ["--strict", "--disable-error-code=import-untyped", "--allow-untyped-decorators"]


def modules(page: Path) -> dict[str, str]:
    """Return the examples of a page by module name; every line has the number that it has on the page."""
    found: dict[str, list[str]] = {}
    lines, name = page.read_text(encoding="utf-8").splitlines(), ""
    for number, line in enumerate(lines):
        if line.startswith("```"):
            fence = re.fullmatch(r"```python ?(\w*)", line)
            name = "_".join(filter(None, [page.stem, fence[1]])) if fence else ""
        elif name:
            found.setdefault(name, [""] * len(lines))[number] = line
    return {name: "\n".join(code).rstrip() + "\n" for name, code in found.items()}


def run_commands(pages: Iterable[Path], folder: str) -> None:
    """Run the examples of pages that write typed modules, on the emulator."""
    with Emulator() as api:
        environment = os.environ | {"REPLICATE_BASE_URL": api.url, "REPLICATE_API_TOKEN": api.token}
        for page in pages:
            for command in re.findall(
                r"^```sh\nreplicate-ext (models .*)", page.read_text(encoding="utf-8"), re.MULTILINE
            ):
                arguments = [sys.executable, "-m", "replicate_ext", *shlex.split(command, comments=True)]
                subprocess.run(arguments, cwd=folder, env=environment, check=True)


def main() -> int:
    """Return 1 if one of the type checkers finds an error."""
    pages = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
    with TemporaryDirectory() as folder:
        run_commands(pages, folder)
        for page in pages:
            for name, code in modules(page).items():
                (Path(folder) / f"{name}.py").write_text(code, encoding="utf-8")
        (Path(folder) / "pyrightconfig.json").write_text(json.dumps(PYRIGHT), encoding="utf-8")
        cache = f"--cache-dir={ROOT / '.mypy_cache/snippets'}"
        commands = [
            [sys.executable, "-m", "mypy", "--config-file=", cache, *MYPY, "."],
            [str(Path(sys.executable).with_name("basedpyright")), "--pythonpath", sys.executable],
        ]
        checks = [subprocess.Popen(command, cwd=folder) for command in commands]
        statuses = [check.wait() for check in checks]
        return int(any(statuses))


if __name__ == "__main__":
    sys.exit(main())
