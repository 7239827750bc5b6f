"""Check the types of the Python examples in README and docs: mypy --strict and basedpyright in strict mode.

The examples of a page are one module, as in tests/test_docs.py; each recipe (```python flask) is one of its own.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

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


def main() -> int:
    """Return 1 if one of the type checkers finds an error."""
    with TemporaryDirectory() as folder:
        for page in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))):
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
