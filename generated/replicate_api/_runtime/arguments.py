"""Convert the arguments of an operation to the path, the parameters and the body of its request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from .codecs import Codec, String
from .composite_codecs import KeyOf
from .styles import Style
from .values import Unset


def format_path(template: str, /, **values: tuple[Codec, Any]) -> str:
    """Fill in a path template, each argument as `name=(codec, value)`.

    Raises:
        ValueError: A value is empty, `.` or `..`, which would change the path.
    """
    quoted = {}
    for name, (codec, value) in values.items():
        if isinstance(codec, KeyOf):
            value = codec.resolve(value, name)
        if value in ("", ".", "..") or value is None or (isinstance(codec, String) and not isinstance(value, str)):
            raise ValueError(f"{name} must be a non-empty string, not {value!r:.100}")
        quoted[name] = quote(str(codec.dump(value, name)), safe="")
    return template.format(**quoted)


def expand_path(template: str, /, **values: tuple[Codec, Any, Style]) -> str:
    """Fill in a path template, each argument as `name=(codec, value, style)`. Raises as `format_path` does."""
    expanded = {}
    for name, (codec, value, style) in values.items():
        expanded[name] = "" if value is None else style.expand(codec.dump(value, name), name)
        if expanded[name] in ("", ".", ".."):
            raise ValueError(f"{name} must be a non-empty string, not {value!r:.100}")
    return template.format(**expanded)


def format_query(**values: tuple[Codec, Any, Style]) -> str:
    """Return the query string for the arguments that are not None, each as `argument=(codec, value, style)`."""
    parts = [
        style.expand(codec.dump(value, name), name)
        for name, (codec, value, style) in values.items()
        if value is not None
    ]
    return "&".join(filter(None, parts))


def drop_omitted(fields: dict[str, Any], /, *nullable: str) -> dict[str, Any]:
    """Return the fields of a body that the caller passed: not UNSET and, unless nullable, not None."""
    return {
        name: value
        for name, value in fields.items()
        if not isinstance(value, Unset) and (value is not None or name in nullable)
    }


def split_owner_and_name(position: int, class_names: Sequence[str], /, **values: Any) -> list[Any]:
    """Return the values of path parameters, with `"owner/name"` or a model in place of an owner and a name.

    Args:
        position: The index of the owner; the name follows.
        class_names: The models that are accepted.
        values: What the caller passed; after `"owner/name"`, later values may have moved up by one.

    Raises:
        TypeError, ValueError: A value is missing or left over, or the first is neither an owner nor `owner/name`.
    """
    names = list(values)
    owner_name, name_name = names[position : position + 2]
    reference = KeyOf(("owner", "name"), *class_names).resolve(values[owner_name], owner_name)
    rest = [values[name] for name in names[position + 1 :]]
    if isinstance(reference, str) and "/" in reference:
        parts = reference.split("/")
        if len(parts) != 2:
            raise ValueError(f"{owner_name} must be an owner, or 'owner/name', not {reference!r:.100}")
        given = [value for value in rest if value is not None]
        if len(given) == len(rest):
            raise TypeError(f"{owner_name} is {reference!r:.100}, which includes the name; remove {name_name}")
        reference, name = parts
        rest = [name, *given, *[None] * (len(rest) - 1 - len(given))]
    for name, value in zip(names[position + 1 :], rest, strict=True):
        if value is None:
            hint = f"; or pass 'owner/name' as {owner_name}" if name == name_name else ""
            raise TypeError(f"{name} is missing{hint}")
    return [*(values[name] for name in names[:position]), reference, *rest]


def dump_params(**values: tuple[str, Codec, Any]) -> dict[str, Any]:
    """Return the parameters that are not None, each argument as `argument=(wire name, codec, value)`."""
    return {name: codec.dump(value, argument) for argument, (name, codec, value) in values.items() if value is not None}
