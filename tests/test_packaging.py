"""The wheel and the sdist: their contents, and an installation into an empty environment."""

from __future__ import annotations

import email
import os
import posixpath
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from docs_site.snippets import Page
from replicate_ext.emulator import Emulator

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the paths of the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True, capture_output=True
    )
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def test_the_wheel_contains_both_packages_only(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        names = set(wheel.namelist())
        [metadata] = [wheel.read(name).decode() for name in names if name.endswith("METADATA")]
    assert {
        "replicate_ext/py.typed",
        "replicate_api/py.typed",
        "replicate_ext/emulator/openapi.json",
        "replicate_ext/emulator/templates/page.html",
        "replicate_ext/emulator/templates/style.css",
        "replicate_ext/pytest_plugin.py",
        "replicate_ext/_generated/resources.py",
        "replicate_api/models/prediction.py",
    } <= names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"replicate_ext", "replicate_api"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "License-Expression: MIT" in metadata
    assert "Requires-Python: >=3.11" in metadata


def test_the_package_page_has_links_that_work_there(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        [path] = [path for path in wheel.namelist() if path.endswith("METADATA")]
        metadata = email.message_from_string(wheel.read(path).decode())
    labels = [url.partition(", ")[0] for url in metadata.get_all("Project-URL")]
    assert labels == ["Homepage", "Documentation", "Repository", "Changelog", "Issues"]
    assert {"Programming Language :: Python :: 3.11", "Operating System :: OS Independent"} <= {
        *metadata.get_all("Classifier")
    }
    links = re.findall(r"\]\(([^)]+)\)", metadata.get_payload())
    assert len(links) > 10
    assert [link for link in links if not link.startswith("https://")] == []


def test_the_sdist_contains_what_a_build_needs_and_no_tests(built: tuple[Path, Path]) -> None:
    names = {name.partition("/")[2] for name in read_sdist(built[1])}
    assert {"pyproject.toml", "README.md", "LICENSE", "openapi.json"} <= names
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} | {"examples/tour.py"} <= names
    assert {"generated/replicate_api/py.typed", "replicate_ext/_generated/resources.py"} <= names
    assert not {name for name in names if name.startswith(("tests/", "scripts/", "."))} - {".gitignore"}


def test_links_between_pages_of_the_sdist_work(built: tuple[Path, Path]) -> None:
    files = read_sdist(built[1])
    links = {
        posixpath.normpath(posixpath.join(posixpath.dirname(page), link.partition("#")[0]))
        for page, content in files.items()
        if page.endswith(".md")
        for link in re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", content.decode())
    }
    assert len(links) > 4
    assert links - {*files} == set()


def read_sdist(path: Path) -> dict[str, bytes]:
    """Return the contents of the files by name."""
    with tarfile.open(path) as sdist:
        files = {member.name: sdist.extractfile(member) for member in sdist}
        return {name: file.read() for name, file in files.items() if file is not None}


def test_the_wheel_installs_and_runs_the_first_example(built: tuple[Path, Path], tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", str(built[0])], check=True, capture_output=True)
    freeze = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"], check=True, capture_output=True, text=True
    )
    installed = {line.partition("==")[0].lower().replace("_", "-") for line in freeze.stdout.split()}
    ours = {"replicate-ext", "httpx", "attrs", "python-dateutil", "sniffio"}
    theirs = {"anyio", "certifi", "h11", "httpcore", "idna", "six", "typing-extensions", "tzdata"}
    assert ours <= installed <= ours | theirs | {"pip", "setuptools"}
    with Emulator() as api:
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "REPLICATE_API_TOKEN": api.token,
            "REPLICATE_BASE_URL": api.url,
        }
        code = next(snippet.code for snippet in Page(ROOT / "README.md").snippets if snippet.is_program)
        subprocess.run([python, "-c", code], cwd=tmp_path, env=environment, check=True, timeout=30)
    assert (tmp_path / "lighthouse.png").read_bytes().startswith(b"\x89PNG")
