"""Describe a difference with the names of our methods, arguments and classes, and its upgrade."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .differences import Difference
from .keywords import LOWER, UPPER
from .names import argument_name, method_name

MAX_METHODS = 3
"""How many methods a line names."""

MAX_VALUES = 80
"""How many characters of values a line has."""

PARAMETERS = ("query", "path", "header", "cookie")

_TYPES = {
    "any": "any JSON value",
    "array": "list",
    "boolean": "bool",
    "integer": "int",
    "number": "float",
    "object": "object",
    "string": "str",
}
_FORMATS = {"binary": "bytes", "date": "date", "date-time": "datetime", "uuid": "UUID"}

_UPDATE = "update replicate-ext; calls stay the same"


def describe_subject(difference: Difference, operations: Sequence[str], siblings: Sequence[str] = ()) -> str:
    """Return what a difference is about: an attribute of a class, or a part of what some methods send or return.

    Args:
        difference: The difference.
        operations: The operations that have it; none stands for all of the document.
        siblings: The names of fields or parameters beside it that have the same difference.
    """
    place = difference.place
    is_nested = "." in (place.subject or place.name)
    others = "".join(f", `{'.' * is_nested}{name}`" for name in siblings)
    if place.subject:
        return f"`{place.subject}`{others}"
    methods = [f"`{method_name(operation)}`" for operation in operations if operation]
    more = f" and {len(methods) - MAX_METHODS} more" if len(methods) > MAX_METHODS else ""
    shown = ", ".join(methods[:MAX_METHODS]) + more or "every operation"
    if place.part in ("", "status"):
        return shown
    part, _, media = place.part.partition(" ")
    if part in ("body", "result"):
        phrase = f"{media} {part}{' field' * bool(place.name)}".strip()
    else:
        phrase = f"{part} parameter" if part in PARAMETERS else place.part
    phrase = f"{phrase} `{place.name}`{others}" if place.name else phrase
    return phrase if part == "webhook" else f"{shown}: {phrase}"


def describe_change(difference: Difference) -> str:
    """Return what has changed."""
    old, new, sent = difference.old, difference.new, difference.place.sent
    match difference.kind:
        case "added":
            return "new and required" if new == "required" and sent else "new"
        case "removed":
            return "removed"
        case "renamed":
            return f"renamed `{new if difference.place.part else method_name(new)}`, no change on the wire"
        case "path":
            return f"{new} (was: {old})"
        case "security":
            return f"needs {_credentials(new)} (was: {_credentials(old)})"
        case "required" if sent:
            return "required" if new else "optional"
        case "required":
            return "always present" if new else "may be absent"
        case "null":
            return "may be null" if new else "may not be null" if sent else "never null"
        case "type":
            return f"{_types(new)} (was: {_types(old)})"
        case "enum":
            return f"only {_values(new)}" if new is not None else "any value"
        case "value":
            change = "is new" if old is None else "is no longer accepted" if sent else "no longer occurs"
            return f"{_json(new if old is None else old)} {change}"
    return _describe_rare_change(difference)


def _describe_rare_change(difference: Difference) -> str:
    kind, old, new = difference.kind, difference.old, difference.new
    match kind:
        case "statuses":
            return f"status {' or '.join(new) or 'unknown'} on success (was: {' or '.join(old) or 'unknown'})"
        case "content" if isinstance(old or new, list):
            return "described now" if new else "no longer described"
        case "content":
            return f"may be {new}" if new else f"no longer {old}"
        case "empty":
            return "may be empty" if new else "never empty"
        case "alternatives":
            return f"{new} kinds of values (was: {old})"
        case "additionalProperties":
            return "other fields are allowed" if new else "no other fields"
        case "deprecated":
            return "deprecated" if new else "no longer deprecated"
        case "webhook":
            return "new" if old is None else "removed" if new is None else "changed"
    change = f"{_json(new)} (was: {_json(old)})"
    return f"{kind} {change}" if len(change) < MAX_VALUES else f"{kind} changed"


def upgrade(difference: Difference) -> str:
    """Return what callers have to write instead; nothing for a change that breaks nobody."""
    if not difference.breaks:
        return ""
    place = difference.place
    if not place.part:
        return _upgrade_call(difference)
    return _upgrade_argument(difference) if place.sent else _upgrade_reader(difference)


def _upgrade_call(difference: Difference) -> str:
    match difference.kind:
        case "removed":
            return "remove the calls: the API no longer has this operation"
        case "renamed":
            return f"write `{method_name(difference.new)}`"
        case "security":
            return f"give the client {_credentials(difference.new)}"
    return _UPDATE


def _upgrade_argument(difference: Difference) -> str:
    place, old, new = difference.place, difference.old, difference.new
    if not place.name and difference.kind in ("added", "removed", "required"):
        return "pass no body" if difference.kind == "removed" else "pass a body"
    first, _, inner = place.name.partition(".")
    argument = argument_name(first.removesuffix("[]")) if first else "body"
    within = f" in `{argument}`" if inner or first.endswith("[]") else ""
    name = place.name.rpartition(".")[2].removesuffix("[]") if within else argument
    match difference.kind:
        case "added" | "required":
            return f"pass `{name}`{within}" if within else f"pass `{name}=…`"
        case "removed":
            return f"leave out `{name}`{within}" if within else f"leave out `{name}=`"
        case "null":
            return f"leave out `{name}`{within} instead of passing None"
        case "default":
            return f"pass `{name}={old!r}` to keep the previous behaviour"
        case "value":
            return f"pass another value than {_json(old)}"
        case "enum":
            return f"pass one of {_values(new)}"
        case "type":
            return f"pass {_types(new)}"
        case "format":
            return f"pass {_format(new)}"
        case "additionalProperties":
            return f"pass no other fields{within}"
        case "serialization" | "content" | "encoding":
            return _UPDATE
        case kind if kind in UPPER | LOWER:
            return f"pass at {'most' if kind in UPPER else 'least'} {new} ({kind})"
    return f"pass what {difference.kind} {_json(new)} allows"


def _upgrade_reader(difference: Difference) -> str:
    match difference.kind:
        case "removed":
            return "remove what reads it"
        case "required" | "null" | "empty":
            return "expect None"
        case "value" | "enum":
            return f"match statements: handle {_json(difference.new) if difference.new else 'other values'}"
        case "type":
            return f"expect {_types(difference.new)}"
        case "format":
            return f"expect {_format(difference.new)}"
        case "content":
            return f"expect {difference.new}" if difference.new else "expect any JSON value"
        case "alternatives":
            return "expect another kind of object"
    return (
        f"expect values beyond {_json(difference.old)}" if difference.new is None else f"expect {_json(difference.new)}"
    )


def _credentials(credentials: list[list[str]]) -> str:
    return " or ".join(" and ".join(one) or "no credentials" for one in credentials)


def _types(types: list[str]) -> str:
    return " or ".join(_TYPES.get(type_, type_) for type_ in types) or "null"


def _format(name: Any) -> str:
    return _FORMATS.get(str(name), f"a string in the format {name}" if name else "str")


def _values(values: Sequence[Any]) -> str:
    shown = ", ".join(map(_json, values))
    return shown if len(shown) < MAX_VALUES else f"{', '.join(map(_json, values[:3]))} and {len(values) - 3} more"


def _json(value: Any) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False, default=str)
