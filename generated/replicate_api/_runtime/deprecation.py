"""Warn about what the OpenAPI document deprecates."""

from __future__ import annotations

import sys
import warnings

INTERNAL_PACKAGES = {__name__.partition(".")[0]}
"""The packages whose lines a warning does not name: this one, and those of clients that are built on it."""


def warn_deprecated(what: str) -> None:
    """Issue a DeprecationWarning at the line of code that made the call, outside of `INTERNAL_PACKAGES`."""
    level, frame = 1, sys._getframe(0)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in INTERNAL_PACKAGES:
        level, frame = level + 1, frame.f_back
    warnings.warn(f"{what} is deprecated", DeprecationWarning, stacklevel=level)
