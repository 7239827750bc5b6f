"""Generation: whole or not at all, the same each time, and faults said aloud."""

import copy
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import generate
import normalize
import overlay
import tree
from replicate_api.resources import Operations
from replicate_ext import AsyncReplicate, Replicate

ROOT = Path(__file__).parents[1]
DOCUMENT = json.loads((ROOT / "openapi.json").read_text())


@pytest.fixture
def document() -> dict[str, Any]:
    return copy.deepcopy(DOCUMENT)


def test_the_generated_package_is_what_the_document_gives(tmp_path: Path) -> None:
    generate.generate(DOCUMENT, tmp_path / "replicate_api")
    assert generate.differences(generate.PACKAGE, tmp_path / "replicate_api") == []


def test_a_change_is_seen(tmp_path: Path) -> None:
    (tmp_path / "left").mkdir()
    (tmp_path / "right").mkdir()
    (tmp_path / "left/a.py").write_text("1")
    (tmp_path / "left/same.py").write_text("1")
    (tmp_path / "right/same.py").write_text("1")
    (tmp_path / "right/b.py").write_text("1")
    assert generate.differences(tmp_path / "left", tmp_path / "right") == ["a.py", "b.py"]
    (tmp_path / "right/a.py").write_text("2")
    (tmp_path / "left/b.py").write_text("1")
    assert generate.differences(tmp_path / "left", tmp_path / "right") == ["a.py"]


def unsupported_body(document: dict[str, Any]) -> None:
    content = document["paths"]["/models"]["post"]["requestBody"]["content"]
    content["application/xml"] = content.pop("application/json")


def unsupported_answer(document: dict[str, Any]) -> None:
    content = document["paths"]["/account"]["get"]["responses"]["200"]["content"]
    content["image/png"] = content.pop("application/json")


def one_of_two_answers_unsupported(document: dict[str, Any]) -> None:
    content = document["paths"]["/predictions"]["post"]["responses"]["202"]["content"]
    content["application/xml"] = content.pop("application/json")


def dangling_reference(document: dict[str, Any]) -> None:
    answer = document["paths"]["/collections"]["get"]["responses"]["200"]
    answer["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/nowhere"}


def broken_schema(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["schemas_model_response"]
    schema["properties"]["odd"] = {"$ref": "#/components/schemas/nowhere"}


def two_schemas_of_one_name(document: dict[str, Any]) -> None:
    for name in ("Account", "AccountGetResult"):
        document["components"]["schemas"][name] = {"type": "object", "properties": {"else": {"type": "string"}}}


def no_operation_id(document: dict[str, Any]) -> None:
    del document["paths"]["/account"]["get"]["operationId"]


def two_of_one_id(document: dict[str, Any]) -> None:
    document["paths"]["/elsewhere"] = {"get": {"operationId": "account.get"}}


def two_of_one_name(document: dict[str, Any]) -> None:
    document["paths"]["/elsewhere"] = {"get": {"operationId": "account_get"}}


def two_of_one_word(document: dict[str, Any]) -> None:
    document["paths"]["/elsewhere"] = {"get": {"operationId": "account.g!t"}}
    document["paths"]["/elsewhere2"] = {"get": {"operationId": "account.g?t"}}


def a_path_elsewhere(document: dict[str, Any]) -> None:
    document["paths"]["/elsewhere"] = {"$ref": "#/components/pathItems/x"}


def methods_of_ones_own(document: dict[str, Any]) -> None:
    document["paths"]["/elsewhere"] = {"additionalOperations": {"COPY": {"operationId": "x.copy", "responses": {}}}}


def undeclared_path_parameter(document: dict[str, Any]) -> None:
    del document["paths"]["/predictions/{prediction_id}"]["get"]["parameters"]


def two_kinds_of_success(document: dict[str, Any]) -> None:
    responses = document["paths"]["/predictions"]["post"]["responses"]
    responses["202"] = {"description": "", "content": {"application/json": {"schema": {"type": "string"}}}}


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (unsupported_body, "POST /models"),
        (unsupported_answer, "GET /account"),
        (one_of_two_answers_unsupported, "POST /predictions"),
        (dangling_reference, "GET /collections"),
        (broken_schema, "schemas|Model"),
        (two_schemas_of_one_name, "two different schemas would be called Account and AccountGetResult"),
        (no_operation_id, "GET /account has no operationId"),
        (two_of_one_id, "there are two operations called account.get"),
        (two_of_one_name, "another operation would have the same name: account.get"),
        (two_of_one_word, "another operation would have the same name: account.g"),
        (a_path_elsewhere, "/elsewhere: `\\$ref` has no rule yet"),
        (methods_of_ones_own, "/elsewhere: `additionalOperations` has no rule yet"),
        (undeclared_path_parameter, "GET /predictions/{prediction_id}"),
        (two_kinds_of_success, "predictions_create"),
    ],
)
def test_whatever_would_be_dropped_stops_the_run_and_leaves_the_output(
    document: dict[str, Any], break_it, words: str, tmp_path: Path
) -> None:
    break_it(document)
    output = tmp_path / "replicate_api"
    output.mkdir()
    (output / "precious.py").write_text("kept")
    with pytest.raises(generate.GenerationError, match=words):
        generate.generate(document, output)
    assert [path.name for path in output.iterdir()] == ["precious.py"]


def test_an_overlay_entry_that_matches_nothing_stops_the_run(document: dict[str, Any], tmp_path: Path) -> None:
    required = document["components"]["schemas"]["schemas_prediction_response"]["required"]
    required.remove("data_removed")
    with pytest.raises(generate.GenerationError, match="data_removed"):
        generate.generate(document, tmp_path / "replicate_api")
    [idle] = generate.generate(document, tmp_path / "replicate_api", strict=False)
    assert "data_removed" in idle


def test_every_overlay_entry_hits_and_says_why(document: dict[str, Any]) -> None:
    actions = overlay.load(ROOT / "scripts/overlay.yaml")
    assert overlay.apply(actions, document) == []
    assert all(len(action["description"]) > 20 for action in actions)


def test_an_overlay_entry_without_a_reason_is_refused(tmp_path: Path) -> None:
    (tmp_path / "overlay.yaml").write_text("actions: [{target: $.paths, remove: true}]")
    with pytest.raises(ValueError, match="lacks its description"):
        overlay.load(tmp_path / "overlay.yaml")


def test_overlays_merge_as_the_specification_says() -> None:
    document: dict[str, Any] = {"a": {"b": [1], "c": {"d": 1}}, "list": [{"x": 1}, {"x": 2}, {"x": 3}]}
    actions = [
        {"target": "$.a", "update": {"b": [2], "c": {"e": 2}}},
        {"target": "$.list[?@.x > 1]", "remove": True},
        {"target": "$.a.c", "update": {"d": 1}},
        {"target": "$.nowhere", "update": {}},
    ]
    assert [action["target"] for action in overlay.apply(actions, document)] == ["$.a.c", "$.nowhere"]
    assert document == {"a": {"b": [1, 2], "c": {"d": 1, "e": 2}}, "list": [{"x": 1}]}


def test_the_document_itself_is_not_changed(document: dict[str, Any], tmp_path: Path) -> None:
    generate.generate(document, tmp_path / "replicate_api")
    assert document == DOCUMENT


def test_a_method_unknown_to_the_generator_is_carried_and_comes_out(document: dict[str, Any]) -> None:
    wire = normalize.carry_methods(document)
    assert wire["models.search"] == "QUERY"
    assert "query" not in document["paths"]["/models"]
    assert len(wire) == 37


def test_the_command_line_checks_and_complains(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "scripts/generate.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run("--check").returncode == 0
    changed = run("--check", "--output", str(tmp_path))
    assert changed.returncode == 1
    assert "client.py" in changed.stderr
    (tmp_path / "broken.json").write_text(json.dumps(DOCUMENT | {"paths": {"/x": {"get": {"responses": {}}}}}))
    broken = run("--document", str(tmp_path / "broken.json"), "--output", str(tmp_path / "out"))
    assert broken.returncode == 2
    assert "GET /x has no operationId" in broken.stderr


def test_no_operation_can_hide_what_clients_do_besides() -> None:
    by_hand = {name for cls in (Replicate, AsyncReplicate) for name in dir(cls) if not name.startswith("_")}
    assert by_hand - set(dir(Operations)) == tree.RESERVED[""]
    for path, (module, cls) in tree.ADDED.items():
        added = vars(getattr(importlib.import_module(f"replicate_ext.{module}"), cls))
        assert {name for name in added if not name.startswith("_")} == tree.RESERVED[path]


ODD_IDS = [
    "operations.list", "namespace.get", "w.get", "webhooks.verify", "run", "models.run", "models.stream.wait",
    "models_versions.look", "verifying.get", "import.op", "a-b.c-d", "any.plain", "files.request",
]  # fmt: skip


def test_whatever_operations_are_called_they_are_methods(document: dict[str, Any], tmp_path: Path) -> None:
    for number, name in enumerate(ODD_IDS):
        document["paths"][f"/odd{number}"] = {"get": {"operationId": name}}
    document["paths"]["/odd/{template}"] = {
        "post": {
            "operationId": "odd.create",
            "parameters": [
                {"in": "path", "name": "template", "required": True, "schema": {"type": "string"}},
                {"in": "query", "name": "limit", "schema": {"type": "integer"}},
                {"in": "query", "name": "request", "schema": {"type": "string"}},
                {"in": "query", "name": "parse", "schema": {"type": "string"}},
            ],
            "requestBody": {
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "properties": {"limit": {"type": "string"}, "input": {"type": "string"}},
                        }
                    }
                }
            },
            "responses": {"200": {"description": ""}},
        }
    }
    generate.generate(document, tmp_path / "replicate_api")
    code = """
import httpx
from replicate_ext import Replicate

def answer(request):
    print(request.method, request.url.raw_path.decode(), request.content.decode())
    return httpx.Response(200, json={})

client = Replicate("r8_x", base_url="http://x", transport=httpx.MockTransport(answer))
for path in sys.argv[1:]:
    method = client
    for word in path.split("."):
        method = getattr(method, word)
    method()
client.odd.create("a b", limit=1, limit_body="2", input="3", request_="q", parse_="p")
import replicate_ext
print(replicate_ext.a_b, replicate_ext.import_)
"""
    paths = [
        *("operations.list", "namespace.get", "w.get", "webhooks.verify_", "run_", "models.run", "models.stream.wait"),
        *("models_versions.look", "verifying.get", "import_.op_", "a_b.c_d", "any.plain_", "files.request"),
    ]
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}){code}", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    told = done.stdout.splitlines()
    assert told[: len(ODD_IDS)] == [f"GET /v1/odd{number} " for number in range(len(ODD_IDS))]
    assert told[len(ODD_IDS)] == 'POST /v1/odd/a%20b?limit=1&request=q&parse=p {"limit":"2","input":"3"}'


def json_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def answering(schema: dict[str, Any], **operation: Any) -> dict[str, Any]:
    return {**operation, "responses": {"200": {"description": "", **json_of(schema)}}}


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


TEXT, INTEGER = {"type": "string"}, {"type": "integer"}
SQUARE = of(kind={"type": "string", "enum": ["square"]}, side=INTEGER) | {"required": ["kind"]}
CIRCLE = of(kind={"type": "string", "enum": ["circle"]}, radius=INTEGER) | {"required": ["kind"]}
SHAPE = {"oneOf": [{"$ref": "#/components/schemas/Square"}, {"$ref": "#/components/schemas/Circle"}]}


def test_whatever_a_later_document_says_is_sent_and_read_as_it_says(document: dict[str, Any], tmp_path: Path) -> None:
    path = {"in": "path", "name": "number", "required": True, "schema": INTEGER}
    header = {"in": "header", "name": "X-Dry", "schema": {"type": "boolean"}}
    level = {"type": "integer", "enum": [1, 2]}
    quoted = {"type": "string", "enum": ['say "hi"', "back\\slash"], "description": 'Ends with "quotes"'}
    document["components"]["schemas"] |= {"prediction": of(other=TEXT), "Square": SQUARE, "Circle": CIRCLE}
    document["paths"] |= {
        "/account/usage": {"get": answering(of(total=INTEGER), operationId="account.usage")},
        "/odd/{number}": {"get": answering(of(at=INTEGER), operationId="odd.get", parameters=[path, header])},
        "/odd": {
            "post": answering(
                of(at={"type": "string", "format": "date-time"}, shape=SHAPE),
                operationId="odd.create",
                requestBody=json_of(of(level=level, word=quoted, shape=SHAPE)),
            ),
            "get": answering(of(next=TEXT, results={"type": "array", "items": TEXT}), operationId="odd.list"),
            "put": answering({"$ref": "#/components/schemas/prediction"}, operationId="odd.put"),
        },
        "/odd/run": {
            "post": answering(
                {"$ref": "#/components/schemas/schemas_prediction_response"},
                operationId="odd.run",
                requestBody=json_of(of(input={"type": ["object", "null"]})),
            )
        },
        "x-notes": {"whatever": 1},
    }
    generate.generate(document, tmp_path / "replicate_api")
    code = """
import httpx, io
from replicate_ext import Replicate

ANSWERS = {"/v1/account/usage": {"total": 3}, "/v1/odd/5": {"at": 7}, "/v1/odd/run": {"id": "x"}}
ODD = {"at": "2026-01-02T03:04:05Z", "shape": {"kind": "circle", "radius": 2}, "next": None, "results": ["a"]}
ODD["other"] = "o"

def answer(request):
    print(request.method, request.url.path, request.headers.get("x-dry"), request.content.decode())
    return httpx.Response(200, json=ANSWERS.get(request.url.path, ODD))

client = Replicate("r8_x", base_url="http://x", transport=httpx.MockTransport(answer))
print(client.account.usage().total, client.odd.get(5, x_dry=True).at)
made = client.odd.create(level=2, word='say "hi"', shape={"kind": "square", "side": 1})
print(made.at.year, type(made.shape).__name__, made.shape.radius)
try:
    client.odd.create(level=3)
except ValueError as refused:
    print(refused)
print(list(client.odd.list()), type(client.odd.put()).__name__, client.odd.put().other)
print(type(client.odd.run(input={"file": io.BytesIO(b"x")})).__name__)
"""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}){code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "GET /v1/account/usage None ",
        "GET /v1/odd/5 true ",
        "3 7",
        'POST /v1/odd None {"level":2,"word":"say \\"hi\\"","shape":{"kind":"square","side":1}}',
        "2026 Circle 2",
        "level must be 1, not 3; or level must be 2, not 3",
        "GET /v1/odd None ",
        "PUT /v1/odd None ",
        "PUT /v1/odd None ",
        "['a'] Prediction2 o",
        'POST /v1/odd/run None {"input":{"file":"data:application/octet-stream;base64,eA=="}}',
        "Prediction",
    ]


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ({"parameters": [{"in": "query", "name": "f", **json_of(TEXT)}]}, "parameter f"),
        ({"parameters": [{"in": "query", "name": "f", "schema": {"type": "object"}}]}, "parameter f"),
        ({"parameters": [{"in": "query", "name": "f", "explode": False, "schema": {"type": "array"}}]}, "parameter f"),
        ({"responses": {"404": {"description": "", **json_of({"$ref": "#/components/schemas/x"})}}}, "shape"),
        ({"responses": {"200": {"description": "", **json_of({"enum": ["a", "A"], "type": "string"})}}}, "Duplicate"),
        ({"operationId": "votes..list"}, "empty word"),
    ],
)
def test_what_would_be_lost_or_come_out_wrong_is_told(document, operation: dict, words: str, tmp_path: Path) -> None:
    document["paths"]["/odd"] = {"get": answering(of(a=TEXT), operationId="odd.get") | operation}
    with pytest.raises(generate.GenerationError, match=words):
        generate.generate(document, tmp_path / "replicate_api")
