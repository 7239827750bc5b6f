"""`replicate-ext models`: adds, updates, checks, lists and generates typed functions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from conftest import folder_contents
from replicate_ext._cli import module_files
from replicate_ext._cli.main import main
from replicate_ext._models.lock import load_lock
from replicate_ext._models.source import MAX_FUNCTIONS
from replicate_ext.emulator import Catalog, Emulator, Field

Run = Callable[..., tuple[int, str, str]]
Count = Annotated[int, Field(ge=1, le=4)]
LaterCount = Annotated[int, Field(ge=1, le=8)]


def create_catalog(is_later: bool) -> Catalog:
    """Return the models of the platform; later, one of them has changed, and another has a version of the same form."""
    catalog = Catalog()

    @catalog.model("acme/painter", official=True)
    def painter(prompt: str, count: Count = 1, style: Literal["oil", "ink"] = "oil", scheduler: str = "") -> Path:
        """Paint."""
        raise NotImplementedError

    @catalog.model("acme/poet")
    def poet(prompt: str) -> str:
        return prompt

    catalog.model("other/poet")(poet)

    if is_later:

        @catalog.model("acme/painter")
        def later_painter(prompt: str, count: LaterCount = 1, style: Literal["oil"] = "oil", seed: int = 0) -> Path:
            raise NotImplementedError

        catalog.model("acme/poet")(poet)
    for number in range(MAX_FUNCTIONS):
        catalog.model(f"acme/model-{number}")(poet)
    return catalog


@pytest.fixture(scope="module")
def emulators() -> Iterator[dict[str, Emulator]]:
    with Emulator(models=create_catalog(False)) as now, Emulator(models=create_catalog(True)) as later:
        yield {"now": now, "later": later}


@pytest.fixture
def run(
    emulators: dict[str, Emulator],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return a function that runs `replicate-ext models` in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPLICATE_API_TOKEN", emulators["now"].token)

    def run(command: str, platform: str | None = "now") -> tuple[int, str, str]:
        monkeypatch.setenv("REPLICATE_BASE_URL", emulators[platform].url if platform else "http://127.0.0.1:9/v1")
        return main(["models", *command.split()]), *capsys.readouterr()

    return run


def test_add_writes_a_module_and_its_lock(run: Run, tmp_path: Path) -> None:
    code, out, err = run("add acme/painter acme/poet --module src/app/models.py")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "added acme/painter as painter()"
    lock = load_lock((tmp_path / "src/app/models.lock").read_text())
    assert [(model.kind, model.function) for model in lock.values()] == [("official", "painter"), ("community", "poet")]
    source = (tmp_path / "src/app/models.py").read_text()
    assert '@function("acme/painter")\ndef painter(' in source
    assert f'@function("acme/poet:{lock["acme/poet"].version}")\ndef poet(' in source
    assert folder_contents(tmp_path / "src/app").keys() == {"models.py", "models.lock"}


def test_the_other_commands_find_the_module(run: Run) -> None:
    run("add acme/painter --module src/app/models.py")
    assert run("add acme/poet")[0] == 0
    code, out, _ = run("list", platform=None)
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()] == [
        ["painter()", "acme/painter", "official"],
        ["poet()", "acme/poet", "community"],
    ]


def test_a_second_model_of_the_same_name_is_named_after_its_owner(run: Run, tmp_path: Path) -> None:
    run("add other/poet --module models.py")
    run("add acme/poet")
    lock = load_lock((tmp_path / "models.lock").read_text())
    assert {model.ref: model.function for model in lock.values()} == {"other/poet": "poet", "acme/poet": "acme_poet"}


def test_check_is_silent_while_nothing_has_changed(run: Run) -> None:
    run("add acme/painter acme/poet --module models.py")
    assert run("check") == (0, "", "")


def test_check_reports_changes_in_words_and_update_adopts_them(run: Run, tmp_path: Path) -> None:
    run("add acme/painter acme/poet other/poet --module models.py")
    before = folder_contents(tmp_path)
    code, out, err = run("check", platform="later")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[:2] == [
        'acme/painter: style: no longer "ink" (breaks)',
        "acme/painter: scheduler is gone (breaks)",
    ]
    assert "acme/painter: count: at most 4 → 8" in lines
    assert "acme/painter: seed is new" in lines
    assert any(line.startswith("acme/poet: version ") and "same inputs and output" in line for line in lines)
    assert not [line for line in lines if line.startswith("other/poet")]
    assert folder_contents(tmp_path) == before
    assert run("update --all", platform="later") == (0, out, "")
    assert "seed: int = 0" in (tmp_path / "models.py").read_text()
    assert run("check", platform="later") == (0, "", "")


@pytest.mark.parametrize("name", ["acme/painter", "painter"])
def test_update_can_be_limited_to_one_model(run: Run, name: str) -> None:
    run("add acme/painter acme/poet --module models.py")
    _, out, _ = run(f"update {name}", platform="later")
    assert {line.partition(":")[0] for line in out.splitlines()} == {"acme/painter"}
    _, out, _ = run("check", platform="later")
    assert {line.partition(":")[0] for line in out.splitlines()} == {"acme/poet"}


def test_a_version_that_was_chosen_stays(run: Run, tmp_path: Path) -> None:
    run("add acme/poet --module models.py")
    version = load_lock((tmp_path / "models.lock").read_text())["acme/poet"].version
    code, out, _ = run(f"add acme/poet:{version}")
    assert (code, out) == (0, f"replaced acme/poet:{version} as poet()\n")
    assert run("check", platform="later") == (0, "", "")
    assert run("update --all", platform="later") == (0, "", "")
    code, _, err = run("update acme/poet", platform="later")
    assert code == 2
    assert err.endswith("to use the latest one, add acme/poet again\n")


def test_generate_writes_the_module_from_the_lock_offline(run: Run, tmp_path: Path) -> None:
    run("add acme/painter acme/poet --module models.py")
    source = (tmp_path / "models.py").read_text()
    (tmp_path / "models.py").unlink()
    assert run("generate", platform=None) == (0, "", "")
    assert (tmp_path / "models.py").read_text() == source


def test_check_reports_a_module_that_its_lock_does_not_generate(run: Run, tmp_path: Path) -> None:
    run("add acme/poet --module models.py")
    with (tmp_path / "models.py").open("a") as file:
        file.write("x = 1\n")
    code, out, _ = run("check")
    assert (code, out) == (
        1,
        "the module is not what models.lock generates: run `replicate-ext models generate`\n",
    )


def test_json_is_one_array_of_what_was_added_or_has_changed(run: Run, tmp_path: Path) -> None:
    added = json.loads(run("add acme/poet acme/painter --module models.py --json")[1])
    assert [(row["model"], row["function"], row["replaced"]) for row in added] == [
        ("acme/poet", "poet", False),
        ("acme/painter", "painter", False),
    ]
    with (tmp_path / "models.py").open("a") as file:
        file.write("x = 1\n")
    code, out, _ = run("check --json", platform="later")
    stale, *changes = json.loads(out)
    assert (code, stale["model"]) == (1, None)
    assert {"model": "acme/painter", "change": "scheduler is gone", "breaks": True} in changes
    assert [row["function"] for row in json.loads(run("list --json")[1])] == ["painter", "poet"]
    assert json.loads(run("check --json", platform="now")[1]) == [stale]


def test_many_models_become_a_package_and_few_a_module_again(run: Run, tmp_path: Path) -> None:
    run("add acme/painter --module models.py")
    refs = " ".join(f"acme/model-{number}" for number in range(MAX_FUNCTIONS))
    assert run(f"add {refs}")[0] == 0
    assert not (tmp_path / "models.py").exists()
    assert folder_contents(tmp_path / "models").keys() == {
        "__init__.py",
        "_painter.py",
        *(f"_model_{number}.py" for number in range(MAX_FUNCTIONS)),
    }
    assert run("check") == (0, "", "")
    (tmp_path / "models/mine.py").write_text("")
    lock = load_lock((tmp_path / "models.lock").read_text())
    del lock["acme/painter"]
    module_files.ModuleFiles.at(tmp_path / "models").write(lock)
    assert folder_contents(tmp_path / "models").keys() == {"mine.py"}
    assert (tmp_path / "models.py").exists()


def test_a_failure_leaves_all_files_as_they_were(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("add acme/poet --module models.py")
    before = folder_contents(tmp_path)
    assert run("add acme/painter acme/nothing")[0] == 3
    assert folder_contents(tmp_path) == before

    commit, count = module_files.AtomicFile.commit, iter((False, True))

    def fail_on_the_second(self: Any) -> Path:
        if next(count):
            raise OSError(28, "No space left on device", "models.lock")
        return commit(self)

    monkeypatch.setattr(module_files.AtomicFile, "commit", fail_on_the_second)
    assert run("add acme/painter") == (
        2,
        "",
        "replicate-ext: models.lock: No space left on device\n",
    )
    assert folder_contents(tmp_path) == before


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("add acme/poet", "no module with a lock is in this folder: name the module, with --module src/app/models.py"),
        ("add acme/poet --module my-models.py", "'my-models' cannot be imported"),
        ("add acme/poet --module class.py", "'class' cannot be imported"),
        (
            "add acme/poet --module mine.py",
            "mine.py exists and was not written by replicate-ext: move it away",
        ),
        ("add acme/poet --module package", "package/__init__.py exists and was not written by replicate-ext"),
        ("add acme/nothing --module models.py", ": there is no acme/nothing that this token can use"),
        ("add poet --module models.py", "cannot parse the model reference 'poet'"),
        (f"add {'0' * 64} --module models.py", "write the model that it runs"),
        ("add deployments/acme/poet --module models.py", "write the model that it runs"),
        ("generate --module models.py", "models.lock does not exist; `replicate-ext models add` writes it"),
        (
            "generate --module broken.py",
            "broken.lock: line 1 begins with <<<<<<<, the mark of a merge conflict",
        ),
        ("update --module good.py", "name the models to update, or write --all"),
        ("update acme/painter --module good.py", "acme/painter is not in the lock; its models are none"),
        ("update acme/poet:1 --module good.py", "acme/poet:1: update uses the latest version; to choose one, add it"),
        ("add --module models.py", "missing argument 'REF...' (--help lists the arguments)"),
        ("unknown", "there is no command 'unknown'; the commands are "),
    ],
)
def test_a_failure_is_one_line_that_says_what_to_do(run: Run, tmp_path: Path, command: str, error: str) -> None:
    (tmp_path / "mine.py").write_text("x = 1\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").write_text("")
    (tmp_path / "broken.lock").write_text("<<<<<<< HEAD\n")
    (tmp_path / "good.lock").write_text('{"lock_version": 1, "models": {}}')
    if "--module" not in command:
        (tmp_path / "good.lock").unlink()
    code, out, err = run(command)
    assert (code, out) == (3 if "nothing" in command else 2, "")
    assert err.startswith("replicate-ext")
    assert error in err
    assert err.count("\n") == 1
    assert not (tmp_path / "models.lock").exists()


def test_two_modules_with_a_lock_have_to_be_named(run: Run) -> None:
    run("add acme/poet --module .venv/models.py")
    run("add acme/poet --module one/models.py")
    run("add acme/poet --module two/models.py")
    code, _, err = run("check")
    assert code == 2
    assert "several modules have a lock (one/models.py, two/models.py)" in err
    assert run("check --module two/models.py") == (0, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes are files only on POSIX")
def test_a_lock_is_searched_for_in_files_only(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("add acme/poet --module models.py")
    os.mkfifo(tmp_path / "pipe.lock")  # opening it would wait for a writer
    monkeypatch.setattr(Path, "read_text", refuse_pipes(Path.read_text))
    assert run("check") == (0, "", "")


def refuse_pipes(read_text: Callable[..., str]) -> Callable[..., str]:
    def read(path: Path, *arguments: Any, **options: Any) -> str:
        assert path.is_file(), f"{path} would block"
        return read_text(path, *arguments, **options)

    return read


def test_python_m_replicate_ext_is_the_same_command() -> None:
    process = subprocess.run([sys.executable, "-m", "replicate_ext", "models"], capture_output=True, text=True)
    assert process.returncode == 2
    assert process.stderr.startswith("replicate-ext models: the command is missing: write one of search, show, ")
