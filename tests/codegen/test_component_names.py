"""Names of components in a new OpenAPI document: renamed components keep ours."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from codegen import component_names, contract, descriptions, normalize, overlay
from codegen.generate import OVERLAY
from openapi_documents import DOCUMENT, INTEGER, STRING, object_schema

SCHEMAS = "#/components/schemas/"
PREDICTION = "schemas_prediction_response"


def schemas(document: dict[str, Any]) -> dict[str, Any]:
    return document["components"]["schemas"]


def renamed(names: dict[str, str], section: str = "schemas") -> dict[str, Any]:
    """Return our document with other names for components."""
    document = copy.deepcopy(DOCUMENT)
    components = document["components"][section]
    document["components"][section] = {names.get(name, name): node for name, node in components.items()}
    for node in normalize.walk(document):
        ref = str(node.get("$ref"))
        if ref.startswith(f"#/components/{section}/"):
            node["$ref"] = f"#/components/{section}/{names.get(ref.rpartition('/')[2], ref.rpartition('/')[2])}"
    return document


def add_field(document: dict[str, Any]) -> None:
    schemas(document)["job"]["properties"]["priority"] = INTEGER


def remove_fields(document: dict[str, Any]) -> None:
    for name in ("deadline", "source", "deployment"):
        del schemas(document)["job"]["properties"][name]


def move_operations(document: dict[str, Any]) -> None:
    document["paths"] = {f"/v2{path}": item for path, item in document["paths"].items()}


@pytest.mark.parametrize("name", ["job", "Prediction", "prediction_response", "schemas_model_run"])
def test_a_renamed_component_is_the_same_document(name: str) -> None:
    assert descriptions.adopt(renamed({PREDICTION: name}), DOCUMENT) == DOCUMENT


@pytest.mark.parametrize("change", [add_field, remove_fields, move_operations])
def test_a_renamed_component_that_changed_keeps_its_descriptions_and_its_overlay(change: Callable) -> None:
    new = renamed({PREDICTION: "job"})
    change(new)
    document = descriptions.adopt(new, DOCUMENT)
    assert schemas(document).keys() == schemas(DOCUMENT).keys()
    fields, ours = schemas(document)[PREDICTION]["properties"], schemas(DOCUMENT)[PREDICTION]["properties"]
    assert len(fields.keys() & ours.keys()) >= 14
    for field in fields.keys() & ours.keys():
        assert fields[field] == ours[field]
    overlay.apply(overlay.load(OVERLAY), document)
    assert schemas(document)[PREDICTION]["properties"]["version"]["type"] == "string"


def test_all_components_may_be_renamed_at_once() -> None:
    new = renamed({name: f"v2.{name}" for name in schemas(DOCUMENT)})
    assert descriptions.adopt(new, DOCUMENT) == DOCUMENT


def test_renamed_parameters_keep_their_descriptions() -> None:
    names = {name: name.removeprefix("parameters_") for name in DOCUMENT["components"]["parameters"]}
    assert descriptions.adopt(renamed(names, "parameters"), DOCUMENT) == DOCUMENT


def test_a_renamed_enum_that_got_a_value_keeps_its_name() -> None:
    ours, new = copy.deepcopy(DOCUMENT), copy.deepcopy(DOCUMENT)
    for document, name, values in ((ours, "state", ["on", "off"]), (new, "mode", ["on", "off", "auto"])):
        schemas(document)[name] = {"type": "string", "enum": values}
        schemas(document)["schemas_file_response"]["properties"]["state"] = {"$ref": SCHEMAS + name}
    assert schemas(descriptions.adopt(new, ours))["state"]["enum"] == ["on", "off", "auto"]


def test_the_mapping_of_a_discriminator_is_renamed() -> None:
    ours = copy.deepcopy(DOCUMENT)
    schemas(ours)["schemas_file_response"]["properties"]["job"] = {
        "oneOf": [{"$ref": SCHEMAS + PREDICTION}, {"$ref": SCHEMAS + "schemas_training_response"}],
        "discriminator": {"propertyName": "kind", "mapping": {"run": SCHEMAS + PREDICTION}},
    }
    new = copy.deepcopy(ours)
    schemas(new)["job"] = schemas(new).pop(PREDICTION)
    for node in normalize.walk(new):
        node |= {key: SCHEMAS + "job" for key, value in node.items() if value == SCHEMAS + PREDICTION}
    assert descriptions.adopt(new, ours) == descriptions.adopt(ours, ours)


def test_a_component_with_other_fields_in_the_same_place_is_a_new_one() -> None:
    new = renamed({"schemas_file_response": "upload"})
    schemas(new)["upload"] = object_schema(id=STRING, bucket=STRING, region=STRING, key=STRING)
    document = descriptions.adopt(new, DOCUMENT)
    assert "upload" in schemas(document)
    assert "schemas_file_response" not in schemas(document)
    assert "schemas_file_response" in schemas(document["x-removed"])


def test_one_of_two_new_names_is_the_more_similar_component() -> None:
    new = renamed({PREDICTION: "job"})
    schemas(new)["brief"] = copy.deepcopy(schemas(new)["job"])
    for name in ("deadline", "source", "deployment", "metrics"):
        del schemas(new)["brief"]["properties"][name]
    new["paths"]["/predictions/{prediction_id}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {
        "$ref": SCHEMAS + "brief"
    }
    document = descriptions.adopt(new, DOCUMENT)
    assert "deadline" in schemas(document)[PREDICTION]["properties"]
    assert "deadline" not in schemas(document)["brief"]["properties"]
    assert schemas(document)["brief"]["properties"]["id"] == schemas(DOCUMENT)[PREDICTION]["properties"]["id"]


@pytest.mark.parametrize("name", [PREDICTION, "schemas_deployment_response", "schemas_paginated_version_response"])
def test_a_component_that_is_described_inline_is_still_one(name: str) -> None:
    new = copy.deepcopy(DOCUMENT)
    schema = schemas(new).pop(name)
    for node in list(normalize.walk(new)):
        if node.get("$ref") == SCHEMAS + name:
            node.clear()
            node.update(copy.deepcopy(schema))
    document = descriptions.adopt(new, DOCUMENT)
    assert document == DOCUMENT


def test_an_inline_schema_that_becomes_a_component_keeps_its_descriptions() -> None:
    new = copy.deepcopy(DOCUMENT)
    media = new["paths"]["/account"]["get"]["responses"]["200"]["content"]["application/json"]
    ours = media["schema"]
    schemas(new)["schemas_account_response"] = copy.deepcopy(ours)
    media["schema"] = {"$ref": SCHEMAS + "schemas_account_response"}
    document = descriptions.adopt(new, DOCUMENT)
    assert schemas(document)["schemas_account_response"] == {**ours, "description": descriptions.PLACEHOLDER}
    assert descriptions.adopt(DOCUMENT, document) == document


def test_two_schemas_of_one_class_are_one() -> None:
    few = object_schema(id=STRING, status=STRING, input=STRING)
    many = object_schema(id=STRING, status=STRING, input=STRING, source=STRING)
    other = object_schema(id=STRING, size=STRING, name=STRING, url=STRING)
    found = {"prediction": many, "schemas_prediction": few, "prediction_response": other, "schemas_model": few}
    assert normalize.find_duplicates(found) == {"schemas_prediction": "prediction"}
    equal = {"prediction_response": few, "schemas_prediction_response": few}
    assert normalize.find_duplicates(equal) == {"prediction_response": "schemas_prediction_response"}


def test_cyclic_references_end() -> None:
    new, known = copy.deepcopy(DOCUMENT), copy.deepcopy(DOCUMENT)
    schemas(new)["node"] = object_schema(child={"$ref": SCHEMAS + "node"})
    schemas(known)["tree"] = object_schema(child=object_schema(child={"$ref": SCHEMAS + "tree"}))
    for document, name in ((new, "node"), (known, "tree")):
        schemas(document)["schemas_file_response"]["properties"]["tree"] = {"$ref": SCHEMAS + name}
    document, _ = component_names.keep_names(new, known)
    assert "tree" in schemas(document)
    assert contract.describe_differences(document, document) == []
