"""Update to a new OpenAPI document: download, compare, regenerate, check, report. All or nothing.

    python scripts/update_spec.py [--source URL_OR_FILE] [--prose] [--format text|markdown|json]

`openapi.json` is replaced only if the contract changed. Our descriptions are kept and those of the new document are
dropped, unless `--prose` is given.

Exit codes: 0 done, 2 failed and nothing was changed. With `--exit-code`: 0 no changes, 1 safe changes, 3 breaking ones.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from codegen import changes
from codegen.update import SOURCE, UpdateError, update


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and one line."""
        self.exit(2, f"{self.prog}: {message} (--help lists the options)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = _Parser(description=(__doc__ or "").splitlines()[0])
    source = os.environ.get("SPEC_URL") or SOURCE
    parser.add_argument("--source", default=source, help=f"a URL or a file (default: SPEC_URL, else {SOURCE})")
    parser.add_argument("--prose", action="store_true", help="take the descriptions of the new document too")
    parser.add_argument("--format", choices=changes.FORMATS, default="text", help="how to print the changes")
    parser.add_argument(
        "--exit-code", action="store_true", help="exit with 1 after safe changes, with 3 after breaking ones"
    )
    arguments = parser.parse_args(argv)
    try:
        found, notes = update(arguments.source, take_descriptions=arguments.prose)
    except (Exception, KeyboardInterrupt) as error:
        print(f"{parser.prog}: {UpdateError.of(error)}; nothing was changed", file=sys.stderr)
        return 2
    print(changes.FORMATS[arguments.format](found), end="")
    print("".join(f"{note}\n" for note in notes), end="", file=sys.stderr)
    if not found and not notes:
        print("the OpenAPI document has not changed", file=sys.stderr)
    return changes.exit_code(found) if arguments.exit_code else 0


if __name__ == "__main__":
    sys.exit(main())
