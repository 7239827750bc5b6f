"""Updates to a new OpenAPI document: all or nothing."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

import dry_run
import update_spec
from codegen import changes, generate, update
from conftest import shared
from openapi_documents import DOCUMENT, ROOT, STRING, copy_repository, json_content


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return copy_repository(tmp_path)


@pytest.fixture(autouse=True)
def _check_generated_code_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Import and type-check the generated code, which takes seconds, in one test only."""
    if not request.node.name.endswith("[json]"):
        monkeypatch.setattr(update, "_check", lambda root: None)


def file_contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def with_new_operation() -> dict[str, Any]:
    new = copy.deepcopy(DOCUMENT)
    response = {"description": "x", **json_content({"type": "array", "items": STRING})}
    operation = {"operationId": "votes.list", "description": "Words of theirs.", "responses": {"200": response}}
    new["paths"]["/votes"] = {"get": operation}
    return new


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_a_new_operation_is_added_without_its_description(repository: Path, suffix: str) -> None:
    new = with_new_operation()
    source = repository.parent / f"new-{suffix}.{suffix}"
    source.write_text(json.dumps(new) if suffix == "json" else yaml.safe_dump(new))
    before = file_contents(repository)
    found, notes = update.update(str(source), repository)
    assert [(change.effect, change.text, change.methods) for change in found] == [
        (changes.SAFE, "`client.votes.list`: new", ["client.votes.list"])
    ]
    assert notes == []
    after = json.loads((repository / "openapi.json").read_text())
    assert after["paths"]["/votes"]["get"]["summary"] == "votes.list"
    assert "Words of theirs" not in (repository / "openapi.json").read_text()
    assert after["paths"]["/search"] == DOCUMENT["paths"]["/search"]
    assert (repository / "generated/replicate_api/api/votes/votes_list.py").exists()
    assert "op.VOTES_LIST" in (repository / "replicate_ext/_generated/resources.py").read_text()
    assert before.keys() <= file_contents(repository).keys()
    assert update.update(str(source), repository) == ([], ["only descriptions differ: --prose takes them"])


def test_an_equal_contract_changes_nothing(repository: Path) -> None:
    source = repository.parent / "same.json"
    other = copy.deepcopy(DOCUMENT)
    other["paths"]["/search"]["get"]["description"] = "Other words."
    source.write_text(json.dumps(other))
    before = file_contents(repository)
    assert update.update(str(source), repository) == ([], ["only descriptions differ: --prose takes them"])
    assert update.update(str(ROOT / "openapi.json"), repository) == ([], [])
    assert file_contents(repository) == before
    update.update(str(source), repository, take_descriptions=True)
    assert "Other words." in (repository / "openapi.json").read_text()


INVALID = {
    "no file": None,
    "an HTML page": b"<html><body>503</body></html>",
    "not UTF-8": b"\xff\xfe\x00",
    "a list": b"[1, 2]",
    "Swagger 2": b'{"swagger": "2.0", "paths": {"/x": {}}}',
    "no paths": b'{"openapi": "3.1.0", "paths": {}}',
    "invalid paths": b'{"openapi": "3.1.0", "paths": {"/x": {"get": 5}}}',
    "too large": b" " * 2000,
    "truncated": json.dumps(DOCUMENT).encode()[:1500],
    "no operationId": b'{"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {"/x": {"get": {}}}}',
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_document_is_an_error_and_changes_nothing(repository: Path, name: str, monkeypatch) -> None:
    source = repository.parent / "invalid.json"
    content = INVALID[name]
    if content is not None:
        source.write_bytes(content)
    if name == "too large":
        monkeypatch.setattr(update, "MAX_DOCUMENT_SIZE", 1000)
    before = file_contents(repository)
    with pytest.raises(update.UpdateError):
        update.update(str(source), repository)
    assert file_contents(repository) == before


@pytest.mark.parametrize("module", [generate.PACKAGE / "__init__.py", generate.NAMESPACES / "resources.py"])
def test_the_generated_code_is_imported(repository: Path, module: Path, monkeypatch) -> None:
    monkeypatch.undo()
    (repository / module).write_text("import nothing_of_this_name\n")
    with pytest.raises(update.UpdateError, match="nothing_of_this_name"):
        update._check(repository)


def test_the_generated_code_is_type_checked(repository: Path, monkeypatch) -> None:
    monkeypatch.undo()
    for folder in generate.OUTPUTS:
        (repository / folder / "wrong.py").write_text("x: int = 'text'\n")
    with pytest.raises(update.UpdateError) as caught:
        update._check(repository)
    for folder in generate.OUTPUTS:
        assert f"{folder / 'wrong.py'}:1: error: Incompatible types" in str(caught.value)


def test_a_failure_while_replacing_restores_everything(repository: Path, monkeypatch) -> None:
    source = repository.parent / "new.json"
    source.write_text(json.dumps(with_new_operation()))
    before = file_contents(repository)

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(update.os, "replace", fail)
    with pytest.raises(OSError, match="disk is full"):
        update.update(str(source), repository)
    assert file_contents(repository) == before


@pytest.fixture
def http_server() -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(with_new_operation()).encode()
            self.send_response(200 if self.path == "/openapi.json" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_fetch_from_a_url(http_server: ThreadingHTTPServer, monkeypatch) -> None:
    base_url = f"http://127.0.0.1:{http_server.server_port}"
    assert update.parse(update.fetch(f"{base_url}/openapi.json"), base_url)["paths"]["/votes"]
    with pytest.raises(update.UpdateError, match="404"):
        update.fetch(f"{base_url}/nothing")
    monkeypatch.setattr(update, "MAX_DOCUMENT_SIZE", 1000)
    with pytest.raises(update.UpdateError, match="more than 1,000 bytes"):
        update.fetch(f"{base_url}/openapi.json")


def test_update_spec_command(monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SPEC_URL", str(ROOT / "openapi.json"))
    assert update_spec.main([]) == 0
    assert "the OpenAPI document has not changed" in capsys.readouterr().err
    assert update_spec.main(["--source", "nowhere.json"]) == 2
    assert "nothing was changed" in capsys.readouterr().err


def test_dry_run_of_all_earlier_documents(capsys: pytest.CaptureFixture[str]) -> None:
    history = [*sorted(shared("upstream").glob("history/*")), *shared("upstream").glob("openapi-*.json")]
    assert dry_run.main([str(path) for path in history]) == 0
    rows = capsys.readouterr().out.splitlines()
    counts = ["27", "27", "34", "35", "36", "36", "37"]
    assert [row.split()[:2] for row in rows[1:]] == [[path.name, n] for path, n in zip(history, counts, strict=True)]


def test_dry_run_reports_a_failing_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.json").write_text("[]")
    assert dry_run.main([str(tmp_path / "bad.json")]) == 1
    assert "not an OpenAPI document" in capsys.readouterr().out
    assert dry_run.main([]) == 2
