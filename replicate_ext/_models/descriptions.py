"""What docstrings say of an input."""

from __future__ import annotations

from collections.abc import Iterable

from .literals import visible
from .shapes import Input


def describe_input(input: Input) -> str:
    """Return what a signature does not show: description, bounds, and whether it is deprecated."""
    texts = ["Deprecated." if input.is_deprecated else "", visible(input.description), *_describe_bounds(input)]
    return " ".join(text if text.endswith((".", "!", "?", ":")) else f"{text}." for text in texts if text)


def _describe_bounds(input: Input) -> Iterable[str]:
    for minimum, maximum, unit in (
        (input.minimum, input.maximum, ""),
        (input.min_length, input.max_length, " items" if input.type == "array" else " characters"),
    ):
        if minimum is not None and maximum is not None:
            yield f"From {minimum} to {maximum}{unit}"
        elif minimum is not None:
            yield f"At least {minimum}{unit}"
        elif maximum is not None:
            yield f"At most {maximum}{unit}"
    if input.pattern is not None:
        yield f"Matches {visible(input.pattern)}"
    if input.accept:
        yield f"Accepts {visible(', '.join(input.accept))}"
