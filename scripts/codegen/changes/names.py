"""Find the names that people know: of our classes, methods and arguments."""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Iterator
from typing import Any

import yaml
from openapi_python_client import strings

from .. import generate, namespaces, normalize, overlay
from .schemas import Pointer

_SCHEMAS = "#/components/schemas/"


def class_names(document: dict[str, Any]) -> dict[Pointer, str]:
    """Return the class names of components and of inline schemas that become classes, by their places.

    They come from `normalize.py` and `generator-config.yaml`. If that fails, only those of components are known.
    """
    document = copy.deepcopy(document)
    slots = list(_iterate_slots(document, ()))
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        schema["x-component"] = name
    overlay.apply(copy.deepcopy(_load_overlay()), document)
    normalize.rename_schemas(document)
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        for _, _, operation in normalize.iterate_operations(document):
            for status in [status for status in operation["responses"] if not status.startswith("2")]:
                del operation["responses"][status]  # error bodies have one class for all
        normalize.name_results(document)
    found: dict[Pointer, str] = {
        ("components", "schemas", schema["x-component"]): name
        for name, schema in document["components"]["schemas"].items()
        if "x-component" in schema
    }
    for pointer, holder, key in slots:
        if "$ref" in holder.get(key, {}):
            found[pointer] = holder[key]["$ref"].removeprefix(_SCHEMAS)
    chosen = _load_chosen_names()
    return {pointer: chosen.get(name, name) for pointer, name in found.items()}


@functools.cache
def _load_overlay() -> list[dict[str, Any]]:
    return overlay.load(generate.OVERLAY)


@functools.cache
def _load_chosen_names() -> dict[str, str]:
    config = yaml.safe_load((generate.ROOT / "generator-config.yaml").read_text(encoding="utf-8"))
    return {name: chosen["class_name"] for name, chosen in config["class_overrides"].items()}


def _iterate_slots(node: Any, pointer: Pointer) -> Iterator[tuple[Pointer, dict[str, Any], str]]:
    """Yield the places of inline schemas, which normalizing may move to the components."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("schema", "items") and isinstance(value, dict) and "$ref" not in value:
                yield (*pointer, key), node, key
            yield from _iterate_slots(value, (*pointer, key))


def method_name(operation_id: str) -> str:
    """Return how the method of an operation is called: `client.models.search`."""
    return f"client.{namespaces.attribute_path(operation_id)}"


def argument_name(wire_name: str) -> str:
    """Return the name of the argument for a parameter or a field of a body: `cancel_after`."""
    return str(strings.PythonIdentifier(wire_name, "field_"))
