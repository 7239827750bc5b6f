"""`python -m replicate_ext`: the same as the command `replicate-ext`."""

import sys

from ._cli.main import main

if __name__ == "__main__":
    sys.exit(main())
