"""Updates to a new OpenAPI document: all or nothing."""

from __future__ import annotations

import copy
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import dry_run
from codegen import changes, descriptions, replace, update
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
    missing = 1 + json.dumps(DOCUMENT).count(descriptions.PLACEHOLDER)
    assert notes == [f'openapi.json: {missing} descriptions are missing; search for "{descriptions.PLACEHOLDER}"']
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


def fail_to_rename(path: Path, target: Path, rename: Callable[[Path, Path], Path] = Path.rename) -> Path:
    """Fail to move the new `openapi.json` to its place; the old one has been moved away before."""
    if path.parts[-2:] == ("new", "openapi.json"):
        raise OSError("the file is locked")
    return rename(path, target)


def test_a_failure_while_replacing_restores_everything(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = repository.parent / "new.json"
    source.write_text(json.dumps(with_new_operation()))
    before = file_contents(repository)
    monkeypatch.setattr(Path, "rename", fail_to_rename)
    with pytest.raises(OSError, match="file is locked"):
        update.update(str(source), repository)
    assert file_contents(repository) == before


def test_the_next_update_restores_what_a_killed_one_had_replaced(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file_contents(repository)
    with monkeypatch.context() as killed:
        killed.setattr(Path, "rename", fail_to_rename)
        killed.setattr(replace, "recover", lambda root: False)
        with pytest.raises(OSError, match="file is locked"):
            replace.replace(repository, ROOT, update.TARGETS)
    assert not (repository / "openapi.json").exists()
    found, notes = update.update(str(ROOT / "openapi.json"), repository)
    assert (found, notes) == ([], ["an earlier update was interrupted, so what it had replaced was restored first"])
    assert file_contents(repository) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot lock folders")
def test_two_updates_run_one_after_the_other(repository: Path) -> None:
    source, found = repository.parent / "new.json", []
    source.write_text(json.dumps(with_new_operation()))
    second = threading.Thread(target=lambda: found.extend(update.update(str(source), repository)))
    with replace.lock(repository):  # as the first update does
        second.start()
        second.join(0.02)
        (repository / "openapi.json").write_text(json.dumps(with_new_operation()))
    second.join(60)
    assert found == [[], []]


def test_dry_run_of_earlier_documents(capsys: pytest.CaptureFixture[str]) -> None:
    history = [*sorted(shared("upstream").glob("history/*")), *shared("upstream").glob("openapi-*.json")]
    history = history[::3]  # test_earlier_documents.py generates all, and finds that it makes no difference after which
    assert dry_run.main([str(path) for path in history]) == 0
    rows = capsys.readouterr().out.splitlines()
    counts = ["27", "35", "37"]
    assert [row.split()[:2] for row in rows[1:]] == [[path.name, n] for path, n in zip(history, counts, strict=True)]


def test_dry_run_reports_a_failing_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.json").write_text("[]")
    assert dry_run.main([str(tmp_path / "bad.json")]) == 1
    assert "not an OpenAPI document" in capsys.readouterr().out
    assert dry_run.main([]) == 2
