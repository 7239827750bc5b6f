"""The contract that the emulator speaks: the repository's `openapi.json`, which the package carries along."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jsonschema.protocols import Validator

from .problems import validator

_METHODS = {"get", "post", "put", "patch", "delete", "query"}


class Operation(NamedTuple):
    """One operation of the document."""

    id: str
    method: str
    path: str
    needs_token: bool
    body: Validator | None
    """What checks a JSON body; None where there is no such body."""


@cache
def document() -> dict[str, Any]:
    """Return the document."""
    here = Path(__file__).resolve().parent
    places = [here / "openapi.json", here.parents[1] / "openapi.json"]  # in a wheel, in a checkout
    path = next(place for place in places if place.exists())
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@cache
def operations() -> tuple[Operation, ...]:
    """Return all operations, in the document's order."""
    return tuple(
        Operation(entry["operationId"], method.upper(), path, entry.get("security") != [], _body(entry))
        for path, item in document()["paths"].items()
        for method, entry in item.items()
        if method in _METHODS
    )


def _body(entry: dict[str, Any]) -> Validator | None:
    content = entry.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    return validator({**content["application/json"]["schema"], "components": document()["components"]})
