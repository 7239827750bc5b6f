"""Overlays: every entry is needed and explained, and is applied as the specification defines."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from codegen import generate, overlay
from openapi_documents import DOCUMENT


def test_every_overlay_entry_changes_the_document_and_gives_a_reason() -> None:
    actions = overlay.load(generate.OVERLAY)
    assert overlay.apply(actions, copy.deepcopy(DOCUMENT)) == []
    assert all(len(action["description"]) > 20 for action in actions)


def test_an_unused_overlay_entry_is_an_error_unless_not_strict(tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENT)
    required = document["components"]["schemas"]["schemas_prediction_response"]["required"]
    required.remove("data_removed")
    with pytest.raises(generate.GenerationError, match="data_removed"):
        generate.generate(document, tmp_path)
    [unused] = generate.generate(document, tmp_path, strict=False)
    assert "data_removed" in unused


def test_an_overlay_entry_without_a_description_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "overlay.yaml").write_text("actions: [{target: $.paths, remove: true}]")
    with pytest.raises(ValueError, match="an action has no description"):
        overlay.load(tmp_path / "overlay.yaml")


def test_overlays_merge_as_the_specification_defines() -> None:
    document: dict[str, Any] = {"a": {"b": [1], "c": {"d": 1}}, "list": [{"x": 1}, {"x": 2}, {"x": 3}]}
    actions = [
        {"target": "$.a", "update": {"b": [2], "c": {"e": 2}}},
        {"target": "$.list[?@.x > 1]", "remove": True},
        {"target": "$.a.c", "update": {"d": 1}},
        {"target": "$.nowhere", "update": {}},
    ]
    assert [action["target"] for action in overlay.apply(actions, document)] == ["$.a.c", "$.nowhere"]
    assert document == {"a": {"b": [1, 2], "c": {"d": 1, "e": 2}}, "list": [{"x": 1}]}
