"""The OpenAPI document that the emulator implements: the repository's `openapi.json`, included in the package."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jsonschema.protocols import Validator

from .problems import create_validator


class Operation(NamedTuple):
    """One operation of the OpenAPI document."""

    id: str
    method: str
    path: str
    requires_token: bool
    body_validator: Validator | None
    """Validates the JSON body; None if the operation has none."""


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    folder = Path(__file__).resolve().parent
    candidates = [folder / "openapi.json", folder.parents[1] / "openapi.json"]  # in a wheel, in a checkout
    path = next(candidate for candidate in candidates if candidate.exists())
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@cache
def operations() -> tuple[Operation, ...]:
    """Return all operations, in the order of the document."""
    return tuple(
        Operation(entry["operationId"], method.upper(), path, entry.get("security") != [], _body_validator(entry))
        for path, item in document()["paths"].items()
        if path.startswith("/")  # not an extension
        for method, entry in item.items()
        if isinstance(entry, dict) and "operationId" in entry
    )


def _body_validator(entry: dict[str, Any]) -> Validator | None:
    content = entry.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    return create_validator({**content["application/json"].get("schema", {}), "components": document()["components"]})
