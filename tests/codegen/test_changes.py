"""Changes of a contract, classified by whom they break."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import changes as command
from codegen import changes, contract
from conftest import shared
from openapi_documents import DOCUMENT, STRING, json_content


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    return document["components"]["schemas"][f"schemas_{name}"]


def operation(document: dict[str, Any], path: str, method: str = "get") -> dict[str, Any]:
    return document["paths"][path][method]


def parameter(name: str, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": {"type": "string"}}


CASES: list[tuple[str, Callable[[dict[str, Any]], object], str, str]] = [
    ("an operation removed", lambda d: d["paths"]["/search"].pop("get"), changes.CALLERS, "client.search"),
    (
        "an operation added",
        lambda d: d["paths"].update({"/new": {"get": {"operationId": "new.get", "responses": {}}}}),
        changes.SAFE,
        "client.new.get",
    ),
    (
        "an operation moved",
        lambda d: d["paths"].update({"/me": d["paths"].pop("/account")}),
        changes.CALLERS,
        "client.account.get",
    ),
    (
        "a field required in requests",
        lambda d: schema(d, "prediction_request")["required"].append("webhook"),
        changes.CALLERS,
        "client.models.predictions.create",
    ),
    (
        "a field no longer required in requests",
        lambda d: schema(d, "version_prediction_request")["required"].remove("version"),
        changes.SAFE,
        "client.predictions.create",
    ),
    (
        "a field removed from requests",
        lambda d: schema(d, "training_request")["properties"].pop("webhook"),
        changes.CALLERS,
        "client.trainings.create",
    ),
    (
        "a field added to requests",
        lambda d: schema(d, "training_request")["properties"].update(note={"type": "string"}),
        changes.SAFE,
        "client.trainings.create",
    ),
    (
        "a constraint added to requests",
        lambda d: schema(d, "training_request")["properties"]["destination"].update(maxLength=5),
        changes.CALLERS,
        "client.trainings.create",
    ),
    (
        "a field removed from responses",
        lambda d: schema(d, "model_response")["properties"].pop("run_count"),
        changes.READERS,
        "client.models.get",
    ),
    (
        "a field added to responses",
        lambda d: schema(d, "model_response")["properties"].update(new={"type": ["string", "null"]}),
        changes.SAFE,
        "client.models.get",
    ),
    (
        "a new value in responses",
        lambda d: schema(d, "prediction_response")["properties"]["status"]["enum"].append("paused"),
        changes.READERS,
        "client.predictions.get",
    ),
    (
        "another type in responses",
        lambda d: schema(d, "model_response")["properties"]["run_count"].update(type="string"),
        changes.READERS,
        "client.models.get",
    ),
    (
        "a parameter added",
        lambda d: operation(d, "/hardware").update(parameters=[parameter("page")]),
        changes.SAFE,
        "client.hardware.list",
    ),
    (
        "a parameter removed",
        lambda d: operation(d, "/search")["parameters"].pop(1),
        changes.CALLERS,
        "client.search",
    ),
    (
        "a required parameter added",
        lambda d: operation(d, "/search")["parameters"].append(parameter("kind", True)),
        changes.CALLERS,
        "client.search",
    ),
    (
        "a required parameter added to an operation that has none",
        lambda d: operation(d, "/hardware").update(parameters=[parameter("kind", True)]),
        changes.CALLERS,
        "client.hardware.list",
    ),
    (
        "a required parameter added to a path",
        lambda d: d["paths"]["/account"].update(parameters=[parameter("kind", True)]),
        changes.CALLERS,
        "client.account.get",
    ),
    (
        "a required parameter added to the components",
        lambda d: (
            d["components"]["parameters"].update(kind=parameter("kind", True)),
            operation(d, "/trainings").update(parameters=[{"$ref": "#/components/parameters/kind"}]),
        ),
        changes.CALLERS,
        "client.trainings.list",
    ),
    (
        "a limit loosened in requests",
        lambda d: operation(d, "/search")["parameters"][1]["schema"].update(maximum=100),
        changes.SAFE,
        "client.search",
    ),
    (
        "a limit tightened in requests",
        lambda d: operation(d, "/search")["parameters"][1]["schema"].update(maximum=10),
        changes.CALLERS,
        "client.search",
    ),
    (
        "a wider type in requests",
        lambda d: operation(d, "/search")["parameters"][1]["schema"].update(type="number"),
        changes.SAFE,
        "client.search",
    ),
    (
        "a wider type in responses",
        lambda d: schema(d, "model_response")["properties"]["run_count"].update(type="number"),
        changes.READERS,
        "client.models.get",
    ),
    (
        "a value removed from requests",
        lambda d: schema(d, "prediction_request")["properties"]["webhook_events_filter"]["items"]["enum"].pop(),
        changes.CALLERS,
        "client.models.predictions.create",
    ),
    (
        "a value removed from responses",
        lambda d: schema(d, "prediction_response")["properties"]["status"]["enum"].pop(),
        changes.SAFE,
        "client.predictions.get",
    ),
    (
        "another success status with the same body",
        lambda d: operation(d, "/hardware")["responses"].update({"203": operation(d, "/hardware")["responses"]["200"]}),
        changes.SAFE,
        "client.hardware.list",
    ),
    (
        "an operation deprecated",
        lambda d: operation(d, "/search").update(deprecated=True),
        changes.SAFE,
        "client.search",
    ),
    ("authentication no longer needed", lambda d: d.update(security=[]), changes.SAFE, "client.account.get"),
    ("authentication needed", lambda d: operation(d, "/search").pop("security"), changes.CALLERS, "client.search"),
    ("documentation only", lambda d: operation(d, "/search").update(description="Other words."), "", ""),
]


@pytest.mark.parametrize(("name", "change", "effect", "method"), CASES, ids=[case[0] for case in CASES])
def test_a_change_is_classified_and_names_the_methods(name: str, change: Callable, effect: str, method: str) -> None:
    new = copy.deepcopy(DOCUMENT)
    change(new)
    found = changes.classify_changes(DOCUMENT, new)
    assert {item.effect for item in found} == ({effect} if effect else set()), found
    assert not method or any(method in item.methods for item in found)
    assert changes.exit_code(found) == {"": 0, changes.SAFE: 1}.get(effect, 3)


def test_the_most_severe_change_comes_first_in_every_format() -> None:
    new = copy.deepcopy(DOCUMENT)
    for _, change, _, _ in CASES[:3]:
        change(new)
    found = changes.classify_changes(DOCUMENT, new)
    assert [item.effect for item in found] == sorted((item.effect for item in found), key=changes.CLASSES.index)
    assert changes.FORMATS["text"](found).splitlines()[0].startswith("breaks callers  `client.account.get`")
    markdown = changes.FORMATS["markdown"](found)
    assert markdown.index("### Breaks callers") < markdown.index("### Safe")
    assert "- `client.search`: removed → remove the calls" in markdown
    assert changes.FORMATS["markdown"]([]) == "The contract has not changed.\n"


def test_json_has_the_title_and_counts_by_class() -> None:
    new = copy.deepcopy(DOCUMENT)
    for _, change, _, _ in CASES[:3]:
        change(new)
    found = changes.classify_changes(DOCUMENT, new)
    report = json.loads(changes.FORMATS["json"](found))
    assert report["title"] == changes.title(found) == "Contract: 2 breaking, 1 safe"
    assert report["counts"] == {"breaks callers": 2, "breaks readers": 0, "safe": 1}
    assert report["changes"][1] == {
        "effect": "breaks callers",
        "text": "`client.search`: removed",
        "methods": ["client.search"],
        "upgrade": "remove the calls: the API no longer has this operation",
        "kind": "removed",
        "places": [{"operation": "search", "part": "", "name": ""}],
    }
    assert changes.title([]) == "Contract: no changes"
    assert changes.title(found[2:]) == "Contract: 1 safe"


def test_another_success_status_breaks_readers_if_its_body_differs() -> None:
    new = copy.deepcopy(DOCUMENT)
    operation(new, "/hardware")["responses"]["203"] = {"description": "", **json_content(STRING)}
    found = changes.classify_changes(DOCUMENT, new)
    assert [(change.effect, change.kind) for change in found] == [(changes.READERS, "type"), (changes.SAFE, "statuses")]


def test_command_exit_codes_and_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = copy.deepcopy(DOCUMENT)
    CASES[0][1](new)
    old_file, new_file = tmp_path / "old.json", tmp_path / "new.json"
    old_file.write_text(json.dumps(DOCUMENT))
    new_file.write_text(json.dumps(new))
    assert command.main([str(old_file), str(old_file)]) == 0
    assert command.main([str(old_file), str(new_file), "--format", "markdown"]) == 3
    assert "`client.search`: removed" in capsys.readouterr().out
    assert command.main([str(old_file), str(tmp_path / "none.json")]) == 2


def test_the_history_of_replicates_document() -> None:
    files = [*shared("upstream").glob("history/*"), *shared("upstream").glob("*.json")]
    steps = [changes.classify_changes(old, new) for old, new in pairwise(map(contract.load, sorted(files)))]
    breaking = [[change.text for change in step if change.effect != changes.SAFE] for step in steps]
    assert [len(step) for step in breaking] == [0, 8, 1, 0, 2, 0]
    assert breaking[2] == ["`Model.description`: may be null"]
    assert breaking[4] == ['`Prediction.status`: "aborted" is new', '`Training.status`: "aborted" is new']
    assert max(map(len, steps)) < 30
    lines = [change.text for step in steps for change in step]
    renamed = [line for line in lines if "renamed, no change" in line]
    assert renamed == [line for line in lines if "`training_request` → `schemas_training_request`" in line]
    assert len(renamed) == 1
