"""`replicate-ext`, or `python -m replicate_ext`: the command line, which needs the extra `cli`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit code."""
    for name in ("click", "rich"):
        if find_spec(name) is None:
            print(f"replicate-ext: the command line needs {name}: pip install 'replicate-ext[cli]'", file=sys.stderr)
            return 2
    from ._cli.main import main as run

    return run(argv)


if __name__ == "__main__":
    sys.exit(main())
