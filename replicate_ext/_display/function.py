"""The inputs and the output of a model as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import markup

_COLUMNS = ("input", "type", "default", "description")


def table(ref: str, description: str, inputs: Iterable[tuple[str, Any]], output: str) -> str:
    """Return the HTML of a model with a row for each input, which is given with its type."""
    rows = [(_name(input), markup.text(type_, 200), _default(input), _describe(input)) for type_, input in inputs]
    title = markup.link(f"https://replicate.com/{ref.partition(':')[0]}", ref)
    heading = f"<b>{title}</b> → <code>{markup.text(output)}</code>{markup.pre(description)}"
    return f"<div>{heading}{markup.table(rows, _COLUMNS)}</div>"


def _name(input: Any) -> str:
    name = f"<code>{markup.text(input.name, 60)}</code>"
    return f"<s>{name}</s>" if input.is_deprecated else name


def _default(input: Any) -> str:
    if input.required:
        return "required"
    return markup.preview("…" if input.is_secret else input.default, 80, input.name) if input.has_default else ""


def _describe(input: Any) -> str:
    limits = {"≥": input.minimum, "≤": input.maximum}
    bounds = [f"{sign} {limit}" for sign, limit in limits.items() if limit is not None]
    return " ".join(markup.text(text, 300) for text in (input.description, ", ".join(bounds)) if text)
