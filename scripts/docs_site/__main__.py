"""Build the documentation site and check it: `python -m docs_site` writes `site/`; exit code 1 if it has a flaw."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

import yaml

from . import llms
from .links import Problem, Site
from .shown_code import built_name, differences, line_of
from .snippets import ROOT


def main() -> int:
    """Build and check the site of a checkout; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout (default: this one)")
    root: Path = parser.parse_args().root
    start = time.monotonic()
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    build = subprocess.run(command, cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if build.returncode:
        print(re.sub(r"\x1b\[[0-9;]*m", "", build.stdout).partition("Traceback")[0], file=sys.stderr)
        return 1
    url = _option(root, "site_url")
    described = llms.describe(root / "site/llms.txt", root / "docs", url)
    site = Site(root / "site", url)
    flaws = [_describe(problem, root) for problem in site.problems()]
    flaws += differences(site, root)
    flaws += [f"docs/{page}: no description in its front matter" for page, text in described.items() if not text]
    flaws += [f"docs/{page}: not in llms.txt" for page in sorted(_pages(root) - described.keys())]
    print(*flaws, sep="\n", end="\n" if flaws else "")
    links = sum(len(page.links) for page in site.pages.values())
    print(f"{len(described)} pages, {links} links, {len(flaws)} flaws, {time.monotonic() - start:.1f} s")
    return 1 if flaws else 0


def _describe(problem: Problem, root: Path) -> str:
    """Name the line of the page, if the reference is in its Markdown and not in a docstring."""
    text = problem.reference.rstrip("/").rpartition("/")[2]
    places = [
        f"{path.relative_to(root)}:{line_of(path, text)}"
        for path in root.glob("docs/**/*.md")
        if built_name(path.relative_to(root / "docs")) == problem.page
    ]
    return str(problem._replace(page=" ".join(places) or problem.page))


def _option(root: Path, name: str) -> str:
    return str(yaml.safe_load((root / "mkdocs.yml").read_text(encoding="utf-8"))[name])


def _pages(root: Path) -> set[str]:
    return {path.relative_to(root / "docs").as_posix() for path in (root / "docs").rglob("*.md")}


if __name__ == "__main__":
    sys.exit(main())
