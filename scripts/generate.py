"""Regenerate `generated/replicate_api` and `replicate_ext/_generated` from `openapi.json`.

python scripts/generate.py [--document openapi.json] [--root .] [--check]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from codegen import contract, replace
from codegen.generate import ROOT, GenerationError, differences, generate


def main() -> int:
    """Run the command line.

    Returns:
        0 if done, 1 if --check finds a difference, 2 if the OpenAPI document cannot be generated.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--document", type=Path, default=ROOT / "openapi.json", help="default: openapi.json")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder to write to (default: this repository)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the output would change")
    arguments = parser.parse_args()
    try:
        with replace.lock(arguments.root):
            replace.recover(arguments.root)
            document = contract.parse(arguments.document.read_text(encoding="utf-8"))
            if not arguments.check:
                generate(document, arguments.root)
                return 0
            with tempfile.TemporaryDirectory() as folder:
                generate(document, Path(folder))
                changed = differences(arguments.root, Path(folder))
    except (GenerationError, ValueError) as error:
        print(f"generate: {error}", file=sys.stderr)
        return 2
    if changed:
        print("the generated code is not up to date, run `make generate`:", *changed, sep="\n  ", file=sys.stderr)
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
