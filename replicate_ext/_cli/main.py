"""The command line: parses the arguments, runs a command, reports failures.

Exit codes: 0 success, 1 a check found something, 2 the command failed, with one line on stderr that says what to do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from .._models.literals import visible
from ..errors import ReplicateError
from .models import add_models_commands


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and one line."""
        self.exit(2, f"{self.prog}: {visible(message)} (--help lists the arguments)\n")


def create_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(prog="replicate-ext", description="Tools for programs that use models on Replicate.")
    groups = parser.add_subparsers(required=True, metavar="COMMAND")
    add_models_commands(groups.add_parser("models", help="write typed functions for models"))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit code."""
    arguments = create_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (ReplicateError, OSError, ValueError) as error:
        print(f"replicate-ext: {visible(_describe(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130  # 128 and the number of SIGINT, as shells report it


def _describe(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)
