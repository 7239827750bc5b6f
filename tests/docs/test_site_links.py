"""The check of the built pages: links, anchors, and what a browser would load from another host."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs_site.links import Site
from docs_site.llms import describe

URL = "https://example.org/project/"
FILES = "https://github.com/replicate-ext/replicate-ext/blob/"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide/index.html").write_text('<h1 id="top">Guide</h1><a name="old">x</a>')
    (tmp_path / "logo.png").touch()
    return tmp_path


def problems(site: Path, body: str, name: str = "index.html") -> list[str]:
    (site / name).write_text(body)
    return [str(problem) for problem in Site(site, URL).problems()]


@pytest.mark.parametrize(
    "body",
    [
        '<a href="guide/">a page</a>',
        '<a href="guide/#top">an id</a><a href="guide/#old">a name</a>',
        f'<a href="{URL}guide/#top">the published URL of a page</a>',
        '<a href="#here" id="here">this page</a>',
        '<a href="https://replicate.com">another site</a>',
        '<img src="logo.png"><img src="data:image/png;base64,AA==">',
        '<img srcset="logo.png 1x, logo.png 2x"><svg><use href="#here" id="here"/></svg>',
        f'<a href="{FILES}main/README.md#install">a file</a>',
        f'<link rel="canonical" href="{URL}">',
        '<link rel="canonical" href="https://elsewhere.org/">',
    ],
)
def test_references_that_lead_somewhere(site: Path, body: str) -> None:
    assert problems(site, body) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<a href="guides/">x</a>', "index.html: guides/: no such page"),
        (f'<a href="{URL}guides/">x</a>', f"index.html: {URL}guides/: no such page"),
        ('<a href="guide/#bottom">x</a>', "index.html: guide/#bottom: guide/index.html has no element with this id"),
        ('<a href="../other/">x</a>', "index.html: ../other/: not below the site"),
        ('<a href="http://replicate.com">x</a>', "index.html: http://replicate.com: not https"),
        ('<img src="icon.png">', "index.html: icon.png: no such file"),
        (f'<a href="{FILES}main/no.py">x</a>', f"index.html: {FILES}main/no.py: no such file in the repository"),
        (f'<a href="{FILES}v1/README.md">x</a>', f"index.html: {FILES}v1/README.md: no such file in the repository"),
        (
            '<img srcset="logo.png 1x, https://example.net/b.png 2x">',
            "index.html: https://example.net/b.png: loaded from another host: example.net",
        ),
        (
            '<svg><image xlink:href="https://example.net/b.png"/></svg>',
            "index.html: https://example.net/b.png: loaded from another host: example.net",
        ),
        (
            '<input type="image" src="https://example.net/b.png">',
            "index.html: https://example.net/b.png: loaded from another host: example.net",
        ),
        (
            '<style>@import"https://example.net/b.css";</style>',
            "index.html: https://example.net/b.css: loaded from another host: example.net",
        ),
        (
            '<script src="https://cdn.example.com/a.js"></script>',
            "index.html: https://cdn.example.com/a.js: loaded from another host: cdn.example.com",
        ),
        (
            '<link rel="preconnect" href="//fonts.example.com">',
            "index.html: //fonts.example.com: loaded from another host: fonts.example.com",
        ),
        (
            '<p style="background: url(https://example.net/a.png)">',
            "index.html: https://example.net/a.png: loaded from another host: example.net",
        ),
        (
            "<style>@import 'https://example.net/a.css';</style>",
            "index.html: https://example.net/a.css: loaded from another host: example.net",
        ),
    ],
)
def test_references_that_are_flaws(site: Path, body: str, problem: str) -> None:
    assert problems(site, body) == [problem]


def test_style_sheets_are_checked(site: Path) -> None:
    (site / "guide/a.css").write_text(
        '@font-face { src: url("https://fonts.example.com/a.woff2") } b { src: url(c.png) }'
    )
    assert problems(site, "") == [
        "guide/a.css: https://fonts.example.com/a.woff2: loaded from another host: fonts.example.com",
        "guide/a.css: c.png: no such file",
    ]


def test_pages_are_described_in_llms_txt(tmp_path: Path) -> None:
    (tmp_path / "guides").mkdir()
    (tmp_path / "guides/files.md").write_text("---\ndescription: Files in and out.\n---\n\n# Files\n")
    (tmp_path / "index.md").write_text("# Home\n")
    path = tmp_path / "llms.txt"
    path.write_text(f"# x\n\n- [Files](<{URL}guides/files/index.md>)\n- [Home](<{URL}index.md>)\n")
    assert describe(path, tmp_path, URL) == {"guides/files.md": "Files in and out.", "index.md": ""}
    assert f"- [Files](<{URL}guides/files/index.md>): Files in and out.\n" in path.read_text()
