"""Contract changes in people's words, classed by whom they break."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import changes
from conftest import shared

DOCUMENT = json.loads((Path(__file__).parents[1] / "openapi.json").read_text())


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
        "a field required of callers",
        lambda d: schema(d, "prediction_request")["required"].append("webhook"),
        changes.CALLERS,
        "client.models.predictions.create",
    ),
    (
        "a field that callers need not give any more",
        lambda d: schema(d, "version_prediction_request")["required"].remove("version"),
        changes.SAFE,
        "client.predictions.create",
    ),
    (
        "a field of callers removed",
        lambda d: schema(d, "training_request")["properties"].pop("webhook"),
        changes.CALLERS,
        "client.trainings.create",
    ),
    (
        "a field of callers added",
        lambda d: schema(d, "training_request")["properties"].update(note={"type": "string"}),
        changes.SAFE,
        "client.trainings.create",
    ),
    (
        "a limit for callers",
        lambda d: schema(d, "training_request")["properties"]["destination"].update(maxLength=5),
        changes.CALLERS,
        "client.trainings.create",
    ),
    (
        "a field of answers removed",
        lambda d: schema(d, "model_response")["properties"].pop("run_count"),
        changes.READERS,
        "client.models.get",
    ),
    (
        "a field of answers added",
        lambda d: schema(d, "model_response")["properties"].update(new={"type": ["string", "null"]}),
        changes.SAFE,
        "client.models.get",
    ),
    (
        "an answer that says something new",
        lambda d: schema(d, "prediction_response")["properties"]["status"]["enum"].append("paused"),
        changes.READERS,
        "client.predictions.get",
    ),
    (
        "an answer of another type",
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
        "a parameter that must be given",
        lambda d: operation(d, "/search")["parameters"].append(parameter("kind", True)),
        changes.CALLERS,
        "client.search",
    ),
    ("another way in", lambda d: d.update(security=[]), changes.CALLERS, ""),
    ("prose alone", lambda d: operation(d, "/search").update(description="Other words."), "", ""),
]


@pytest.mark.parametrize(("what", "change", "effect", "method"), CASES, ids=[case[0] for case in CASES])
def test_a_change_is_classed_and_names_the_method(what: str, change: Callable, effect: str, method: str) -> None:
    new = copy.deepcopy(DOCUMENT)
    change(new)
    found = changes.changes(DOCUMENT, new)
    assert {one.effect for one in found} == ({effect} if effect else set()), found
    assert not method or any(method in one.methods for one in found)
    assert changes.exit_code(found) == {"": 0, changes.SAFE: 1}.get(effect, 3)


def test_the_worst_comes_first_in_every_format() -> None:
    new = copy.deepcopy(DOCUMENT)
    for _, change, _, _ in CASES[:3]:
        change(new)
    found = changes.changes(DOCUMENT, new)
    assert [one.effect for one in found] == sorted((one.effect for one in found), key=changes.CLASSES.index)
    assert changes.as_text(found).splitlines()[0].startswith("breaks callers")
    markdown = changes.as_markdown(found)
    assert markdown.index("### Breaks callers") < markdown.index("### Safe")
    assert "- search removed (`client.search`)" in markdown
    assert json.loads(changes.as_json(found))[0]["effect"] == "breaks callers"
    assert changes.as_markdown([]) == "The contract has not changed.\n"


def test_the_command_says_it_with_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = copy.deepcopy(DOCUMENT)
    CASES[0][1](new)
    old_file, new_file = tmp_path / "old.json", tmp_path / "new.json"
    old_file.write_text(json.dumps(DOCUMENT))
    new_file.write_text(json.dumps(new))
    assert changes.main([str(old_file), str(old_file)]) == 0
    assert changes.main([str(old_file), str(new_file), "--format", "markdown"]) == 3
    assert "client.search" in capsys.readouterr().out
    assert changes.main([str(old_file), str(tmp_path / "none.json")]) == 2


def test_what_became_of_the_real_document() -> None:
    history = sorted(shared("upstream").glob("history/*"))
    steps = [(contract_of(old), contract_of(new)) for old, new in pairwise(history)]
    found = [changes.changes(*step) for step in steps]
    statuses = [one for step in found for one in step if '"aborted" added' in one.text]
    assert {one.effect for one in statuses} == {changes.READERS}
    assert all(step for step in found)


def contract_of(path: Path) -> dict[str, Any]:
    return changes.contract.load(path)
