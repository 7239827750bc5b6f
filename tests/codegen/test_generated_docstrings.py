"""The docstrings of generated code: sections, the words of OpenAPI, and the examples of `docstrings.yaml`."""

from __future__ import annotations

import ast
import copy
import inspect
from typing import Any

import griffe
import pytest

from codegen import docstrings, generate
from codegen.docstrings import Section, wrap, write
from openapi_documents import DOCUMENT, STRING, json_content, object_schema, operation_returning
from replicate_api.api import OPERATIONS
from replicate_ext import Replicate
from replicate_ext._sansio import error_response
from replicate_ext._sansio.retry import is_idempotent

PATHS = {operation["operationId"]: path for path, item in DOCUMENT["paths"].items() for operation in item.values()}
EVENT_STREAM = {"200": {"description": "Status 200.", "content": {"text/event-stream": {}}}}


def method_of(operation_id: str) -> Any:
    method: Any = Replicate("r8_x")
    for name in operation_id.replace("-", "_").split("."):
        method = getattr(method, name)
    return method


def read(text: str) -> dict[str, Any]:
    """Return the sections of a docstring, as documentation tools read them."""
    return {section.kind.value: section.value for section in griffe.Docstring(text).parse("google")}


@pytest.mark.parametrize("operation_id", sorted(OPERATIONS))
def test_every_method_has_a_complete_docstring(operation_id: str) -> None:
    method = method_of(operation_id)
    text = inspect.getdoc(method) or ""
    sections, signature = read(text), inspect.signature(method)
    assert text.partition("\n")[0].endswith(".")
    assert [one.name for one in sections.get("parameters", ())] == list(signature.parameters)
    assert all(one.description for one in sections.get("parameters", ()))
    results = sections.get("returns") or sections.get("yields") or []
    assert [one.name for one in results] == ([] if signature.return_annotation == "None" else [""])
    assert sections["raises"][-1].annotation == "ReplicateError"
    assert ("NotFoundError" in text) == ("{" in PATHS[operation_id])


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the docstrings of the methods that are generated for new operations, in a document without `search`."""
    document = copy.deepcopy(DOCUMENT)
    document["paths"].pop("/search", None)
    created = {"201": {"description": "The vote.", **json_content(object_schema(id=STRING))}}
    failed = {"404": {"description": "There is no poll."}, "409": {"description": "You have voted."}, "503": {}}
    document["paths"] |= {
        "/votes": {"get": operation_returning(STRING, operationId="votes.get", summary="votes.get")},
        "/polls/{poll_id}/votes": {
            "post": {
                "operationId": "votes.create",
                "summary": 'Vote for "\\\\a"',
                "description": 'Not """twice""".',
                "deprecated": True,
                "parameters": [{"name": "poll_id", "in": "path", "required": True, "schema": STRING}],
                "requestBody": {"required": True, **json_content(object_schema(input={"type": "object"}))},
                "responses": {**created, **{status: {"description": "", **one} for status, one in failed.items()}},
            }
        },
        "/votes/events": {"get": {"operationId": "votes.watch", "responses": EVENT_STREAM}},
    }
    folder = tmp_path_factory.mktemp("generated")
    notes = generate.generate(document, folder)
    module = ast.parse((folder / generate.NAMESPACES / "resources.py").read_text(encoding="utf-8"))
    [votes] = [node for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Votes"]
    methods = [node for node in votes.body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)]
    found = {node.name: ast.get_docstring(node) or "" for node in methods}
    return found | {"class": ast.get_docstring(votes) or "", "notes": "\n".join(notes)}


def test_an_operation_that_is_not_described_yet_has_a_docstring(generated: dict[str, str]) -> None:
    assert generated["get"].splitlines() == [
        "`votes.get`.",
        "",
        "Returns:",
        "    The content of the response.",
        "",
        "Raises:",
        '    ReplicateError: The request failed; see "Errors" for the tree.',
    ]
    assert generated["class"] == "`client.votes` has `create`, `get` and `watch`."


def test_texts_of_the_document_are_escaped(generated: dict[str, str]) -> None:
    assert generated["create"].splitlines()[:5] == ['Vote for "\\\\a".', "", "Not '''twice'''.", "", "Deprecated."]


def test_errors_are_those_of_the_shape_of_an_operation_and_those_that_are_described(generated: dict[str, str]) -> None:
    raised = {one.annotation: " ".join(one.description.split()) for one in read(generated["create"])["raises"]}
    assert list(raised.items())[:4] == [
        ("NotFoundError", "There is no poll."),
        ("InvalidRequestError", "The server does not accept the arguments."),
        ("PaymentRequiredError, RateLimitError", raised["PaymentRequiredError, RateLimitError"]),
        ("APIStatusError", "You have voted."),
    ]
    assert raised["ReplicateError"] == f"{docstrings.FAILURE} {docstrings.UNCERTAIN}"
    assert docstrings.INPUT_NOTE in " ".join(generated["create"].split())


def test_events_and_items_are_yielded(generated: dict[str, str]) -> None:
    assert read(generated["watch"])["yields"][0].description == "One `Event` after another, as the server sends them."
    [yielded] = read(inspect.getdoc(method_of("predictions.list")) or "")["yields"]
    assert yielded.description == "One `Prediction` after another; pages are fetched as you iterate."


def test_operations_that_are_not_idempotent_warn_of_a_second_effect() -> None:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            text = inspect.getdoc(method_of(operation["operationId"])) or ""
            assert ("`maybe_created_after`" in text) != is_idempotent(method.upper(), path), operation["operationId"]


def test_the_classes_of_errors_are_those_of_the_client() -> None:
    classes = {str(status): cls.__name__ for status, cls in error_response._ERROR_BY_STATUS.items()}
    assert classes | {"5": "ServerError"} == docstrings.ERRORS


def test_an_example_of_a_removed_operation_waits_for_its_return(generated: dict[str, str]) -> None:
    note = "docstrings.yaml: examples.search: not used, since no operation has this id"
    assert note in generated["notes"]
    texts = docstrings.Texts.load(generate.DOCSTRINGS)
    search = {"get": {"operationId": "search"}}
    assert note not in texts.find_unused({"paths": {}, "x-removed": {"paths": {"/search": search}}})


def test_lines_are_wrapped_with_code_on_one_line() -> None:
    text = f"limit: {'word ' * 20}`a long call` of {'word ' * 30}\n\nSecond paragraph."
    lines = wrap(text, 4, hanging=4).splitlines()
    assert all(len(line) <= docstrings.WIDTH for line in lines)
    assert [line[:8].count(" ") for line in lines] == [4, 8, 8, 0, 8]
    assert "`a long call`" in lines[0] + lines[1]


def test_a_docstring_of_one_line_may_end_with_a_quote() -> None:
    assert write(['Say "hello"'], [], 0) == '"""Say "hello" """'
    assert write(["Text."], [Section("Examples", [], ">>> 1\n1\n"), Section("Args", [])], 4) == (
        '"""Text.\n\n    Examples:\n        >>> 1\n        1\n    """'
    )
