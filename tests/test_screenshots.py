"""The pictures of README and docs: how they are taken, and that pages show them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from PIL import Image

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals", allow_module_level=True)

from screenshots import __main__ as screenshots, chromium, dashboard, notebook, terminal

ROOT = Path(__file__).parents[1]
PICTURES = sorted((ROOT / "docs/images").glob("*.png"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RAW = "https://raw.githubusercontent.com/replicate-ext/replicate-ext/main/"  # the README is also the page on PyPI


def test_chromium_takes_a_picture_of_the_dashboard(tmp_path: Path) -> None:
    browser = chromium.find_chromium() or pytest.skip("Chromium is not installed")
    picture, html = dashboard.take(browser, tmp_path)
    assert picture.width == dashboard.WIDTH * chromium.SCALE
    assert picture.height < (chromium.MAX_HEIGHT - chromium.MARGIN) * chromium.SCALE, "it ends where the page does"
    assert re.findall(r'class="status (\w+)"', html) == ["succeeded", "succeeded", "canceled", "failed"]
    assert html.count('<img src="http://127.0.0.1:') == 4
    path = tmp_path / "dashboard.png"
    screenshots.save(picture, path)
    with Image.open(path) as saved:
        assert (saved.size, saved.mode) == (picture.size, "P")


def test_a_notebook_shows_pictures_in_a_row(tmp_path: Path) -> None:
    page = notebook.execute(tmp_path, notebook.CELLS[0])
    assert page.count('src="data:image/png;base64,') == 4
    assert re.findall(r'<(?:script|img|link)[^>]* (?:src|href)="http[^"]*', page) == []


def test_a_terminal_shows_commands_and_what_they_print(tmp_path: Path) -> None:
    screen = terminal.show(terminal.COMMANDS[0], folder=tmp_path)
    lines = [line.rstrip() for line in screen.display][:4]
    assert lines == [f"$ replicate-ext {terminal.COMMANDS[0]}", "cards/out-0.png", "cards/out-1.png", ""]
    assert "prompt=&quot;a lighthouse&quot; num_outputs=2 -o cards/</span>\ncards/out-0.png\n" in terminal.render(
        screen
    )


def test_a_terminal_has_colors_and_bold_text() -> None:
    screen = terminal.pyte.Screen(terminal.COLUMNS, 2)
    terminal.pyte.ByteStream(screen).feed("\x1b[32m$\x1b[0m \x1b[1ma<b\x1b[0m\r\n\x1b[38;5;197m━━\x1b[0m 60%".encode())
    page = terminal.render(screen)
    assert '<span style="color: #2b8a3e;">$</span> <span style="font-weight: bold">a&lt;b</span>\n' in page
    assert '\n<span style="color: #ff005f;">━━</span> 60%</pre>' in page


def test_without_chromium_there_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["screenshots", str(tmp_path / "images")])
    with pytest.raises(SystemExit, match=r"^No Chromium is installed: none of chromium, .* is on the PATH$"):
        screenshots.main()


def test_a_picture_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has .* bytes, more than 250,000"):
        screenshots.save(Image.effect_noise((600, 600), 100).convert("RGB"), tmp_path / "noise.png")


def test_every_picture_is_small_and_sharp() -> None:
    assert [path.stem for path in PICTURES] == list(screenshots.TAKERS)
    for path in PICTURES:
        assert path.stat().st_size <= screenshots.MAX_SIZE
        with Image.open(path) as picture:
            assert picture.width >= 800 * chromium.SCALE


def test_pages_show_every_picture_with_a_text_in_its_place() -> None:
    shown = set()
    for page in PAGES:
        for text, target in re.findall(r"!\[([^]]*)\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            is_readme = target.startswith(RAW)
            path = ROOT / target.removeprefix(RAW) if is_readme else page.parent / target
            assert is_readme == (page.parent == ROOT), f"{page}: {target} is not shown there"
            assert path.is_file(), f"{page}: {target}"
            assert len(text.split()) >= 3, f"{page}: {target} needs a text in its place"
            shown.add(path.resolve())
    assert {*PICTURES} <= shown
