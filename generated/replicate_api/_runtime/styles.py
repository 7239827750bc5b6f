"""Write parameters in the styles of OpenAPI: https://spec.openapis.org/oas/v3.1.1.html#style-values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote


class _Syntax(NamedTuple):
    """How a style writes values, as in RFC 6570, section 3.2.1."""

    prefix: str
    separator: str
    """Between the values of an exploded parameter."""
    is_named: bool
    delimiter: str = ","
    """Between the values of a parameter that is not exploded."""


_SYNTAX = {
    "simple": _Syntax("", ",", False),
    "label": _Syntax(".", ".", False),
    "matrix": _Syntax(";", ";", True),
    "form": _Syntax("", "&", True),
    "spaceDelimited": _Syntax("", "&", True, "%20"),
    "pipeDelimited": _Syntax("", "&", True, "%7C"),
}


class Style(NamedTuple):
    """How a parameter writes its values: its style, its name on the wire, and `explode`."""

    style: str
    name: str
    explode: bool = True

    def expand(self, value: Any, argument: str) -> str:
        """Return the JSON value of an argument as a part of a URL, percent-encoded; null members are left out.

        Raises:
            TypeError: The value contains a list or a dict, for which no style is defined.
        """
        name = _quote(self.name)
        if self.style == "json":
            return f"{name}={_quote(json.dumps(value, separators=(',', ':')))}"
        if not isinstance(value, Mapping):
            values = value if isinstance(value, list) else [value]
            texts = [_to_quoted(item, f"{argument}[{i}]") for i, item in enumerate(values) if item is not None]
            return self._join(texts, is_named=_SYNTAX[self.style].is_named)
        items = {
            _quote(key): _to_quoted(item, f"{argument}[{key!r}]") for key, item in value.items() if item is not None
        }
        if self.style == "deepObject":
            return "&".join(f"{name}%5B{key}%5D={text}" for key, text in items.items())
        if self.explode:
            return self._join([f"{key}={text}" for key, text in items.items()], is_named=False)
        return self._join([text for item in items.items() for text in item], is_named=_SYNTAX[self.style].is_named)

    def _join(self, values: list[str], is_named: bool) -> str:
        syntax = _SYNTAX[self.style]
        if not values:
            return ""
        parts = values if self.explode else [syntax.delimiter.join(values)]
        start = f"{_quote(self.name)}=" if is_named else ""
        return syntax.prefix + syntax.separator.join(f"{start}{part}" for part in parts)


def to_text(value: Any, argument: str) -> str:
    """Return a JSON value that is no list and no object as text; a string is not quoted.

    Raises:
        TypeError: It is a list or an object.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (list, Mapping)):
        raise TypeError(
            f"{argument} must be a string, a number or a boolean, not {type(value).__name__}: {value!r:.100}"
        )
    return json.dumps(value)


def _to_quoted(value: Any, argument: str) -> str:
    return _quote(to_text(value, argument))


def _quote(text: str) -> str:
    return quote(text, safe="")
