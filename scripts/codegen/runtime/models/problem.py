"""A stand-in for the generated model, so that type checkers can read the runtime before it is copied.

It is not copied itself. `make check` also checks the copied runtime, against the real model.
"""

from ..types import Record


class Problem(Record):
    """The model of error bodies."""
