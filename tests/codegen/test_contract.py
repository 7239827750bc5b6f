"""The comparison of contracts: differences, and what is not one."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import contract as command
from codegen import contract
from openapi_documents import ROOT, iterate_documentation

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Small", "version": "1"},
    "paths": {
        "/runs": {
            "get": {
                "operationId": "runs.list",
                "summary": "List runs",
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 50}},
                    {"name": "after", "in": "query", "schema": {"type": "string"}},
                ],
                "responses": {"200": {"description": "A page."}},
            },
            "query": {"operationId": "runs.search", "responses": {"200": {"description": "Some."}}},
            "post": {
                "operationId": "runs.create",
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {
                                    "stream": {"type": "boolean"},
                                    "metadata": {"type": "object", "default": {"title": "x"}},
                                },
                            }
                        }
                    }
                },
                "responses": {"201": {"description": "Made."}},
            },
        }
    },
    "components": {
        "schemas": {
            "Run": {
                "type": "object",
                "description": "A run.",
                "required": ["id", "status"],
                "properties": {
                    "id": {"type": "string"},
                    "description": {"type": "string", "description": "Short text."},
                    "status": {"type": "string", "enum": ["running", "done", "failed"]},
                    "properties": {"type": "object", "properties": {"title": {"type": "string"}}},
                },
            }
        }
    },
    "x-feature-flag": "small",
}

LIST = "$.paths./runs.get"
BODY = "$.paths./runs.post.requestBody.content.application/json.schema.properties"
RUN = "$.components.schemas.Run"
DELETE = object()


def edit(document: dict[str, Any], edits: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with some values, at paths such as `$.a.b.0`, set or deleted."""
    result = copy.deepcopy(document)
    for path, value in edits.items():
        *parents, last = path.split(".")[1:]
        node: Any = result
        for step in parents:
            node = node[int(step) if isinstance(node, list) else step]
        key: Any = int(last) if isinstance(node, list) else last
        if value is DELETE:
            del node[key]
        else:
            node[key] = value
    return result


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param({}, [], id="same"),
        pytest.param(
            {"$.paths./runs.delete": {"operationId": "runs.clear", "responses": {}}},
            ["runs.clear added"],
            id="operation added",
        ),
        pytest.param({"$.paths./runs.query": DELETE}, ["runs.search removed"], id="QUERY removed"),
        pytest.param(
            {"$.paths./runs": DELETE},
            ["runs.create removed", "runs.list removed", "runs.search removed"],
            id="path removed",
        ),
        pytest.param(
            {"$.paths./jobs": DOCUMENT["paths"]["/runs"], "$.paths./runs": DELETE},
            [
                'runs.create: path: "/runs" -> "/jobs"',
                'runs.list: path: "/runs" -> "/jobs"',
                'runs.search: path: "/runs" -> "/jobs"',
            ],
            id="path renamed",
        ),
        pytest.param(
            {"$.paths./tasks": {"get": {"operationId": "runs.list"}}},
            ["GET /tasks added"],
            id="duplicate operationId",
        ),
        pytest.param(
            {f"{LIST}.parameters.0.schema.maximum": 60},
            ['runs.list: query parameter "limit" maximum: 50 -> 60'],
            id="limit raised",
        ),
        pytest.param(
            {f"{LIST}.parameters.0": DELETE},
            ['runs.list: query parameter "limit" removed'],
            id="parameter removed",
        ),
        pytest.param(
            {f"{LIST}.responses.404": {"description": "None."}},
            ["runs.list: response 404 added"],
            id="response added",
        ),
        pytest.param(
            {f"{BODY}.stream": DELETE},
            ['runs.create: body field "stream" removed'],
            id="body field removed",
        ),
        pytest.param(
            {f"{BODY}.stream.default": True},
            ['runs.create: body field "stream" default added (true)'],
            id="default added",
        ),
        pytest.param(
            {f"{BODY}.metadata.default.title": "y"},
            ['runs.create: body field "metadata" default title: "x" -> "y"'],
            id="a key in a default value",
        ),
        pytest.param(
            {"$.paths./runs.post.requestBody.content.application/json": DELETE},
            ["runs.create: body application/json removed"],
            id="media type removed",
        ),
        pytest.param(
            {f"{RUN}.properties.id.type": "integer"},
            ['Run: field "id" type: "string" -> "integer"'],
            id="type changed",
        ),
        pytest.param(
            {f"{RUN}.properties.status.enum": ["aborted", "done", "failed"]},
            [
                'Run: field "status" enum "aborted" added',
                'Run: field "status" enum "running" removed',
            ],
            id="enum members",
        ),
        pytest.param({f"{RUN}.required.0": DELETE}, ['Run: required "id" removed'], id="required"),
        pytest.param(
            {f"{RUN}.properties.description": DELETE},
            ['Run: field "description" removed'],
            id="a property called description",
        ),
        pytest.param(
            {f"{RUN}.properties.properties.properties.title": DELETE},
            ['Run: field "properties" field "title" removed'],
            id="a property called properties",
        ),
        pytest.param({"$.security": []}, ["security added"], id="empty is not absent"),
        pytest.param(
            {f"{RUN}.properties.id.nullable": 1},
            ['Run: field "id" nullable added (1)'],
            id="scalar added",
        ),
        pytest.param(
            {"$.x-feature-flag": "large"},
            ['x-feature-flag: "small" -> "large"'],
            id="feature flag",
        ),
        pytest.param({"$.components.schemas.Run": DELETE}, ["Run removed"], id="schema removed"),
        pytest.param({f"{LIST}.deprecated": True}, ["runs.list: deprecated added (true)"], id="operation deprecated"),
        pytest.param(
            {f"{LIST}.parameters.0.deprecated": True},
            ['runs.list: query parameter "limit" deprecated added (true)'],
            id="parameter deprecated",
        ),
        pytest.param(
            {"$.paths./runs.additionalOperations": {"COPY": {"operationId": "runs.copy"}}},
            ["runs.copy added"],
            id="additional operation",
        ),
        pytest.param(
            {
                "$.$self": "https://elsewhere",
                "$.info": {"title": "Other", "version": "2"},
                "$.externalDocs": {"url": "elsewhere"},
                "$.tags": [{"name": "runs"}],
                "$.components.examples": {"one": {"value": 1}},
                f"{LIST}.summary": DELETE,
                f"{LIST}.description": "More words.",
                f"{LIST}.x-codeSamples": ["curl"],
                f"{LIST}.parameters.0.example": 5,
                f"{LIST}.responses.200.description": "Other words.",
                f"{RUN}.description": DELETE,
                f"{RUN}.title": "Run",
                f"{RUN}.properties.description.description": "Other text.",
                f"{RUN}.properties.id.examples": ["a"],
            },
            [],
            id="documentation only",
        ),
        pytest.param(
            {
                f"{LIST}.parameters": DOCUMENT["paths"]["/runs"]["get"]["parameters"][::-1],
                f"{RUN}.required": ["status", "id"],
                f"{RUN}.properties.status.enum": ["failed", "done", "running"],
            },
            [],
            id="order only",
        ),
    ],
)
def test_each_difference_is_one_line(edits: dict[str, Any], expected: list[str]) -> None:
    assert contract.describe_differences(DOCUMENT, edit(DOCUMENT, edits)) == expected


@pytest.mark.parametrize("key", ["mediaTypes", "dependentRequired", "additionalOperations", "callbacks", "webhooks"])
def test_a_name_that_is_a_keyword_of_documentation_is_kept(key: str) -> None:
    assert contract.strip_documentation({key: {"title": ["x"]}}) == {key: {"title": ["x"]}}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1, True, ["X: default: 1 -> true"]),
        ([1, 2], [2, 1], ["X: default: [1, 2] -> [2, 1]"]),
        ([1], [1, 1], ["X: default: [1] -> [1, 1]"]),
        (None, None, []),
    ],
)
def test_values_are_compared_by_type_and_order(old: Any, new: Any, expected: list[str]) -> None:
    def document_with(default: Any) -> dict[str, Any]:
        return {**DOCUMENT, "components": {"schemas": {"X": {"default": default}}}}

    assert contract.describe_differences(document_with(old), document_with(new)) == expected


def test_the_compared_documents_are_not_changed() -> None:
    document = copy.deepcopy(DOCUMENT)
    contract.describe_differences(document, document)
    assert document == DOCUMENT


def test_stripped_documents_have_no_documentation() -> None:
    assert list(iterate_documentation(contract.strip_documentation(DOCUMENT))) == []
    assert contract.strip_documentation(contract.strip_documentation(DOCUMENT)) == contract.strip_documentation(
        DOCUMENT
    )


def test_command_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, same, new = tmp_path / "old.json", tmp_path / "same.yaml", tmp_path / "new.yml"
    old.write_text(json.dumps(DOCUMENT))
    # Unquoted, as in hand-written YAML, where a status is a number.
    same.write_text(yaml.safe_dump(DOCUMENT).replace("'200'", "200").replace("'201'", "201"))
    new.write_text(yaml.safe_dump(edit(DOCUMENT, {f"{BODY}.stream": DELETE})))

    assert command.main([str(old), str(same)]) == 0
    assert capsys.readouterr() == ("", "")
    assert command.main([str(old), str(new)]) == 1
    assert capsys.readouterr() == ('runs.create: body field "stream" removed\n', "")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.json", None),
        ("broken.json", b"{"),
        ("broken.yaml", b"a: [b"),
        ("cycle.yaml", b"openapi: 3.1.0\npaths: &a\n  b: *a\n"),
        ("binary.json", b"\xff\xfe\x00"),
        ("list.json", b"[]"),
        ("empty.yaml", b""),
        ("pathless.json", b'{"openapi": "3.1.0"}'),
        ("other.json", b'{"paths": {}}'),
        ("paths.json", b'{"openapi": "3.1.0", "paths": []}'),
    ],
)
def test_an_unreadable_document_is_exit_code_2(
    name: str, content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    assert command.main([str(path), str(ROOT / "openapi.json")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert name in err
