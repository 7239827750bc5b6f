"""The links of all pages lead to pages, headings, files and tests that exist; the facts about the API have sources."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import pytest
from markdown.extensions.toc import slugify, unique

from docs_site.links import REPOSITORY
from docs_site.snippets import ROOT, Page, load_pages

PAGES = {page.name: page for page in load_pages()}
SITE = "https://replicate-ext.github.io/replicate-ext/"
BLOB = "https://github.com/replicate-ext/replicate-ext/blob/main/"
LINK = re.compile(
    r"(?:\[([^\[\]]*))?\]\(\s*<?([^)\s>]+)"  # the second part alone: of a link around an image
    r"|^ *\[([^\]]+)\]: *<?(\S+?)>?$"
    r"|()(?:href|src)=[\"']([^\"']+)"
    r"|()(https?://[^\s<>()\[\]\"'`]+[\w/])",
    re.MULTILINE,
)
"""The text and the target of a link or image, of a definition of one, of HTML, and of a bare URL."""

GENERATED = {"llms.txt", "llms-full.txt"}
"""Files of the site that the build writes."""


@pytest.mark.parametrize("page", PAGES.values(), ids=repr)
def test_the_links_of_a_page_resolve(page: Page) -> None:
    flaws = [
        f"{page}:{line}: {link}: {flaw}" for line, text, link in links(page) if (flaw := problem(page, text, link))
    ]
    if flaws:
        pytest.fail("\n".join(flaws), pytrace=False)


def links(page: Page) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the text and the target of each link."""
    prose = re.sub(r"`[^`\n]*`", lambda match: re.sub(r"[\[\]()]", "_", match[0]), "\n".join(page.prose))
    for match in LINK.finditer(prose):
        text, target = (next(filter(None, groups), "") for groups in (match.groups()[::2], match.groups()[1::2]))
        yield prose.count("\n", 0, match.start()) + 1, text, target


def problem(page: Page, text: str, link: str) -> str | None:
    """Return what is wrong with a link."""
    url, _, anchor = link.partition("#")
    if url.startswith(SITE):
        name = "docs/" + (url.removeprefix(SITE).rstrip("/") or "index")
        if name.removeprefix("docs/") in GENERATED:
            return None
        name = f"{name}.md" if f"{name}.md" in PAGES else f"{name}/index.md"
        if name in PAGES and not url.endswith("/"):
            return "the URL of a page ends with a slash"
    elif REPOSITORY.match(url):
        name = REPOSITORY.sub("", url)
    elif re.match(r"[a-z]+:", url):
        return None
    else:
        name = posixpath.normpath(posixpath.join(PurePosixPath(page.name).parent, url)) if url else page.name
        if page.name.startswith("docs/") and not name.startswith("docs/"):
            return "it leads out of the site"
        if page.name == "README.md":
            return "PyPI, which shows this page, has no other file of the repository"
    if not (ROOT / name).exists():
        return f"{name} does not exist"
    for test in re.findall(r"\btest_\w+\b(?!\.py)", text):
        if not re.search(rf"^(?:async )?def {test}\(", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE):
            return "the file has no such test"
    is_on_site = name.startswith("docs/") and not REPOSITORY.match(url)
    if anchor and anchor not in anchors(name, is_on_site) and not (is_on_site and is_documented(name, anchor)):
        return "there is no such heading"
    return None


def is_documented(name: str, anchor: str) -> bool:
    """Return whether an anchor may be that of an object on a page of the reference; the build of the site checks it."""
    return "." in anchor and any(line.startswith("::: ") for line in PAGES[name].prose)


@cache
def anchors(name: str, is_on_site: bool) -> set[str]:
    """Return the anchors of a page: those that Markdown's `toc` gives headings on the site, else those of GitHub."""
    found: set[str] = set()
    if name not in PAGES:
        return found
    for line in PAGES[name].prose:
        if included := re.fullmatch(r'-+8<-+ "(.*)"', line):
            found |= anchors(included[1].partition(":")[0], is_on_site)
        elif heading := re.fullmatch(r"#+ (.*?)(?: \{ *#([\w.-]+) *\})?", line):
            title = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])|`", r"\1", heading[1])
            found.add(heading[2] or (unique(slugify(title, "-"), found) if is_on_site else _github_anchor(title)))
    return found


def test_the_facts_about_the_api_have_sources() -> None:
    text = re.sub(r"`[^`]*`", "", "\n".join(PAGES["docs/api-facts.md"].prose))
    defined = re.findall(r"^\[([^]]+)\]: https://", text, re.MULTILINE)
    used = re.findall(r"\[([^]]+)\](?![(:])", text)
    assert {" ".join(name.split()) for name in used} == set(defined)


def _github_anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize(
    ("text", "link", "flaw"),
    [
        ("files", "../guides/files.md", None),
        ("here", "#flask", None),
        ("home", SITE, None),
        ("files", f"{SITE}guides/files/", None),
        ("run", "../reference/clients.md#replicate_ext.Replicate.run", None),
        ("elsewhere", "https://replicate.com/docs", None),
        ("test_the_links_of_a_page_resolve", f"{BLOB}tests/test_page_links.py", None),
        ("files", "files/", "docs/guides/files does not exist"),
        ("here", "#no-heading", "there is no such heading"),
        ("tour", "../../examples/tour.py", "it leads out of the site"),
        ("files", f"{SITE}guides/files", "the URL of a page ends with a slash"),
        ("files", f"{SITE}guides/no/", "docs/guides/no/index.md does not exist"),
        ("tests", f"{BLOB}tests/no.py", "tests/no.py does not exist"),
        ("no", "https://raw.githubusercontent.com/replicate-ext/replicate-ext/main/no.py", "no.py does not exist"),
        ("another branch", f"{BLOB.replace('main', 'v1')}README.md", "v1/README.md does not exist"),
        ("test_no", f"{BLOB}tests/test_page_links.py", "the file has no such test"),
        ("its `test_no`", f"{BLOB}tests/test_page_links.py", "the file has no such test"),
    ],
)
def test_a_link_is_judged(text: str, link: str, flaw: str | None) -> None:
    assert problem(PAGES["docs/guides/webhooks.md"], text, link) == flaw


@pytest.mark.parametrize(
    "markdown",
    [
        "[a](b.md)",
        '[a](b.md "title")',
        "[a\nb](b.md)",
        "[![a](c.png)](b.md)",
        "![a](b.md)",
        "[a]: b.md",
        '<a class="x" href="b.md">',
        "see https://b.md, and",
        "<https://b.md>",
    ],
)
def test_a_link_is_found(tmp_path: Path, markdown: str) -> None:
    (tmp_path / "page.md").write_text(f"# Title\n\n{markdown}\n")
    found = [(line, link.removeprefix("https://")) for line, _, link in links(Page(tmp_path / "page.md", tmp_path))]
    assert found[-1] == (3, "b.md")


def test_a_relative_link_of_the_readme_is_a_flaw() -> None:
    assert problem(PAGES["README.md"], "notes", "CONTRIBUTING.md") == (
        "PyPI, which shows this page, has no other file of the repository"
    )
