"""What a shell may complete: the models that have run or are in a lock of the current folder, and their inputs.

All of it comes from the disk: a completion sends no request, and loads nothing of the HTTP stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .._models.literals import visible

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from .._models.shapes import Input
    from .._predictions.disk_cache import DiskCache

MAX_LOCK_SIZE = 4 * 1024 * 1024
"""Bytes of a lock that is read: a larger one takes too long to parse while a person waits."""

_PLAIN = re.compile(r"[\w./-]+")
"""Names that no shell has to quote."""


def complete_model(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the models that have run on the server, or are in a lock of the current folder."""
    cache = _open_cache(context)
    models = dict.fromkeys(cache.names("names"), "") if cache else {}
    models |= {ref: str(model.get("description") or "") for ref, model in _read_locks().items()}
    return _items(sorted(models.items()), incomplete)


def complete_input(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the inputs of the command's model that are not given yet, each with `=`."""
    inputs = {input.name: input for input in _find_inputs(context)}
    given = [str(word) for word in context.params.get(str(parameter.name)) or ()]
    is_value = bool(given) and given[-1] in (*inputs, "=", ":=")  # bash makes three words of prompt=text
    if is_value or "=" in incomplete:
        return []
    names = {word.partition("=")[0].removesuffix(":") for word in given}
    missing = (input for input in inputs.values() if input.name not in names or input.type == "array")
    return _items(((input.name, f"{input.type}: {input.description}") for input in missing), incomplete, "=")


def _items(named: Iterable[tuple[str, str]], incomplete: str, suffix: str = "") -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(f"{name}{suffix}", help=visible(text.strip().partition("\n")[0])[:100].rstrip(": ") or None)
        for name, text in named
        if name.startswith(incomplete) and _PLAIN.fullmatch(name)
    ]


def _find_inputs(context: click.Context) -> tuple[Input, ...]:
    """Return the inputs of the command's model, by a lock or the cache; none if neither has it."""
    from .._models.schema import ModelSchema

    is_training = context.parent is not None and context.parent.info_name == "trainings"
    name, _, version = str(context.params.get("model")).partition(":")
    model = _read_locks().get(name)
    if model is None or version not in ("", model.get("version")) or is_training:  # a lock has no trainings
        schema = _read_schema(context, name, version)
    else:
        schema = model.get("schema")
    return ModelSchema.parse(schema, is_training=is_training).inputs


def _read_schema(context: click.Context, name: str, version: str) -> Any:
    cache = _open_cache(context)
    if cache is None:
        return None
    return _read(cache, "versions", version or str(_read(cache, "names", name).get("version"))).get("openapi_schema")


def _open_cache(context: click.Context) -> DiskCache | None:
    from .._predictions.disk_cache import DiskCache, default_folder
    from .credentials import server_of

    with suppress(ValueError):  # a wrong base URL is reported when the command runs
        folder = default_folder(server_of(context.params.get("base_url")))
        return DiskCache(folder) if folder else None
    return None


def _read(cache: DiskCache, kind: str, name: str) -> dict[str, Any]:
    value, _ = cache.read(kind, name)
    return value if isinstance(value, dict) else {}


def _read_locks() -> dict[str, dict[str, Any]]:
    """Return the models of the locks in the current folder, as JSON."""
    models: dict[str, dict[str, Any]] = {}
    for path in sorted(Path().glob("*.lock")):
        with suppress(OSError, ValueError, RecursionError):  # the lock of another program, or half of one
            if path.is_file() and path.stat().st_size <= MAX_LOCK_SIZE:
                models |= _models(json.loads(path.read_bytes()))
    return models


def _models(document: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(document, dict) or "lock_version" not in document:
        return {}
    models = document.get("models")
    return {ref: model for ref, model in models.items() if isinstance(model, dict)} if isinstance(models, dict) else {}
