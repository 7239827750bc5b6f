"""The values in tables and files of rows: nulls, JSON in cells, paths of files."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from .._models.schema import Input, ModelSchema

_URL = re.compile(r"[a-z][a-z0-9+.-]*://|data:", re.IGNORECASE)
_JSON_TYPES = {"array": '["a", "b"]', "object": '{"a": 1}', "any": ""}
"""The types of inputs whose cells may be JSON, and an example."""


def load_json(text: str) -> Any:
    """Return the value of a JSON text; ValueError if it is invalid, with the place."""
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON value")


_decoder = json.JSONDecoder(parse_constant=_refuse)


def to_row(cells: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return the cells of a table, by the names of their columns, as Python values without nulls."""
    return {name: value for name, cell in cells if (value := _to_python(cell)) is not None}


def _to_python(value: Any) -> Any:
    """Return a cell as a Python value: None for every null, also for NaN, which is one in a column of numbers."""
    if isinstance(value, dict):
        return to_row(value.items())
    if isinstance(value, list):
        return [_to_python(item) for item in value]
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")  # if not, the value is none of theirs
    if pandas is not None and (value is pandas.NA or value is pandas.NaT):
        return None
    if numpy is not None and isinstance(value, numpy.generic):
        value = value.item()
    return None if isinstance(value, float) and value != value else value


class CellConverter:
    """Gives the values in a file of rows the form that the inputs of a model need.

    Other conversions are left to `ModelSchema.check`.

    Args:
        schema: The inputs of the model; None if they are not known.
        folder: The folder to which the paths in the file are relative.
    """

    def __init__(self, schema: ModelSchema | None, folder: Path) -> None:
        self._inputs = {input.name: input for input in schema.inputs} if schema else {}
        self._other_input = schema.extra_input if schema else Input("")
        self._folder = folder

    def parse(self, name: str, cell: str) -> Any:
        """Return a cell of a text file: JSON for a list or dict, and for an input of any type if it is JSON.

        Raises:
            ValueError: It must be JSON, and is not.
        """
        input = self._inputs.get(name, self._other_input)
        if input is None or input.type not in _JSON_TYPES:
            return cell
        try:
            value = load_json(cell)
        except ValueError as error:
            if input.type == "any":
                return cell
            example = _JSON_TYPES[input.type]
            raise ValueError(f"column {name!r:.100} is not JSON: {error}; write JSON such as {example}") from None
        is_text = input.any_of and not isinstance(value, list | dict)  # the check knows which alternative it is
        return cell if is_text else value

    def resolve_paths(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row with a Path for each name of a file that is no URL."""
        return {name: self._resolve(self._inputs.get(name, self._other_input), value) for name, value in row.items()}

    def _resolve(self, input: Input | None, value: Any) -> Any:
        if input is None or not isinstance(value, str | list | dict):
            return value
        variants = {variant.type: variant for variant in input.any_of or (input,)}
        if isinstance(value, str):
            is_file = "file" in variants and variants.keys().isdisjoint({"string", "any"})
            return self._folder / value if is_file and value and not _URL.match(value) else value
        if isinstance(value, list) and "array" in variants:
            return [self._resolve(variants["array"].items, item) for item in value]
        if isinstance(value, dict) and "object" in variants:
            fields, others = variants["object"].fields, variants["object"].items
            return {name: self._resolve(fields.get(name, others), item) for name, item in value.items()}
        return value
