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
from openapi_documents import DOCUMENT


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
    ("authentication changed", lambda d: d.update(security=[]), changes.CALLERS, ""),
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
    assert changes.format_text(found).splitlines()[0].startswith("breaks callers")
    markdown = changes.format_markdown(found)
    assert markdown.index("### Breaks callers") < markdown.index("### Safe")
    assert "- search removed (`client.search`)" in markdown
    assert json.loads(changes.format_json(found))[0]["effect"] == "breaks callers"
    assert changes.format_markdown([]) == "The contract has not changed.\n"


def test_command_exit_codes_and_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = copy.deepcopy(DOCUMENT)
    CASES[0][1](new)
    old_file, new_file = tmp_path / "old.json", tmp_path / "new.json"
    old_file.write_text(json.dumps(DOCUMENT))
    new_file.write_text(json.dumps(new))
    assert command.main([str(old_file), str(old_file)]) == 0
    assert command.main([str(old_file), str(new_file), "--format", "markdown"]) == 3
    assert "client.search" in capsys.readouterr().out
    assert command.main([str(old_file), str(tmp_path / "none.json")]) == 2


def test_the_history_of_replicates_document() -> None:
    history = sorted(shared("upstream").glob("history/*"))
    steps = [(contract.load(old), contract.load(new)) for old, new in pairwise(history)]
    found = [changes.classify_changes(*step) for step in steps]
    statuses = [item for step in found for item in step if '"aborted" added' in item.text]
    assert {item.effect for item in statuses} == {changes.READERS}
    assert all(step for step in found)
