"""docs/guides/command-line.md: a shell runs its scripts, and they print what the page shows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs_site.snippets import ROOT, Page
from replicate_ext.emulator import Emulator

PAGE = Page(ROOT / "docs/guides/command-line.md")
SCRIPTS = {snippet.title: snippet for snippet in PAGE.snippets if snippet.language == "sh" and snippet.title}
BASH = shutil.which("bash") if sys.platform != "win32" else None
COMMAND = 'replicate-ext() { "$PYTHON" -m replicate_ext "$@"; }\n'


@pytest.mark.skipif(BASH is None, reason="bash is not installed")
@pytest.mark.parametrize("title", SCRIPTS)
def test_a_script_of_the_page_prints_what_it_shows(
    title: str, replicate_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = SCRIPTS[title]
    if "jq " in script.code and shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    monkeypatch.setenv("PYTHON", sys.executable)
    command = [str(BASH), "-euo", "pipefail", "-c", COMMAND + script.code]
    process = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True)
    assert script.output is not None
    assert (process.stdout, process.returncode) == (script.output.code, 0), process.stderr
