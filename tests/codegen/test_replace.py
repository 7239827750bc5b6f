"""Replacing files and folders: all or none, even if SIGKILL ends the process at any moment."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from codegen import replace
from killed_replacements import TARGETS, read_tree, write_trees
from openapi_documents import ROOT


def test_all_targets_are_replaced(tmp_path: Path) -> None:
    root, new = write_trees(tmp_path)
    replace.replace(root, new, TARGETS)
    assert read_tree(root) == {**read_tree(new), "other.py": "old"}
    assert {path.name for path in root.iterdir()} == {"a", "file.json", "added", "other.py"}
    assert replace.recover(root) is False


@pytest.mark.parametrize("failing", range(1, 8))
def test_an_error_restores_all_targets(tmp_path: Path, failing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    root, new = write_trees(tmp_path)
    before, count, rename = read_tree(root), 0, Path.rename

    def fail_once(path: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == failing:
            raise OSError("the disk is full")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(OSError, match="disk is full"):
        replace.replace(root, new, TARGETS)
    assert replace.recover(root) is (failing == 7)  # the renaming that commits
    assert read_tree(root) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot lock folders")
def test_the_lock_of_a_folder_is_waited_for(tmp_path: Path) -> None:
    is_held = threading.Event()

    def hold() -> None:
        with replace.lock(tmp_path):
            is_held.set()

    thread = threading.Thread(target=hold)
    with replace.lock(tmp_path), replace.lock(tmp_path / "another"):
        thread.start()
        assert not is_held.wait(0.02)
    thread.join(10)
    assert is_held.is_set()
    assert [path.name for path in tmp_path.iterdir()] == ["another"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no SIGKILL")
def test_sigkill_at_every_step_leaves_the_old_or_the_new_tree(tmp_path: Path) -> None:
    program = Path(__file__).parent / "killed_replacements.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    command = [sys.executable, str(program), str(tmp_path / "trees")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    steps, *found = done.stdout.split()
    assert int(steps) > 20
    assert found == ["new", "old"]
