"""Generation: reproducible, complete or an error, and nothing written on an error."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import generate as generate_command
from codegen import generate, replace
from openapi_documents import DOCUMENT, ROOT, STRING, json_content, object_schema, operation_returning


@pytest.fixture
def document() -> dict[str, Any]:
    return copy.deepcopy(DOCUMENT)


def test_the_generated_code_is_up_to_date(tmp_path: Path) -> None:
    generate.generate(DOCUMENT, tmp_path)
    assert generate.differences(generate.ROOT, tmp_path) == []


def test_differences_lists_changed_and_missing_files(tmp_path: Path) -> None:
    left, right = tmp_path / "left" / generate.PACKAGE, tmp_path / "right" / generate.PACKAGE
    left.mkdir(parents=True)
    right.mkdir(parents=True)
    (left / "a.py").write_text("1")
    (left / "same.py").write_text("1")
    (right / "same.py").write_text("1")
    (right / "b.py").write_text("1")
    a, b = f"{generate.PACKAGE.as_posix()}/a.py", f"{generate.PACKAGE.as_posix()}/b.py"
    assert generate.differences(tmp_path / "left", tmp_path / "right") == [a, b]
    (right / "a.py").write_text("2")
    (left / "b.py").write_text("1")
    assert generate.differences(tmp_path / "left", tmp_path / "right") == [a]


def test_the_runtime_is_copied_byte_for_byte(tmp_path: Path) -> None:
    generate.generate(DOCUMENT, tmp_path)
    for name in generate.RUNTIME:
        source = ROOT / "scripts/codegen/runtime" / name
        assert (tmp_path / generate.PACKAGE / name).read_bytes() == source.read_bytes()


def unsupported_request_body(document: dict[str, Any]) -> None:
    content = document["paths"]["/models"]["post"]["requestBody"]["content"]
    content["application/xml"] = content.pop("application/json")


def unsupported_response(document: dict[str, Any]) -> None:
    content = document["paths"]["/account"]["get"]["responses"]["200"]["content"]
    content["application/xml"] = content.pop("application/json")


def one_of_two_responses_unsupported(document: dict[str, Any]) -> None:
    content = document["paths"]["/predictions"]["post"]["responses"]["202"]["content"]
    content["application/xml"] = content.pop("application/json")


def dangling_reference(document: dict[str, Any]) -> None:
    response = document["paths"]["/collections"]["get"]["responses"]["200"]
    response["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/nowhere"}


def broken_schema(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["schemas_model_response"]
    schema["properties"]["broken"] = {"$ref": "#/components/schemas/nowhere"}


def schema_names_taken(document: dict[str, Any]) -> None:
    for name in ("Account", "AccountGetResult"):
        document["components"]["schemas"][name] = {"type": "object", "properties": {"else": {"type": "string"}}}


def no_operation_id(document: dict[str, Any]) -> None:
    del document["paths"]["/account"]["get"]["operationId"]


def duplicate_operation_id(document: dict[str, Any]) -> None:
    document["paths"]["/elsewhere"] = {"get": {"operationId": "account.get"}}


def duplicate_module_name(document: dict[str, Any]) -> None:
    document["paths"]["/elsewhere"] = {"get": {"operationId": "account_get"}}


def duplicate_attribute_path(document: dict[str, Any]) -> None:
    document["paths"]["/elsewhere"] = {"get": {"operationId": "account.g!t"}}
    document["paths"]["/elsewhere2"] = {"get": {"operationId": "account.g?t"}}


def referenced_path(document: dict[str, Any]) -> None:
    document["paths"]["/elsewhere"] = {"$ref": "#/components/pathItems/x"}


def additional_operations(document: dict[str, Any]) -> None:
    document["paths"]["/elsewhere"] = {"additionalOperations": {"COPY": {"operationId": "x.copy", "responses": {}}}}


def undeclared_path_parameter(document: dict[str, Any]) -> None:
    del document["paths"]["/predictions/{prediction_id}"]["get"]["parameters"]


def two_success_types(document: dict[str, Any]) -> None:
    responses = document["paths"]["/predictions"]["post"]["responses"]
    responses["202"] = {"description": "", "content": {"text/event-stream": {}}}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (unsupported_request_body, "POST /models"),
        (unsupported_response, "GET /account"),
        (one_of_two_responses_unsupported, "POST /predictions"),
        (dangling_reference, "GET /collections"),
        (broken_schema, "schemas|Model"),
        (schema_names_taken, "two different schemas would have the names Account and AccountGetResult"),
        (no_operation_id, "GET /account has no operationId"),
        (duplicate_operation_id, "another operation has the operationId account.get"),
        (duplicate_module_name, "another operation has the same module name: account.get"),
        (duplicate_attribute_path, "another operation has the same .*: account.g"),
        (referenced_path, "/elsewhere: `\\$ref` is not supported"),
        (additional_operations, "/elsewhere: `additionalOperations` is not supported"),
        (undeclared_path_parameter, "GET /predictions/{prediction_id}"),
        (two_success_types, "predictions.create .* beside another response"),
    ],
)
def test_what_the_generator_would_drop_is_an_error_and_leaves_the_output_unchanged(
    document: dict[str, Any], edit: Callable[[dict[str, Any]], None], message: str, tmp_path: Path
) -> None:
    edit(document)
    for output in generate.OUTPUTS:
        (tmp_path / output).mkdir(parents=True)
        (tmp_path / output / "kept.py").write_text("kept")
    with pytest.raises(generate.GenerationError, match=message):
        generate.generate(document, tmp_path)
    for output in generate.OUTPUTS:
        assert [path.name for path in (tmp_path / output).iterdir()] == ["kept.py"]


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"responses": {"404": {"description": "", **json_content({"$ref": "#/components/schemas/x"})}}}, "structure"),
        ({"responses": {"200": {"description": "", **json_content({"enum": ["a", "A"], **STRING})}}}, "Duplicate"),
        ({"operationId": "votes..list"}, "empty word"),
    ],
)
def test_an_unsupported_operation_is_an_error(
    document: dict[str, Any], operation: dict[str, Any], message: str, tmp_path: Path
) -> None:
    document["paths"]["/new"] = {"get": operation_returning(object_schema(a=STRING), operationId="new.get") | operation}
    with pytest.raises(generate.GenerationError, match=message):
        generate.generate(document, tmp_path)


def test_the_document_itself_is_not_changed(document: dict[str, Any], tmp_path: Path) -> None:
    generate.generate(document, tmp_path)
    assert document == DOCUMENT


def test_generate_command_waits_for_a_running_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.json").write_text("[]")
    locked: list[Path] = []
    monkeypatch.setattr(replace, "lock", lambda root: nullcontext(locked.append(root)))
    monkeypatch.setattr(sys, "argv", ["generate", "--document", str(tmp_path / "broken.json"), "--root", str(tmp_path)])
    assert generate_command.main() == 2
    assert locked == [tmp_path]


def test_generate_command_exit_codes_and_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["generate", *arguments])
        return generate_command.main(), capsys.readouterr().err

    assert run("--check") == (0, "")
    code, error = run("--check", "--root", str(tmp_path))
    assert code == 1
    assert "generated/replicate_api/client.py" in error
    assert "replicate_ext/_generated/resources.py" in error
    (tmp_path / "broken.json").write_text(json.dumps(DOCUMENT | {"paths": {"/x": {"get": {"responses": {}}}}}))
    code, error = run("--document", str(tmp_path / "broken.json"), "--root", str(tmp_path / "out"))
    assert code == 2
    assert "GET /x has no operationId" in error
