"""What `show` and `files get` print: every field of an object that has a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import several

if TYPE_CHECKING:
    from .context import App

LOG_LINES = 20
"""Lines at the end of a log that `--logs` prints."""

_FIRST = ("id", "status", "error")
_EXPANDED = ("metrics", "urls", "checksums", "output")
"""Fields whose own fields are written, each in a line, if they are an object."""


def show(app: App, ids: Sequence[str], fetch: Callable[[str], Any], *, logs: bool = False) -> None:
    """Write objects in full, and the end of their logs."""
    if app.output.is_json or app.output.quiet:
        several.do(app, ids, fetch, "id")
        return
    with several.each(ids, lambda id: [fetch(id)]) as found:
        for number, item in enumerate(found):
            if number:
                app.output.line("")
            _write(app, item.to_dict(), logs=logs)


def _write(app: App, value: dict[str, Any], *, logs: bool) -> None:
    log = value.pop("logs", None)
    shown = _shorten(value) if app.output.is_terminal else value
    app.output.record(shown, " ".join(_fields(shown)))
    if not logs:
        return
    lines = log.splitlines() if isinstance(log, str) else []
    if not lines:
        app.output.note(f"{value['id']} has no log")
        return
    app.output.line("")
    for line in lines[-LOG_LINES:]:
        app.output.line(line)
    if len(lines) > LOG_LINES:
        app.output.note(f"{len(lines) - LOG_LINES:,} earlier lines are left out: --json prints the whole log")


def _fields(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the fields that have a value, the most important ones first."""
    for name in dict.fromkeys([*_FIRST, *value]):
        field = value.get(name)
        if name in _EXPANDED and isinstance(field, Mapping) and all(map(str.isidentifier, field)):
            yield from (f"{name}.{key}" for key, item in field.items() if item is not None)
        elif field is not None:
            yield name


def _shorten(value: Any) -> Any:
    """Return a JSON value with the beginnings of its data URIs."""
    match value:
        case dict():
            return {name: _shorten(item) for name, item in value.items()}
        case list():
            return [_shorten(item) for item in value]
        case str() if value.startswith("data:") and len(value) > 80:
            return f"{value[:60]}… ({len(value):,} characters)"
    return value
