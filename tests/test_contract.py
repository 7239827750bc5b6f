"""The comparison of contracts, and our own contract held against Replicate's document."""

import copy
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import contract

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("REPLICATE_EXT_SHARED") or ROOT.parent / "shared")
UPSTREAM = SHARED / "upstream" / "openapi-2026-03-16.json"

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


def edited(document: dict[str, Any], edits: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with some places, written `$.a.b.0`, set or deleted."""
    result = copy.deepcopy(document)
    for place, value in edits.items():
        *way, last = place.split(".")[1:]
        node: Any = result
        for step in way:
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
            id="operationId given twice",
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
            id="a key of a default is no prose",
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
        pytest.param(
            {
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
            id="prose only",
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
def test_differences(edits: dict[str, Any], expected: list[str]) -> None:
    assert contract.differences(DOCUMENT, edited(DOCUMENT, edits)) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1, True, ["X: default: 1 -> true"]),
        ([1, 2], [2, 1], ["X: default: [1, 2] -> [2, 1]"]),
        ([1], [1, 1], ["X: default: [1] -> [1, 1]"]),
        (None, None, []),
    ],
)
def test_differences_in_data(old: Any, new: Any, expected: list[str]) -> None:
    def having(default: Any) -> dict[str, Any]:
        return {**DOCUMENT, "components": {"schemas": {"X": {"default": default}}}}

    assert contract.differences(having(old), having(new)) == expected


def test_differences_leave_the_documents_alone() -> None:
    document = copy.deepcopy(DOCUMENT)
    contract.differences(document, document)
    assert document == DOCUMENT


def test_facts_have_no_prose() -> None:
    assert list(prose(contract.facts(DOCUMENT))) == []
    assert contract.facts(contract.facts(DOCUMENT)) == contract.facts(DOCUMENT)


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, same, new = tmp_path / "old.json", tmp_path / "same.yaml", tmp_path / "new.yml"
    old.write_text(json.dumps(DOCUMENT))
    # Unquoted, as people write it: YAML reads the status as a number.
    same.write_text(yaml.safe_dump(DOCUMENT).replace("'200'", "200").replace("'201'", "201"))
    new.write_text(yaml.safe_dump(edited(DOCUMENT, {f"{BODY}.stream": DELETE})))

    assert contract.main([str(old), str(same)]) == 0
    assert capsys.readouterr() == ("", "")
    assert contract.main([str(old), str(new)]) == 1
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
def test_unreadable_is_exit_code_2(
    name: str, content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    assert contract.main([str(path), str(ROOT / "openapi.json")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert name in err


# Our own document


def prose(node: Any, *, names: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield key and value of all prose in a document, at any depth."""
    if isinstance(node, list):
        for item in node:
            yield from prose(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if not names and key in contract.PROSE - {"info", "externalDocs"}:
                yield key, value
            elif names or key not in contract.VALUES:
                yield from prose(value, names=not names and key in contract.NAMES)


def properties(node: Any, *, names: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all properties in a document, at any depth."""
    if isinstance(node, list):
        for item in node:
            yield from properties(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if not names and key == "properties":
                yield from value.items()
            yield from properties(value, names=not names and key in contract.NAMES)


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    items = document["paths"].values()
    return {operation["operationId"]: operation for item in items for operation in item.values()}


def runs(text: str, length: int = 8) -> set[tuple[str, ...]]:
    """Return the runs of consecutive words in a text."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    return contract.load(ROOT / "openapi.json")


@pytest.fixture(scope="module")
def upstream() -> dict[str, Any]:
    if not UPSTREAM.exists():
        pytest.skip("the snapshot of Replicate's document is not here")
    return contract.load(UPSTREAM)


def test_our_contract_is_replicates(ours: dict[str, Any], upstream: dict[str, Any]) -> None:
    assert contract.differences(upstream, ours) == []


def test_our_words_are_our_own(ours: dict[str, Any], upstream: dict[str, Any]) -> None:
    theirs = {run for _, text in prose(upstream) for run in runs(str(text))}
    assert len(theirs) > 1000
    assert {run for _, text in prose(ours) for run in runs(text)} & theirs == set()


def test_prose_is_plain_and_has_no_examples(ours: dict[str, Any]) -> None:
    keys = {key for key, _ in prose(ours)}
    assert keys <= {"summary", "description", "title", "bearerFormat"}
    for _, text in prose(ours):
        assert text.isascii()
        assert text == text.strip()
        assert not re.search(r"curl|</|```|\n|^#", text)


def test_every_operation_is_described(ours: dict[str, Any]) -> None:
    assert len(operations(ours)) == 37
    for name, operation in operations(ours).items():
        assert 0 < len(operation["summary"]) < 60, name
        assert operation["description"], name
        for status, response in operation["responses"].items():
            assert response["description"], (name, status)


def test_every_parameter_is_described(ours: dict[str, Any]) -> None:
    parameters = list(ours["components"]["parameters"].values())
    for operation in operations(ours).values():
        parameters += operation.get("parameters", [])
    assert len(parameters) > 40
    for parameter in parameters:
        assert "$ref" in parameter or parameter["description"], parameter


def test_every_schema_and_property_is_described(ours: dict[str, Any]) -> None:
    schemas = list(ours["components"]["schemas"].items()) + list(properties(ours))
    assert len(schemas) > 200
    for name, schema in schemas:
        assert ("$ref" in schema) != bool(schema.get("description")), name
