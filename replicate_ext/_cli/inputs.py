"""The inputs of a model as people write them: `prompt=text`, `count:=2`, `image=@cat.png`, `image=@-`, `--input FILE`.

Text becomes what the model's schema says: a number, a boolean or, for lists and objects, JSON. A name that is given
several times makes a list.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from .._client import Replicate
    from .._models.schema import ModelSchema
    from .._models.shapes import Input

_ARGUMENT = re.compile(r"([^=]+?)(:?=)(.*)", re.DOTALL)
_URI = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class _Text(str):
    """The text of `name=text`, which the schema may convert."""


class InputArguments(NamedTuple):
    """What the command line has of a model's inputs: read and parsed, but not yet converted."""

    values: Mapping[str, Any]
    """Of `--input`."""

    pairs: tuple[tuple[str, Any], ...]
    """Of the arguments, which win."""

    @classmethod
    def read(cls, arguments: Iterable[str], input_file: str | None = None) -> InputArguments:
        """Parse the arguments, and read standard input if they ask for it.

        Raises:
            click.UsageError: An argument is none of the forms.
        """
        parsed = [_parse(argument) for argument in arguments]
        readers = [f"{name}=@-" for name, value in parsed if value is sys.stdin] + ["--input -"] * (input_file == "-")
        if len(readers) > 1:
            raise click.UsageError(f"standard input can be read only once, not by {' and '.join(readers)}")
        pairs = tuple((name, sys.stdin.buffer.read() if value is sys.stdin else value) for name, value in parsed)
        return cls(_read_object(input_file) if input_file else {}, pairs)

    def convert(self, schema: ModelSchema | None) -> dict[str, Any]:
        """Return the input, with text in the type that the schema names, as far as `ModelSchema.check` does not do it.

        Raises:
            click.UsageError: A value is not JSON, or given twice; or a text where the model takes a file.
        """
        inputs = {input.name: input for input in schema.inputs} if schema else {}
        given: dict[str, list[Any]] = {}
        for name, value in self.pairs:
            given.setdefault(name, []).append(value)
        return {**self.values, **{name: _convert(name, values, inputs.get(name)) for name, values in given.items()}}


def find_schema(client: Replicate, ref: str) -> ModelSchema | None:
    """Return the schema of what a reference runs, or None if it cannot be had; `submit` uses it without a request."""
    from .._backends.sync import run_sync
    from .._sansio.log import logger
    from .._sansio.model_ref import ModelRef

    was_disabled, logger.disabled = logger.disabled, True  # if there is no such model, `submit` raises
    try:
        known = run_sync(client._predictions.known_models.look_up(client._session, ModelRef.parse(ref)))
    finally:
        logger.disabled = was_disabled
    return known and known.schema


def _parse(argument: str) -> tuple[str, Any]:
    """Return the name and the value of an argument; of `name=@-`, `sys.stdin` as the value."""
    match = _ARGUMENT.fullmatch(argument)
    if match is None:
        raise click.UsageError(f"{argument!r} is not an input: write name=text, name:=JSON or name=@file")
    name, operator, text = match.groups()
    if operator == "=" and text.startswith("@") and not text.startswith("@@"):
        return name, sys.stdin if text == "@-" else Path(text[1:]).expanduser()
    text = os.fsencode(text).decode(errors="replace")  # also in a locale without UTF-8
    return name, _load(text, f"{name}:=") if operator == ":=" else _Text(text.removeprefix("@"))


def _load(text: str | bytes, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{place} is not JSON: {error}; for text write name=text") from None


def _read_object(path: str) -> dict[str, Any]:
    value = _load(sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes(), f"--input {path}")
    if not isinstance(value, dict):
        raise click.UsageError(f'--input {path} is not a JSON object: write {{"name": value}}')
    return value


def _convert(name: str, values: list[Any], input: Input | None) -> Any:
    """Return the value of a name that was given once, or a list of values for one that takes a list."""
    takes_list = input is not None and input.type == "array"
    if len(values) > 1 and input is not None and not takes_list:
        raise click.UsageError(f"{name} is given {len(values)} times, and is not a list")
    converted = [_convert_text(name, value, input) if isinstance(value, _Text) else value for value in values]
    is_item = takes_list and not isinstance(converted[0], list)
    return converted if len(values) > 1 or is_item else converted[0]


def _convert_text(name: str, text: str, input: Input | None) -> Any:
    if input is None:
        return str(text)
    types = {input.type, *(variant.type for variant in input.any_of)}
    if "string" not in types and ("object" in types or (text.lstrip().startswith("[") and "array" in types)):
        return _load(text, f"{name}=")
    if input.type == "file" and not _URI.match(text):
        raise click.UsageError(f"{name} is a file: write {name}=@{text} for one on disk, or a URL")
    return str(text)
