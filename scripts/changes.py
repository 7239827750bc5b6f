"""Print the changes between two OpenAPI documents, classified by whom they break.

    python scripts/changes.py OLD NEW [--format text|markdown|json]

Exit codes: 0 the contracts are equal, 1 nothing breaks, 3 something breaks, 2 a file is not an OpenAPI document.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from codegen import changes, contract


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("old", type=Path, metavar="OLD")
    parser.add_argument("new", type=Path, metavar="NEW")
    parser.add_argument("--format", choices=changes.FORMATS, default="text", help="how to print the changes")
    arguments = parser.parse_args(argv)
    try:
        found = changes.classify_changes(contract.load(arguments.old), contract.load(arguments.new))
    except (OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    print(changes.FORMATS[arguments.format](found), end="")
    return changes.exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
