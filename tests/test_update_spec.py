"""Taking over a new document: all or nothing."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

import changes
import rehearse
import update_spec
from conftest import shared

ROOT = Path(__file__).parents[1]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "openapi.json").read_text())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of what an update may change."""
    shutil.copy(ROOT / "openapi.json", tmp_path)
    shutil.copytree(ROOT / "generated", tmp_path / "generated", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture(autouse=True)
def _types_are_checked_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the check of the types, which takes seconds, to one of these tests."""
    if not request.node.name.endswith("[json]"):
        monkeypatch.setattr(update_spec, "_check", lambda package: None)


def state(tree: Path) -> dict[str, bytes]:
    return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


VOTES = {"type": "array", "items": {"type": "string"}}


def changed() -> dict[str, Any]:
    new = copy.deepcopy(DOCUMENT)
    new["paths"]["/votes"] = {
        "get": {
            "operationId": "votes.list",
            "description": "Words of theirs.",
            "responses": {"200": {"description": "x", "content": {"application/json": {"schema": VOTES}}}},
        }
    }
    return new


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_a_new_operation_is_taken_over_in_our_words(tree: Path, suffix: str) -> None:
    source = tree.parent / f"new-{suffix}.{suffix}"
    source.write_text(json.dumps(changed()) if suffix == "json" else yaml.safe_dump(changed()))
    before = state(tree)
    found, remarks = update_spec.update(str(source), tree)
    assert [(one.effect, one.text, one.methods) for one in found] == [
        (changes.SAFE, "votes.list added", ["client.votes.list"])
    ]
    assert remarks == []
    after = json.loads((tree / "openapi.json").read_text())
    assert after["paths"]["/votes"]["get"]["summary"] == "votes.list"
    assert "Words of theirs" not in (tree / "openapi.json").read_text()
    assert after["paths"]["/search"] == DOCUMENT["paths"]["/search"]
    assert (tree / "generated/replicate_api/api/votes/votes_list.py").exists()
    assert {name for name in before if "generated" in name} <= state(tree).keys()
    assert update_spec.update(str(source), tree) == ([], ["only prose differs: --prose takes it"])


def upstairs(tree: Path, code: str) -> str:
    """Return what a program prints that uses our upper floor on the generated package of a tree."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "generated"), "REPLICATE_API_TOKEN": "r8_x"}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


NEW = """
import inspect
import replicate_api, replicate_ext as replicate

assert "main/generated" not in replicate_api.__file__
for client in (replicate.Replicate("r8_x"), replicate.AsyncReplicate("r8_x")):
    for method in (client.votes.list, client.search.history.list, client.run_.now, client.odd_name.class_):
        print(inspect.signature(method), method.__doc__.splitlines()[0])
try:
    replicate.Replicate("r8_x").search(qeury="x")
except TypeError as error:
    print(str(error).partition('. Did')[0])  # what 3.13 adds
print(replicate.votes.list.__name__)
"""


def test_a_new_operation_is_a_method_of_both_clients_by_itself(tree: Path) -> None:
    new = changed()
    simple = {"200": {"description": "x", "content": {"application/json": {"schema": VOTES}}}}
    for number, (name, summary) in enumerate(
        {"search.history.list": "Past searches", "run.now": "Run", "odd-name.class": "Odd"}.items()
    ):
        new["paths"][f"/new/{number}"] = {"get": {"operationId": name, "summary": summary, "responses": simple}}
    source = tree.parent / "new.json"
    source.write_text(json.dumps(new))
    update_spec.update(str(source), tree, prose=True)
    lines = upstairs(tree, NEW).splitlines()
    one = ["() -> 'list[str]' votes.list", "() -> 'list[str]' Past searches", "() -> 'list[str]' Run"]
    one += ["() -> 'list[str]' Odd"]
    assert lines == [*one, *one, "search() got an unexpected keyword argument 'qeury'", "list"]


GONE = """
import asyncio, httpx, replicate_ext as replicate
from replicate_api.errors import MissingOperation

def server(request):
    assert {"prefer", "cancel-after"}.isdisjoint(request.headers)
    job = {"id": "j1", "status": "succeeded", "output": "done", "input": {}, "urls": {}, "model": "acme/hello"}
    return httpx.Response(200, json=job)

client = replicate.Replicate("r8_x", transport=httpx.MockTransport(server))
print(client.run("acme/hello", {"text": "x"}, timeout=60))
for what in ("client.search", "client.files", "client.predictions.list", "replicate.search"):
    try:
        eval(what)
    except AttributeError as error:
        print(error)
for attempt in (lambda: client.run("acme/hello", {"file": bytes(300_000)}), lambda: client.webhooks.verify(b"", {})):
    try:
        attempt()
    except MissingOperation as error:
        print(error)

def interrupted(request):
    raise KeyboardInterrupt

client = replicate.Replicate("r8_x", transport=httpx.MockTransport(interrupted))
try:
    client.run("acme/hello", {"text": "x"})
except KeyboardInterrupt:
    print("interrupted")
"""


def test_what_vanished_is_missed_where_it_is_used(tree: Path) -> None:
    old = copy.deepcopy(DOCUMENT)
    for path in [path for path in old["paths"] if path.startswith(("/search", "/files", "/webhooks"))]:
        del old["paths"][path]
    del old["paths"]["/predictions"]["get"]
    for item in old["paths"].values():
        for operation in item.values():
            operation["parameters"] = [one for one in operation.get("parameters", []) if "$ref" not in one]
    source = tree.parent / "old.json"
    source.write_text(json.dumps(old))
    found, _ = update_spec.update(str(source), tree)
    gone = [one for one in found if one.text in ("search removed", "predictions.list removed", "files.create removed")]
    assert [one.effect for one in gone] == [changes.CALLERS] * 3
    lacks = "there is no such operation in the document that this client was generated from; it has"
    lines = upstairs(tree, GONE).splitlines()
    assert lines[0] == "done"
    assert [line.partition(lacks)[0] for line in lines[1:5]] == [
        "Replicate has no 'search': ",
        "Replicate has no 'files': ",
        "Predictions has no 'list': ",
        "Replicate has no 'search': ",
    ]
    assert lines[3].endswith("it has cancel, create, get")
    missing = "there is no operation {} in the document that this client was generated from"
    assert lines[5:] == [missing.format("files.create"), missing.format("webhooks.default.secret.get"), "interrupted"]


UNSAID = """
import httpx, replicate_ext as replicate

def server(request):
    assert request.method == "GET"
    return httpx.Response(200, json={"id": "j1"}) if request.url.path.endswith("j1") else httpx.Response(200, text="ok")

client = replicate.Replicate("r8_x", transport=httpx.MockTransport(server))
print(client.predictions.get("j1"), client.predictions.get("j2"))
for attempt in (lambda: client.run("acme/hello", {}), lambda: client.wait("j1"), lambda: replicate.Prediction):
    try:
        attempt()
    except AttributeError as error:
        print(error)
"""


def test_a_document_that_does_not_describe_its_answers(tree: Path) -> None:
    old = copy.deepcopy(DOCUMENT)
    for item in old["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if status[0] == "2":
                    response.pop("content", None)
    schemas = old["components"]["schemas"]
    old["components"]["schemas"] = {name: schema for name, schema in schemas.items() if name.endswith("_request")}
    source = tree.parent / "old.json"
    source.write_text(json.dumps(old))
    update_spec.update(str(source), tree)
    told = "there is no model Prediction in the document that this client was generated from"
    assert upstairs(tree, UNSAID).splitlines() == ["{'id': 'j1'} ok", told, told, told]


def test_the_same_contract_changes_nothing(tree: Path) -> None:
    source = tree.parent / "same.json"
    other = copy.deepcopy(DOCUMENT)
    other["paths"]["/search"]["get"]["description"] = "Other words."
    source.write_text(json.dumps(other))
    before = state(tree)
    assert update_spec.update(str(source), tree) == ([], ["only prose differs: --prose takes it"])
    assert update_spec.update(str(ROOT / "openapi.json"), tree) == ([], [])
    assert state(tree) == before
    update_spec.update(str(source), tree, prose=True)
    assert "Other words." in (tree / "openapi.json").read_text()


BAD = {
    "no file": None,
    "an HTML page": b"<html><body>503</body></html>",
    "not UTF-8": b"\xff\xfe\x00",
    "a list": b"[1, 2]",
    "Swagger 2": b'{"swagger": "2.0", "paths": {"/x": {}}}',
    "no paths": b'{"openapi": "3.1.0", "paths": {}}',
    "odd paths": b'{"openapi": "3.1.0", "paths": {"/x": {"get": 5}}}',
    "too large": b" " * 2000,
    "half": json.dumps(DOCUMENT).encode()[:1500],
    "no operationId": b'{"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {"/x": {"get": {}}}}',
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_taken_over_leaves_everything_as_it_was(tree: Path, what: str, monkeypatch) -> None:
    source = tree.parent / "bad.json"
    content = BAD[what]
    if content is not None:
        source.write_bytes(content)
    if what == "too large":
        monkeypatch.setattr(update_spec, "LARGEST", 1000)
    before = state(tree)
    with pytest.raises(update_spec.UpdateError):
        update_spec.update(str(source), tree)
    assert state(tree) == before


def test_what_is_generated_is_imported_and_type_checked(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.undo()
    package = tmp_path / "replicate_api"
    package.mkdir()
    (package / "__init__.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(update_spec.UpdateError, match="nothing_of_this_name"):
        update_spec._check(package)
    (package / "__init__.py").write_text("x: int = 'text'\n")
    with pytest.raises(update_spec.UpdateError, match="Incompatible types"):
        update_spec._check(package)


def test_a_failure_in_the_middle_is_undone(tree: Path, monkeypatch) -> None:
    source = tree.parent / "new.json"
    source.write_text(json.dumps(changed()))
    before = state(tree)

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(update_spec.os, "replace", fail)
    with pytest.raises(OSError, match="disk is full"):
        update_spec.update(str(source), tree)
    assert state(tree) == before


@pytest.fixture
def site() -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(changed()).encode()
            self.send_response(200 if self.path == "/openapi.json" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.shutdown()
    site.server_close()
    thread.join()


def test_it_comes_from_a_url(site: ThreadingHTTPServer, monkeypatch) -> None:
    base = f"http://127.0.0.1:{site.server_port}"
    assert update_spec.parsed(update_spec.fetch(f"{base}/openapi.json"), base)["paths"]["/votes"]
    with pytest.raises(update_spec.UpdateError, match="404"):
        update_spec.fetch(f"{base}/nothing")
    monkeypatch.setattr(update_spec, "LARGEST", 1000)
    with pytest.raises(update_spec.UpdateError, match="more than 1,000 bytes"):
        update_spec.fetch(f"{base}/openapi.json")


def test_the_command(monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SPEC_URL", str(ROOT / "openapi.json"))
    assert update_spec.main([]) == 0
    assert "nothing has changed" in capsys.readouterr().err
    assert update_spec.main(["--source", "nowhere.json"]) == 2
    assert "nothing was changed" in capsys.readouterr().err


def test_the_documents_of_the_past_come_out_one_after_another(capsys: pytest.CaptureFixture[str]) -> None:
    history = [*sorted(shared("upstream").glob("history/*")), *shared("upstream").glob("openapi-*.json")]
    assert rehearse.main([str(path) for path in history]) == 0
    rows = capsys.readouterr().out.splitlines()
    counts = ["27", "27", "34", "35", "36", "36", "37"]
    assert [row.split()[:2] for row in rows[1:]] == [[path.name, n] for path, n in zip(history, counts, strict=True)]


def test_a_rehearsal_says_what_does_not_come_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.json").write_text("[]")
    assert rehearse.main([str(tmp_path / "bad.json")]) == 1
    assert "not an OpenAPI document" in capsys.readouterr().out
    assert rehearse.main([]) == 2
