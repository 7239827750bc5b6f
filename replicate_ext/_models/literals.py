"""Foreign text as Python source: the names, values and descriptions that the author of a model chose.

Source made of it is the text and nothing else: no quote ends a string early, and no line separator, form feed or
bidirectional control makes it look like other source than it is (https://trojansource.codes).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDTH = 100
"""Columns of generated source, as far as the texts allow."""


def literal(value: object) -> str | None:
    """Return the source of a JSON value that is immutable, arrays as tuples; None for objects and infinite numbers."""
    match value:
        case str():
            return '"' + "".join(map(_escape, value)) + '"'
        case None | bool() | int():
            return repr(value)
        case float():
            return repr(value) if math.isfinite(value) else None
        case [*items]:
            sources = [literal(item) for item in items]
            return None if None in sources else f"({', '.join(map(str, sources))}{',' * (len(sources) == 1)})"
    return None


def visible(text: str) -> str:
    """Return a text in one line, with its control characters as visible escapes, for docstrings and terminals."""
    return "".join(c if c.isprintable() else _escape(c) for c in " ".join(text.split()))


def docstring(lines: Sequence[str]) -> str:
    """Return the source of a docstring within a function. Its lines contain no line breaks."""
    first, *rest = map(_escape_line, lines)
    if not rest:
        return f'    """{first}"""\n'
    body = "".join(f"    {line}".rstrip() + "\n" for line in rest)
    return f'    """{first}\n{body}    """\n'


def _escape_line(line: str) -> str:
    line = line.replace("\\", "\\\\")
    return line.replace('"', '\\"') if '"""' in line or line.endswith('"') else line


def bracketed(prefix: str, items: Sequence[str], suffix: str, indent: str) -> str:
    """Return `prefix`, the items and `suffix` in one line or, if that gets long, with the items wrapped in lines."""
    line = f"{indent}{prefix}{', '.join(items)}{suffix}"
    if len(line) <= WIDTH:
        return line
    lines, inner = [""], f"{indent}    "
    for item in items:
        if lines[-1] and len(inner) + len(lines[-1]) + len(item) + 2 > WIDTH:
            lines.append("")
        lines[-1] += f"{' ' * bool(lines[-1])}{item},"
    return "\n".join([f"{indent}{prefix}", *(inner + line for line in lines), f"{indent}{suffix}"])


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else character.encode("unicode_escape").decode()
