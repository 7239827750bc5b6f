"""Update a copy of the repository to one OpenAPI document after another, and report each update.

    python scripts/dry_run.py DOCUMENT...

For each document: operations, models, changes by class, seconds. The repository itself is not changed. The exit code is
1 if an update fails.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from codegen import changes, contract
from codegen.generate import PACKAGE, ROOT
from codegen.update import UpdateError, update


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line for each document; return the exit code."""
    documents = [Path(argument) for argument in (sys.argv[1:] if argv is None else argv)]
    if not documents:
        print(f"usage: {Path(__file__).name} DOCUMENT...", file=sys.stderr)
        return 2
    failed = 0
    print(f"{'document':<32} operations  models  {'  '.join(changes.CLASSES)}  seconds")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copy(ROOT / "openapi.json", root)
        for part in ("generated", "replicate_ext"):
            shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
        for document in documents:
            started = time.perf_counter()
            try:
                found, _ = update(str(document), root)
            except UpdateError as error:
                failed += 1
                print(f"{document.name:<32} {error}")
                continue
            operations = len(contract.index_operations(contract.load(root / "openapi.json"))["operations"])
            models = len([path for path in (root / PACKAGE / "models").glob("*.py") if path.stem != "__init__"])
            count = Counter(change.effect for change in found)
            classes = "  ".join(f"{count[effect]:>{len(effect)}}" for effect in changes.CLASSES)
            seconds = time.perf_counter() - started
            print(f"{document.name:<32} {operations:>10}  {models:>6}  {classes}  {seconds:>7.1f}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
