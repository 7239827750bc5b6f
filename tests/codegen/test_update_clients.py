"""The clients after an update: new operations are methods, missing ones raise an error where they are used."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from codegen import changes, update
from openapi_documents import DOCUMENT, STRING, copy_repository, json_content, run_client_code


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the repository whose updates are not type-checked, which takes seconds."""
    monkeypatch.setattr(update, "_check", lambda root: None)
    return copy_repository(tmp_path)


CALL_NEW_OPERATIONS = """
import inspect, pathlib
import replicate_api, replicate_ext as replicate

assert pathlib.Path(replicate_api.__file__).is_relative_to(pathlib.Path.cwd())
for client in (replicate.Replicate("r8_x"), replicate.AsyncReplicate("r8_x")):
    for method in (client.votes.list, client.search.history.list, client.run_.now, client.odd_name.class_):
        print(inspect.signature(method), method.__doc__.splitlines()[0])
try:
    replicate.Replicate("r8_x").search(qeury="x")
except TypeError as error:
    print(str(error).partition('. Did')[0])  # what 3.13 adds
print(replicate.votes.list.__name__)
"""


def test_a_new_operation_is_a_method_of_both_clients(repository: Path) -> None:
    new = copy.deepcopy(DOCUMENT)
    responses = {"200": {"description": "x", **json_content({"type": "array", "items": STRING})}}
    new["paths"]["/votes"] = {"get": {"operationId": "votes.list", "responses": responses}}
    for number, (name, summary) in enumerate(
        {"search.history.list": "Past searches", "run.now": "Run", "odd-name.class": "Odd"}.items()
    ):
        operation = {"operationId": name, "summary": summary, "responses": responses}
        new["paths"][f"/new/{number}"] = {"get": operation}
    source = repository.parent / "new.json"
    source.write_text(json.dumps(new))
    update.update(str(source), repository, take_descriptions=True)
    lines = run_client_code(repository, CALL_NEW_OPERATIONS).splitlines()
    in_classes_with_a_list_method = [f"() -> 'builtins.list[str]' {one}" for one in ("`votes.list`.", "Past searches.")]
    methods = [*in_classes_with_a_list_method, *(f"() -> 'list[str]' {summary}." for summary in ("Run", "Odd"))]
    assert lines == [*methods, *methods, "Search.__call__() got an unexpected keyword argument 'qeury'", "list"]


CALL_MISSING_OPERATIONS = """
import asyncio, httpx, replicate_ext as replicate
from replicate_api.errors import MissingOperation

def handle(request):
    assert {"prefer", "cancel-after"}.isdisjoint(request.headers)
    job = {"id": "j1", "status": "succeeded", "output": "done", "input": {}, "urls": {}, "model": "acme/hello"}
    return httpx.Response(200, json=job)

client = replicate.Replicate("r8_x", transport=httpx.MockTransport(handle))
print(client.run("acme/hello", {"text": "x"}, timeout=60))
for expression in ("client.search", "client.files", "client.predictions.list", "replicate.search"):
    try:
        eval(expression)
    except AttributeError as error:
        print(error)
for attempt in (lambda: client.run("acme/hello", {"file": bytes(300_000)}), lambda: client.webhooks.verify(b"", {})):
    try:
        attempt()
    except MissingOperation as error:
        print(error)

def interrupt(request):
    raise KeyboardInterrupt

client = replicate.Replicate("r8_x", transport=httpx.MockTransport(interrupt))
try:
    client.run("acme/hello", {"text": "x"})
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_missing_operation_is_an_error_where_it_is_used(repository: Path) -> None:
    old = copy.deepcopy(DOCUMENT)
    for path in [path for path in old["paths"] if path.startswith(("/search", "/files", "/webhooks"))]:
        del old["paths"][path]
    del old["paths"]["/predictions"]["get"]
    for item in old["paths"].values():
        for operation in item.values():
            operation["parameters"] = [one for one in operation.get("parameters", []) if "$ref" not in one]
    source = repository.parent / "old.json"
    source.write_text(json.dumps(old))
    found, _ = update.update(str(source), repository)
    removed = [f"`client.{name}`: removed" for name in ("search", "predictions.list", "files.create")]
    assert [change.effect for change in found if change.text in removed] == [changes.CALLERS] * 3
    lacks = "the OpenAPI document that this client was generated from has no such operation; available:"
    lines = run_client_code(repository, CALL_MISSING_OPERATIONS).splitlines()
    assert lines[0] == "done"
    assert [line.partition(lacks)[0] for line in lines[1:5]] == [
        "Replicate has no 'search': ",
        "Replicate has no 'files': ",
        "Predictions has no 'list': ",
        "Replicate has no 'search': ",
    ]
    assert lines[3].endswith("available: cancel, create, get")
    missing = "the OpenAPI document that this client was generated from has no operation {}"
    assert lines[5:] == [missing.format("files.create"), missing.format("webhooks.default.secret.get"), "interrupted"]


CALL_UNDESCRIBED_OPERATIONS = """
import httpx, replicate_ext as replicate

def handle(request):
    assert request.method == "GET"
    return httpx.Response(200, json={"id": "j1"}) if request.url.path.endswith("j1") else httpx.Response(200, text="ok")

client = replicate.Replicate("r8_x", transport=httpx.MockTransport(handle))
print(client.predictions.get("j1"), client.predictions.get("j2"))
for attempt in (lambda: client.run("acme/hello", {}), lambda: client.wait("j1"), lambda: replicate.Prediction):
    try:
        attempt()
    except AttributeError as error:
        print(error)
"""


def test_responses_that_the_document_does_not_describe_are_returned_as_json_or_text(repository: Path) -> None:
    old = copy.deepcopy(DOCUMENT)
    for item in old["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if status[0] == "2":
                    response.pop("content", None)
    schemas = old["components"]["schemas"]
    old["components"]["schemas"] = {name: schema for name, schema in schemas.items() if name.endswith("_request")}
    source = repository.parent / "old.json"
    source.write_text(json.dumps(old))
    update.update(str(source), repository)
    missing = "the OpenAPI document that this client was generated from has no model Prediction"
    lines = run_client_code(repository, CALL_UNDESCRIBED_OPERATIONS).splitlines()
    assert lines == ["{'id': 'j1'} ok", missing, missing, missing]
