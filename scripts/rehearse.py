"""Take over one document after another, in a copy of the tree, and say how each went.

    python scripts/rehearse.py DOCUMENT...

For each, from the first to the last: operations, models, changes by class, seconds. The tree itself is not touched. The
exit code is 1 where one does not come out.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import changes
import contract
import update_spec


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each document."""
    documents = [Path(argument) for argument in (sys.argv[1:] if argv is None else argv)]
    if not documents:
        print(f"usage: {Path(__file__).name} DOCUMENT...", file=sys.stderr)
        return 2
    failed = 0
    print(f"{'document':<32} operations  models  {'  '.join(changes.CLASSES)}  seconds")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copy(update_spec.ROOT / "openapi.json", root)
        shutil.copytree(update_spec.ROOT / "generated", root / "generated")
        for document in documents:
            began = time.perf_counter()
            try:
                found, _ = update_spec.update(str(document), root)
            except update_spec.UpdateError as error:
                failed += 1
                print(f"{document.name:<32} {error}")
                continue
            operations = len(contract.by_operation(contract.load(root / "openapi.json"))["operations"])
            models = len([path for path in root.glob("generated/replicate_api/models/*.py") if path.stem != "__init__"])
            count = Counter(change.effect for change in found)
            classes = "  ".join(f"{count[effect]:>{len(effect)}}" for effect in changes.CLASSES)
            seconds = time.perf_counter() - began
            print(f"{document.name:<32} {operations:>10}  {models:>6}  {classes}  {seconds:>7.1f}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
