"""Overlays: every entry is needed and explained, applies as a whole, and is applied as the specification defines."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from codegen import generate, overlay
from openapi_documents import DOCUMENT

ACTIONS = overlay.load(generate.OVERLAY)
PREDICTION = "$.components.schemas.schemas_prediction_response"
MODEL = "$.components.schemas.schemas_model_response"


def corrected(document: dict[str, Any], remarks: list[str]) -> dict[str, Any]:
    """Return a document after our overlay, whose remarks are appended to a list."""
    corrected = copy.deepcopy(document)
    remarks += map(str, overlay.apply(ACTIONS, corrected))
    return corrected


def test_every_overlay_entry_changes_the_document_and_gives_a_reason() -> None:
    assert [str(one) for one in overlay.apply(ACTIONS, copy.deepcopy(DOCUMENT)) if not one.was_described] == []
    assert all(len(action["description"]) > 20 for action in ACTIONS)


def test_an_unused_overlay_entry_is_an_error_unless_not_strict(tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENT)
    required = document["components"]["schemas"]["schemas_prediction_response"]["required"]
    required.remove("data_removed")
    with pytest.raises(generate.GenerationError, match="data_removed"):
        generate.generate(document, tmp_path)
    [unused] = generate.generate(document, tmp_path, strict=False)
    assert "data_removed" in unused


def test_every_entry_is_obsolete_if_the_document_states_all_facts() -> None:
    remarks: list[str] = []
    corrected(corrected(DOCUMENT, []), remarks)
    suffix = "remove this entry, since the OpenAPI document itself states the fact now"
    assert remarks == [f"overlay.yaml: {action['target']}: {suffix}" for action in ACTIONS]


def without(document: dict[str, Any], *path: str) -> dict[str, Any]:
    document = copy.deepcopy(document)
    node = document
    for step in path[:-1]:
        node = node[step]
    del node[path[-1]]
    return document


ABSENT = [
    (["schemas_version_response"], [f"{MODEL}.properties.latest_version"], "$.components.schemas.{0}"),
    (["schemas_file_response"], ["$.components.schemas.schemas_file_response.properties"], "$.components.schemas.{0}"),
    (
        ["schemas_prediction_response", "properties", "data_removed"],
        [f"{PREDICTION}.properties.data_removed"],
        "$.components.schemas.{0}.{1}.{2}",
    ),
    (
        ["schemas_prediction_response", "properties", "urls", "properties", "web"],
        [f"{PREDICTION}.properties.urls.properties.web"],
        "$.components.schemas.{0}.{1}.{2}.{3}.{4}",
    ),
]


@pytest.mark.parametrize(("path", "targets", "absent"), ABSENT)
def test_a_remark_says_what_the_document_does_not_have(path: list[str], targets: list[str], absent: str) -> None:
    remarks: list[str] = []
    corrected(without(DOCUMENT, "components", "schemas", *path), remarks)
    reason = f"not applied, since the OpenAPI document has no {absent.format(*path)}"
    for target in targets:
        assert f"overlay.yaml: {target}: {reason}" in remarks
    assert not any("remove this entry" in remark for remark in remarks)


def test_an_entry_whose_schema_is_missing_leaves_the_field_as_it_is() -> None:
    document = corrected(without(DOCUMENT, "components", "schemas", "schemas_version_response"), [])
    model = document["components"]["schemas"]["schemas_model_response"]["properties"]
    assert (
        model["latest_version"]
        == DOCUMENT["components"]["schemas"]["schemas_model_response"]["properties"]["latest_version"]
    )
    assert model["default_example"]["oneOf"] == [{"$ref": "#/components/schemas/schemas_prediction_response"}]


def test_a_document_without_required_properties_does_not_state_which_are_optional() -> None:
    document = without(DOCUMENT, "components", "schemas", "schemas_prediction_response", "required")
    unused = overlay.apply(ACTIONS, document)
    assert [(one.target, one.was_described) for one in unused] == [
        (f"{PREDICTION}.properties.data_removed", True),
        (f"{PREDICTION}.properties.output", True),
    ]
    assert {one.reason for one in unused} == {f"not applied, since the OpenAPI document has no {PREDICTION}.required"}


def test_an_entry_about_a_removed_part_of_the_document_is_no_error(tmp_path: Path) -> None:
    document = without(DOCUMENT, "paths", "/models", "query")
    with pytest.raises(generate.GenerationError, match=r"no \$.paths\['/models'\].query$"):
        generate.generate(document, tmp_path)
    document["x-removed"] = {"paths": {"/models": {"query": DOCUMENT["paths"]["/models"]["query"]}}}
    [remark] = generate.generate(document, tmp_path)
    assert remark.endswith("the OpenAPI document has no $.paths['/models'].query")


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("{target: $.paths, remove: true}", "an action has no description"),
        ("{target: $.paths, description: why}", r"\$.paths needs one of update, remove, x-replace, x-optional"),
        ("{target: $.paths, description: why, remove: true, update: {}}", "needs one of"),
    ],
)
def test_an_incomplete_overlay_entry_is_an_error(tmp_path: Path, action: str, message: str) -> None:
    (tmp_path / "overlay.yaml").write_text(f"actions: [{action}]")
    with pytest.raises(ValueError, match=message):
        overlay.load(tmp_path / "overlay.yaml")


def test_overlays_merge_as_the_specification_defines() -> None:
    document: dict[str, Any] = {"a": {"b": [1], "c": {"d": 1}}, "list": [{"x": 1}, {"x": 2}, {"x": 3}]}
    actions = [
        {"target": "$.a", "update": {"b": [2], "c": {"e": 2}}},
        {"target": "$.list[?@.x > 1]", "remove": True},
        {"target": "$.a.c", "update": {"d": 1}},
        {"target": "$.nowhere", "update": {}},
        {"target": "$", "update": {"new": 1}},
    ]
    assert [unused.target for unused in overlay.apply(actions, document)] == ["$.a.c", "$.nowhere"]
    assert document == {"a": {"b": [1, 2], "c": {"d": 1, "e": 2}}, "list": [{"x": 1}], "new": 1}
