"""Print what the docstrings of the public API lack: a summary, arguments with units, returns, raises, examples.

The docstrings are read as mkdocstrings reads them (griffe, Google style), so what passes also renders. Examples are run
by tests/test_docstrings.py and type-checked by check_snippets.py.
"""

from __future__ import annotations

import argparse
import sys

from docs_site.docstring_rules import missing_parts
from docs_site.public_api import public_names


def main(arguments: list[str] | None = None) -> int:
    """Return 1 if a docstring is incomplete."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", metavar="PREFIX", default="", help="names that begin like this, as Replicate.predictions or emulator."
    )
    only = parser.parse_args(arguments).only
    names = [one for one in public_names() if one.name.startswith(only)]
    incomplete = 0
    for one in names:
        missing = list(missing_parts(one))
        incomplete += bool(missing)
        for part in missing:
            print(f"{one.location}: {one.name}: {part}")
    print(f"{len(names)} public names, {incomplete} docstrings incomplete")
    return int(incomplete > 0)


if __name__ == "__main__":
    sys.exit(main())
