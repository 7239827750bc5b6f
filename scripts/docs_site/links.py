"""Check the pages that were built: every link leads somewhere, and nothing is loaded from another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from .snippets import ROOT

RESOURCES = ("background", "data", "href", "poster", "src", "xlink:href")
"""The attributes, beside `srcset`, that a browser loads by itself, on all elements but `a`, also in SVG:
https://html.spec.whatwg.org/multipage/indices.html"""
NOT_LOADED = {"canonical", "next", "prev", "alternate"}
"""Values of `rel` with which a `link` only says how pages are related."""
CSS_REFERENCE = re.compile(r"""(?:url\(|@import)\s*["']?((?!url\()[^)"';\s]+)""", re.IGNORECASE)
REPOSITORY = re.compile(
    r"https://(?:github\.com/replicate-ext/replicate-ext/(?:blob|tree|raw)"
    r"|raw\.githubusercontent\.com/replicate-ext/replicate-ext)/(?:main/)?"
)
"""How the URL of a file of the repository begins; one of another branch is no file of this one."""


class Page(HTMLParser):
    """The targets, the references and the code blocks of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.resources: set[str] = set()
        self.code_blocks: list[str] = []
        """The texts of the code blocks, without those in which mkdocstrings shows a signature."""

        self._is_style = False
        self._is_signature = False
        self._code: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the id and the references of an element."""
        values = {name: value or "" for name, value in attrs}
        self.ids.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.add(values["href"])
        elif values.get("rel") not in NOT_LOADED:
            self.resources.update(values[name] for name in RESOURCES if name in values)
            self.resources.update(each.split()[0] for each in values.get("srcset", "").split(",") if each)
        self.resources.update(CSS_REFERENCE.findall(values.get("style", "")))
        self._is_style = tag == "style"
        if tag == "div":
            self._is_signature = "doc-signature" in values.get("class", "")
        elif tag == "pre":
            self._code = []

    def handle_endtag(self, tag: str) -> None:
        """Collect the text of a code block."""
        if tag == "pre" and self._code is not None:
            if not self._is_signature:
                self.code_blocks.append("".join(self._code))
            self._code = None

    def handle_data(self, data: str) -> None:
        """Collect the references of a style sheet, and the text of a code block."""
        if self._is_style:
            self.resources.update(CSS_REFERENCE.findall(data))
        if self._code is not None:
            self._code.append(data)


class Problem(NamedTuple):
    """A reference that leads nowhere, or to another host."""

    page: str
    reference: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page}: {self.reference}: {self.reason}"


class Site:
    """A folder of built pages that are published below a URL."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.pages = {
            path.relative_to(folder).as_posix(): Page(path.read_text(encoding="utf-8"))
            for path in sorted(folder.rglob("*.html"))
        }

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the references of all pages and style sheets."""
        for name, page in self.pages.items():
            for link in sorted(page.links):
                if reason := self._check_link(name, link):
                    yield Problem(name, link, reason)
            for resource in sorted(page.resources):
                if reason := self._check_resource(name, resource):
                    yield Problem(name, resource, reason)
        for path in sorted(self.folder.rglob("*.css")):
            name = path.relative_to(self.folder).as_posix()
            for resource in CSS_REFERENCE.findall(path.read_text(encoding="utf-8")):
                if reason := self._check_resource(name, resource):
                    yield Problem(name, resource, reason)

    def _check_link(self, page: str, link: str) -> str | None:
        if urlsplit(link).scheme == "mailto":
            return None
        url = urlsplit(urljoin(self.url + page, link))
        if file := REPOSITORY.match(link):
            path = unquote(link[file.end() :].partition("#")[0])
            return None if (ROOT / path).exists() else "no such file in the repository"
        if not url.geturl().startswith(self.url):
            is_own_host = url.netloc == urlsplit(self.url).netloc
            return "not below the site" if is_own_host else None if url.scheme == "https" else "not https"
        target = self._local(url.path)
        if not (self.folder / target).is_file():
            return "no such page"
        anchor = unquote(url.fragment)
        if anchor and target in self.pages and anchor not in self.pages[target].ids:
            return f"{target} has no element with this id"
        return None

    def _check_resource(self, page: str, resource: str) -> str | None:
        if resource.startswith("data:"):
            return None
        url = urlsplit(urljoin(self.url + page, resource))
        if not url.geturl().startswith(self.url):
            return f"loaded from another host: {url.netloc}"
        return None if (self.folder / self._local(url.path)).is_file() else "no such file"

    def _local(self, path: str) -> str:
        """Return the name in the folder of a path of the published site."""
        name = unquote(path).removeprefix(urlsplit(self.url).path)
        return f"{name}index.html" if not name or name.endswith("/") else name
