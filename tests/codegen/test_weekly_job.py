"""The weekly job: the whole of it, against a bare remote and a stand-in for GitHub's command line."""

from __future__ import annotations

import copy
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import weekly_job
from codegen import changes, update
from openapi_documents import DOCUMENT, ROOT, STRING, copy_repository, json_content

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the job runs on Linux")

GH = '''#!{python}
"""Pull requests and labels in a file, with the arguments and the errors of GitHub's command line."""
import argparse, json, os, pathlib, sys

if not os.environ.get("GH_TOKEN"):
    sys.exit("gh: To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable.")
file = pathlib.Path(__file__).with_name("github.json")
github = json.loads(file.read_text())
parser = argparse.ArgumentParser()
commands = parser.add_subparsers(dest="command", required=True)

def add(name, positional=(), options=(), flags=()):
    command = commands.add_parser(name)
    for argument in positional:
        command.add_argument(argument)
    for option in options:
        command.add_argument(option, action="append" if "label" in option else "store")
    for flag in flags:
        command.add_argument(flag, action="store_true")

add("label-create", ["name"], ["--color", "--description"], ["--force"])
add("pr-list", [], ["--head", "--base", "--state", "--json"])
add("pr-create", [], ["--base", "--head", "--label", "--title", "--body-file"])
add("pr-edit", ["number"], ["--add-label", "--remove-label", "--title", "--body-file"])
add("pr-close", ["number"], ["--comment"], ["--delete-branch"])
arguments = parser.parse_args(["-".join(sys.argv[1:3]), *sys.argv[3:]])
pulls = github["pulls"]

def labels(values):
    names = [name for value in values or [] for name in value.split(",")]
    for name in names:
        if name not in github["labels"]:
            sys.exit(f"could not add label: '{{name}}' not found")
    return set(names)

def write(pull):
    pull |= {{"title": arguments.title, "body": sys.stdin.read()}}
    if len(pull["body"]) > 65536:
        sys.exit("GraphQL: Body is too long (maximum is 65536 characters)")

if arguments.command == "label-create":
    if arguments.name in github["labels"] and not arguments.force:
        sys.exit("label already exists")
    github["labels"].append(arguments.name)
elif arguments.command == "pr-list":
    fields = {{"head": arguments.head, "base": arguments.base, "state": arguments.state.upper()}}
    print(json.dumps([{{"number": one["number"]}} for one in pulls if fields.items() <= one.items()]))
elif arguments.command == "pr-create":
    pull = {{"number": len(pulls) + 1, "head": arguments.head, "base": arguments.base, "state": "OPEN"}}
    if any(one["head"] == pull["head"] and one["state"] == "OPEN" for one in pulls):
        sys.exit("a pull request for this branch already exists")
    pull["labels"] = sorted(labels(arguments.label))
    write(pull)
    pulls.append(pull)
elif arguments.command == "pr-edit":
    [pull] = [one for one in pulls if str(one["number"]) == arguments.number]
    pull["labels"] = sorted((set(pull["labels"]) | labels(arguments.add_label)) - labels(arguments.remove_label))
    write(pull)
elif arguments.command == "pr-close":
    [pull] = [one for one in pulls if str(one["number"]) == arguments.number]
    pull |= {{"state": "CLOSED", "comment": arguments.comment}}
file.write_text(json.dumps(github))
'''

MAKEFILE = """
check:
\t@test -z "$$GH_TOKEN" && grep -q votes openapi.json generated/replicate_api/api/votes/*.py && echo checked
test:
\t@echo "FAILED tests/test_votes.py"; exit 1
interop:
\t@echo ran
"""
"""Checks that find the update, and no token."""

SAFE, BREAKING = (changes.Change(effect, effect, []) for effect in (changes.SAFE, changes.CALLERS))


class GitHub:
    """A checkout of the repository, its bare remote, and what the stand-in for `gh` did."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.remote = folder, folder / "checkout", folder / "remote.git"
        self.root.mkdir()
        copy_repository(self.root)
        (self.root / "Makefile").write_text(MAKEFILE)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote), cwd=folder)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "--all")
        self.git("-c", "user.name=me", "-c", "user.email=me@example.com", "commit", "--quiet", "-m", "First")
        self.git("remote", "add", "origin", str(self.remote))
        self.git("push", "--quiet", "origin", "main")
        (folder / "bin").mkdir()
        (folder / "bin/github.json").write_text(json.dumps({"pulls": [], "labels": ["bug"]}))
        (folder / "bin/gh").write_text(GH.format(python=sys.executable))
        (folder / "bin/gh").chmod(0o755)

    def git(self, *command: str, cwd: Path | None = None) -> str:
        return subprocess.run(
            ["git", *command], cwd=cwd or self.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    def run(self, source: Path | str = "unused") -> int:
        """Run the job as a new runner does, in a checkout of the main branch."""
        self.git("switch", "--quiet", "--discard-changes", "main")
        return weekly_job.main(["--source", str(source)], self.root)

    @property
    def pulls(self) -> list[dict[str, Any]]:
        return list(json.loads((self.folder / "bin/github.json").read_text())["pulls"])

    def branch(self, *command: str) -> str:
        """Return what git prints of the branch on the remote."""
        return self.git(*command, cwd=self.remote)


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GH_TOKEN", "ghs_x")
    return GitHub(tmp_path)


def finds(monkeypatch: pytest.MonkeyPatch, *found: changes.Change, notes: tuple[str, ...] = ()) -> None:
    """Let the update find these changes, without generating code."""

    def fake_update(source: str, root: Path) -> tuple[list[changes.Change], list[str]]:
        if found:
            (root / "openapi.json").write_text(json.dumps([change.text for change in found]))
        return list(found), list(notes)

    monkeypatch.setattr(weekly_job, "update", fake_update)


def test_an_update_is_one_commit_and_one_pull_request(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update, "_check", lambda root: None)  # takes seconds; tests/codegen/test_update.py has it
    new = copy.deepcopy(DOCUMENT)
    response = {"description": "x", **json_content({"type": "array", "items": STRING})}
    new["paths"]["/votes"] = {"get": {"operationId": "votes.list", "responses": {"200": response}}}
    del new["paths"]["/hardware"]
    source = github.folder / "new.json"
    source.write_text(json.dumps(new))
    assert github.run(source) == 0
    [pull] = github.pulls
    assert (pull["title"], pull["labels"]) == ("Contract: 1 breaking, 1 safe", ["breaking", "contract"])
    assert (pull["base"], pull["head"], pull["state"]) == ("main", "update-spec", "OPEN")
    assert "hardware.list" in pull["body"]
    assert "votes.list" in pull["body"]
    assert re.findall(r"\| `make (\w+)` \| (.+?) \|", pull["body"]) == [
        ("check", "passed"),
        ("test", "**failed**"),
        ("interop", "passed"),
    ]
    assert "FAILED tests/test_votes.py" in pull["body"]
    assert github.branch("log", "--format=%s%n%an", "main..update-spec").splitlines() == [
        "Contract: 1 breaking, 1 safe",
        "github-actions[bot]",
    ]
    changed = github.branch("diff", "--name-only", "--no-renames", "main", "update-spec").splitlines()
    assert "generated/replicate_api/api/votes/votes_list.py" in changed
    assert "generated/replicate_api/api/hardware/hardware_list.py" in changed
    assert {path.split("/")[0] for path in changed} == {"openapi.json", "generated", "replicate_ext"}


def test_the_open_pull_request_is_renewed(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, BREAKING, SAFE)
    assert github.run() == 0
    finds(monkeypatch, SAFE, SAFE, notes=("overlay.yaml: one remark", "overlay.yaml: another"))
    assert github.run() == 0
    [pull] = github.pulls
    assert (pull["number"], pull["title"], pull["labels"]) == (1, "Contract: 2 safe", ["contract"])
    assert "- overlay.yaml: one remark\n- overlay.yaml: another\n" in pull["body"]
    assert github.branch("rev-list", "--count", "main..update-spec") == "1"
    finds(monkeypatch, BREAKING)
    assert github.run() == 0
    [pull] = github.pulls
    assert (pull["title"], pull["labels"]) == ("Contract: 1 breaking", ["breaking", "contract"])


def test_nothing_to_update_opens_nothing_and_closes_what_is_open(
    github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    finds(monkeypatch, notes=("only descriptions differ: --prose takes them",))
    assert github.run() == 0
    assert github.pulls == []
    assert github.branch("branch", "--list", "update-spec") == ""
    finds(monkeypatch, SAFE)
    github.run()
    finds(monkeypatch)
    assert github.run() == 0
    [pull] = github.pulls
    assert pull["state"] == "CLOSED"
    finds(monkeypatch, SAFE)
    assert github.run() == 0
    assert [pull["state"] for pull in github.pulls] == ["CLOSED", "OPEN"]


def test_a_document_that_cannot_be_used_fails_and_leaves_the_pull_request(
    github: GitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        finds(patch, SAFE)
        github.run()
    before = github.pulls, github.branch("rev-parse", "update-spec")
    source = github.folder / "page.html"
    source.write_text("<html>503</html>")
    assert github.run(source) == 2
    assert "page.html" in capsys.readouterr().err
    assert (github.pulls, github.branch("rev-parse", "update-spec")) == before


def test_any_other_error_fails_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weekly_job, "update", fail)
    assert weekly_job.main([], tmp_path) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_long_report_keeps_remarks_and_checks() -> None:
    check = weekly_job.Check("test", False, 61.7, "x" * 10_000 + "the end")
    body = weekly_job.format_body([changes.Change(changes.SAFE, "x" * 200_000, [])], ["a remark"], [check])
    assert len(body) < 65_536
    assert "a remark" in body
    assert "| `make test` | **failed** | 62 |" in body
    assert "xthe end\n~~~~" in body


WORKFLOWS = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / ".github/workflows").glob("*.yml"))]


def test_the_workflow_runs_the_job() -> None:
    [job] = [job for workflow in WORKFLOWS if workflow["name"] == "update-spec" for job in workflow["jobs"].values()]
    command = shlex.split(job["steps"][-1]["run"])
    assert command == [".venv/bin/python", "scripts/weekly_job.py"]
    assert job["steps"][-1]["env"] == {"GH_TOKEN": "${{ github.token }}"}


def test_actions_are_pinned_and_dependabot_updates_them() -> None:
    text = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml"))
    uses = re.findall(r"uses: (.*)", text)
    assert len(uses) >= 4
    assert [use for use in uses if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)] == []
    dependabot = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())
    assert "github-actions" in {one["package-ecosystem"] for one in dependabot["updates"]}
