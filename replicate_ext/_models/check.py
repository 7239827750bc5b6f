"""Check a given input before it is sent, and convert its values where that loses nothing.

The models' own code converts them like pydantic (https://docs.pydantic.dev/latest/concepts/conversion_table/), the API
compares types (docs/api-facts.md, section 5). So values are sent in the type that the schema names: what either of the
two accepts is accepted here.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from itertools import islice
from typing import Any

from .._sansio.redact import SECRET_NAME, hide_tokens, redact
from ..errors import Problem
from .shapes import Input

MAX_SHOWN = 40
"""Characters of a value that an error shows."""

MAX_CHOICES = 20
"""Names or allowed values that an error lists."""

MAX_MATCHED = 200
"""Characters of a value that is matched with a pattern."""

MAX_REPEATS, MAX_OPTIONS = 2, 8
"""Quantifiers of a pattern that is matched, and question marks: each multiplies the worst case."""

_UNSUITABLE = re.compile(r"\)[*+{]|\[\[|\[:|&&|~~")
"""A repeated group, which may take exponential time; and what only the regular expressions of Go and Rust have."""

_INTEGER = re.compile(r"\s*([+-]?\d+)(?:\.0*)?\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_URI_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
"""The API refuses strings for a file without one: the library that it uses says that they are no URI, and neither is
one with a backslash. https://github.com/xeipuuv/gojsonschema/blob/master/format_checkers.go
"""

_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1", 1), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0", 0), False),
}
"""What pydantic takes for a boolean: https://docs.pydantic.dev/latest/api/standard_library_types/#booleans"""

_NOUNS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "True or False",
    "file": "a file: a URL, a Path, bytes or an open file",
    "array": "a list",
    "object": "a dict",
    "any": "another value",
}


class _MismatchError(Exception):
    """A value has another type; the argument is a hint, or empty."""


class Checker:
    """Checks one input, and collects its problems."""

    def __init__(self, model: str = "this model") -> None:
        self.problems: list[Problem] = []
        self._model = model

    def check(self, inputs: Mapping[str, Input], extra_input: Input | None, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return the given input with its values converted."""
        unknown = [str(_name(key)) for key in given if _name(key) not in inputs] if extra_input is None else []
        self.problems += [Problem(_shorten(name), self._describe_unknown(name, inputs)) for name in unknown]
        return self._fields(inputs, extra_input, given, "")

    def _fields(
        self, inputs: Mapping[str, Input], extra_input: Input | None, given: Mapping[Any, Any], prefix: str
    ) -> dict[Any, Any]:
        checked: dict[Any, Any] = {}
        for key, value in given.items():
            input = inputs.get(_name(key), extra_input)
            if input is None:
                checked[key] = value
            elif value is not None or input.nullable or (input.type == "any" and not input.any_of):
                checked[key] = self._convert(input, value, f"{prefix}{key}")
            elif input.required:
                self.problems.append(Problem(f"{prefix}{key}", "is required, and may not be None"))
        names = {_name(key) for key in given}
        missing = [input for name, input in inputs.items() if input.required and name not in names]
        self.problems += [Problem(f"{prefix}{input.name}", "is required, and missing") for input in missing]
        return checked

    def _convert(self, input: Input, value: Any, path: str) -> Any:
        """Return a value in the type of an input; if it does not fit, add the problem."""
        if type(value) not in _JSON_TYPES:
            value = _unwrap(value)
        if value is None and input.nullable:
            return None
        if input.any_of:
            return self._convert_union(input, value, path)
        try:
            converted = _CONVERTERS[input.type](value)
        except _MismatchError as mismatch:
            self._add_mismatch(input, value, path, str(mismatch))
            return value
        if input.choices:
            self._check_choice(input, converted, path)
        if type(converted) in (int, float):
            self._check_bounds(input, converted, path)
        elif isinstance(converted, str):
            self._check_text(input, converted, path)
        elif isinstance(converted, list | tuple) and input.items:
            items = input.items
            return [self._convert(items, item, f"{path}[{index}]") for index, item in enumerate(converted)]
        elif isinstance(converted, Mapping) and input.type == "object":
            return self._fields(input.fields, input.items, converted, f"{path}.")
        return converted

    def _convert_union(self, input: Input, value: Any, path: str) -> Any:
        """Return a value in the type of the first alternative that takes it as it is, else of the first that fits."""
        attempts = []
        for variant in input.any_of:
            checker = Checker(self._model)
            converted = checker._convert(variant, value, path)
            if not checker.problems:
                attempts.append(converted)
        if not attempts:
            nouns = " or ".join(dict.fromkeys(_NOUNS[variant.type] for variant in input.any_of))
            self._add_mismatch(input, value, path, "", nouns)
            return value
        return next((converted for converted in attempts if type(converted) is type(value)), attempts[0])

    def _check_choice(self, input: Input, value: Any, path: str) -> None:
        if not _is_file(value) and value in input.choices:
            return
        closest = _closest(value, input.choices) if isinstance(value, str) else None
        hint = "" if closest is None else f"; did you mean {closest!r}?"
        allowed = _list(map(repr, input.choices), len(input.choices))
        self._add(path, f"must be {'one of ' if len(input.choices) > 1 else ''}{allowed}, not", input, value, hint)

    def _check_bounds(self, input: Input, value: float, path: str) -> None:
        low, high = input.minimum, input.maximum
        if (low is None or value >= low) and (high is None or value <= high):
            return
        limit = f"at least {low}" if high is None else f"at most {high}"
        bounds = limit if low is None or high is None else f"between {low} and {high}"
        self._add(path, f"must be {bounds}, not", input, value)

    def _check_text(self, input: Input, value: str, path: str) -> None:
        size, low, high = len(value), input.min_length, input.max_length
        if low is not None and size < low:
            self.problems.append(Problem(path, f"must have at least {low:,} characters, not {size:,}"))
        if high is not None and size > high:
            self.problems.append(Problem(path, f"must have at most {high:,} characters, not {size:,}"))
        if input.pattern is not None and not _matches(input.pattern, value):
            self._add(path, f"must match the pattern {_shorten(input.pattern)!r}, not", input, value)

    def _add_mismatch(self, input: Input, value: Any, path: str, hint: str, noun: str | None = None) -> None:
        message = f"must be {noun or _NOUNS[input.type]}{', or None' if input.nullable else ''}, not"
        self._add(path, message, input, value, f"; {hint}" if hint else "")

    def _add(self, path: str, message: str, input: Input, value: Any, hint: str = "") -> None:
        shown = "this one" if _is_secret(input, path) else f"{_show(value)}{hint}"
        self.problems.append(Problem(path, f"{message} {shown}"))

    def _describe_unknown(self, name: str, inputs: Mapping[str, Input]) -> str:
        closest = _closest(name, inputs)
        names = _list(inputs, len(inputs))
        hint = f"did you mean {closest!r}?" if closest else f"its inputs are {names}" if names else "it takes no inputs"
        return f"{self._model} has no such input; {hint}"


def _unwrap(value: Any) -> Any:
    """Return the value of an enum's member or of a numpy scalar."""
    if isinstance(value, Enum):
        return _unwrap(value.value)
    numpy = sys.modules.get("numpy")  # if it was not imported, the value cannot be one of its scalars
    is_scalar = numpy is not None and (isinstance(value, numpy.generic) or _is_array(value)) and value.ndim == 0
    return value.item() if is_scalar else value


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _to_string(value: Any) -> Any:
    if isinstance(value, str) or _is_file(value):
        return value
    hint = f"write {str(value)!r}" if isinstance(value, int | float) and not isinstance(value, bool) else ""
    raise _MismatchError(hint)


def _to_file(value: Any) -> Any:
    if isinstance(value, str):
        if value and (not _URI_SCHEME.match(value) or "\\" in value):
            raise _MismatchError(f"for a file on disk, write Path({_show(value)})")
        return value
    if not _is_file(value):
        raise _MismatchError
    return value


def _is_file(value: Any) -> bool:
    """Whether a value is no JSON: then it is a file, or something that is refused when the input is prepared."""
    return not (value is None or isinstance(value, str | bool | int | float | list | tuple | Mapping))


def _to_integer(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    match = _INTEGER.fullmatch(value) if isinstance(value, str) and len(value) < MAX_SHOWN else None
    if match is None:
        raise _MismatchError
    return int(match[1])


def _to_number(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise _MismatchError
    match = _INTEGER.fullmatch(value) if len(value) < MAX_SHOWN else None
    number = int(match[1]) if match else float(value)
    if math.isinf(number):  # JSON has no infinite numbers
        raise _MismatchError
    return number


def _to_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    key = value.strip().lower() if isinstance(value, str) else value
    if not isinstance(key, str | int | float) or key not in _BOOLEANS:
        raise _MismatchError
    return _BOOLEANS[key]


def _to_array(value: Any) -> Any:
    if isinstance(value, list | tuple) or _is_array(value):
        return value
    raise _MismatchError("put it in brackets: [...]")


def _to_object(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value
    raise _MismatchError


_JSON_TYPES = frozenset({str, int, float, bool, list, dict, tuple, type(None)})

_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "string": _to_string,
    "file": _to_file,
    "integer": _to_integer,
    "number": _to_number,
    "boolean": _to_boolean,
    "array": _to_array,
    "object": _to_object,
    "any": lambda value: value,
}


def _matches(pattern: str, value: str) -> bool:
    """Whether a value matches; also if Python does not understand the pattern, or might take long."""
    if len(value) > MAX_MATCHED or not _is_cheap(pattern):
        return True
    try:
        return re.search(pattern, value) is not None
    except (re.error, OverflowError, RecursionError, Warning):
        return True


def _is_cheap(pattern: str) -> bool:
    """Whether a pattern, which is foreign, is matched without much backtracking: it would block the event loop."""
    repeats, options = sum(map(pattern.count, "*+{")), pattern.count("?")
    return repeats <= MAX_REPEATS and options <= MAX_OPTIONS and not _UNSUITABLE.search(pattern)


def _name(key: Any) -> Any:
    return key.value if isinstance(key, Enum) and isinstance(key.value, str) else key


def _is_secret(input: Input, path: str) -> bool:
    """Whether a value is a secret, or part of one."""
    return input.is_secret or any(map(SECRET_NAME.search, re.split(r"[.\[]", path)))


def _closest(name: str, names: Iterable[Any]) -> str | None:
    from difflib import get_close_matches  # only needed for the error

    by_lower = {str(name).lower(): str(name) for name in names}
    close = get_close_matches(name[:100].lower(), by_lower, 1)
    return by_lower[close[0]] if close else None


def _list(names: Iterable[str], count: int) -> str:
    shown = ", ".join(_shorten(name) for name in islice(names, MAX_CHOICES))
    return f"{shown} and {count - MAX_CHOICES} more" if count > MAX_CHOICES else shown


def _show(value: Any) -> str:
    """Return how an error shows a value: short, of a file only its type, and of a URL only its host."""
    if _is_file(value) or isinstance(value, list | tuple | Mapping):
        name = type(
            getattr(value, "source", value)
        ).__name__  # of a `FileInput`, and of a file on its way, what it is of
        return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    if isinstance(value, str):
        return _shorten(repr(redact(value) if "://" in value else hide_tokens(value)))
    return _shorten(repr(value))


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
