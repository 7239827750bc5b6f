"""The texts on pages that are not the output of a program above them: tests compare each of them with the code."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from docs_site.snippets import ROOT, Page, load_pages
from example_runner import shown_text, uncompared_texts
from replicate_ext import errors
from replicate_ext._batch.loop import BatchLoop
from replicate_ext._batch.options import Options
from replicate_ext.emulator import Emulator
from replicate_ext.emulator.__main__ import describe

GENERATED = "docs/reference/command-line.md"
CALL = re.compile(r'shown_text\(\s*"([^"]+)", "([^"]+)"\)')


def unnoticed(pages: list[Page], tests: str) -> list[str]:
    """Return the places of the texts that no test compares."""
    calls = CALL.findall(tests)
    return [
        f"{page}:{text.line}: no test compares this text with what the code prints"
        for page in pages
        for text in uncompared_texts(page)
        if not any(page.name == name and text.code.startswith(beginning) for name, beginning in calls)
    ]


def test_every_text_is_compared() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    found = unnoticed([page for page in load_pages() if page.name != GENERATED], tests)
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def test_a_text_that_is_not_compared_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "```python\nprint(1)\n```\n\n```text\n1\n```\n\n# Title\n\n```text\nany claim\n```\n"
    )
    page = Page(tmp_path / "a.md", tmp_path)
    assert unnoticed([page], 'shown_text("b.md", "any")') == [
        "a.md:12: no test compares this text with what the code prints"
    ]
    assert unnoticed([page], 'shown_text("a.md", "any")') == []


def test_what_the_emulator_prints() -> None:
    emulator: Any = SimpleNamespace(url="http://127.0.0.1:8787/v1", token=Emulator().token, ca_file=None)
    assert shown_text("docs/start.md", "The emulator is listening") == describe(emulator)
    assert shown_text("docs/guides/emulator.md", "The emulator is listening") == describe(emulator)


def test_what_a_batch_prints_after_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    batch: Any = SimpleNamespace(
        stop=lambda: None,
        status=lambda: SimpleNamespace(in_flight=34),
        _options=Options(),
        _advice=lambda: Options().how_to_resume("/home/ada/runs/cards"),
    )
    BatchLoop._interrupted(batch)
    assert capsys.readouterr().err.lstrip() == shown_text("docs/guides/batches.md", "Nothing more is created")


def test_the_tree_of_errors() -> None:
    above: list[type] = []
    names = set()
    for line in shown_text("docs/guides/errors-and-retries.md", "ReplicateError").splitlines():
        branch, name, description = re.findall(r"^([│├└─ ]*)(\w+) *(.*)$", line)[0]
        cls = getattr(errors, name)
        names.add(name)
        above[len(branch) // 4 :] = [cls]
        assert cls.__bases__[0] is (above[-2] if branch else Exception), line
        documented = "".join(str(base.__doc__) for base in cls.__mro__)
        attributes = {*dir(cls), *re.findall(r"^ +(\w+)(?: \([^)]*\))?: ", documented, re.MULTILINE)}
        assert {*re.findall(r"\.(\w+)", description)} <= attributes, line
        assert ("(a TimeoutError)" in description) == issubclass(cls, TimeoutError)
    assert names == {
        name for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, errors.ReplicateError)
    }


def test_the_layers_exist() -> None:
    folder = ROOT
    for line in shown_text("docs/architecture.md", " replicate_ext/").splitlines():
        names = re.findall(r"[\w/]+", line[:45])
        if not line.startswith("   "):
            folder = ROOT / "generated" if names == ["replicate_api/"] else ROOT
        assert [name for name in names if not ((folder / name).is_dir() or (folder / f"{name}.py").is_file())] == []
        if names == ["replicate_ext/"]:
            folder = ROOT / "replicate_ext"
