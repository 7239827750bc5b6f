"""Update to Replicate's current OpenAPI document, run all checks, and open a pull request or renew the open one.

    GH_TOKEN=... python scripts/weekly_job.py [--source URL_OR_FILE]

`.github/workflows/update-spec.yml` runs it every week. There is one branch, which is overwritten, and at most one
pull request, which is closed if there is nothing to update any more. Failed checks are reported in the pull request.

Exit codes: 0 the pull request is up to date or not needed, 2 the document cannot be used and nothing was changed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from codegen import changes, generate
from codegen.update import SOURCE, UpdateError, update

BASE, BRANCH = "main", "update-spec"
CHECKS = ("check", "test", "interop")
PATHS = ("openapi.json", *map(str, generate.OUTPUTS))

LABELS = {
    "contract": ("0366d6", "Updates the OpenAPI document"),
    "breaking": ("d73a4a", "Breaks code of users"),
}
"""Color and description by name."""

AUTHOR = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")

MAX_REPORT_SIZE = 50_000
"""Characters of the report that are shown: GitHub limits the body of a pull request to 65,536."""

MAX_OUTPUT_SIZE = 3000
"""Characters at the end of the output of a failed check that are shown."""


class Check(NamedTuple):
    """A target of the Makefile that was run."""

    name: str
    has_passed: bool
    seconds: float
    output: str


def main(argv: Sequence[str] | None = None, root: Path = generate.ROOT) -> int:
    """Run the job in a clean checkout of the base branch; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", default=SOURCE, help=f"a URL or a file (default: {SOURCE})")
    arguments = parser.parse_args(argv)
    try:
        found, notes = update(arguments.source, root)
    except Exception as error:
        print(f"{parser.prog}: {UpdateError.of(error)}; nothing was changed", file=sys.stderr)
        return 2
    repository = Repository(root)
    if not found:
        print("\n".join(["the contract has not changed", *notes]))
        repository.close_pull_request("The contract no longer differs from Replicate's OpenAPI document.")
        return 0
    title = changes.title(found)
    body = format_body(found, notes, [run_check(name, root) for name in CHECKS])
    print(f"{title}\n\n{body}")
    repository.push(title)
    repository.write_pull_request(title, body, is_breaking=any(change.effect != changes.SAFE for change in found))
    return 0


def run_check(name: str, root: Path) -> Check:
    """Run a target of the Makefile, without the token: it runs code that was generated or downloaded a moment ago."""
    environment = {key: value for key, value in os.environ.items() if key != "GH_TOKEN"}
    started = time.monotonic()
    done = subprocess.run(
        ["make", name],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    print(done.stdout, flush=True)
    return Check(name, done.returncode == 0, time.monotonic() - started, done.stdout)


def format_body(found: list[changes.Change], notes: Sequence[str], checks: Sequence[Check]) -> str:
    """Return the body of the pull request in Markdown: the report, all remarks, and how the checks went."""
    report = changes.FORMATS["markdown"](found)
    if len(report) > MAX_REPORT_SIZE:
        report = f"{report[:MAX_REPORT_SIZE]}\n\n… the rest is in the log of the workflow.\n"
    parts = [report.rstrip()]
    if notes:
        parts.append("### Remarks\n\n" + "\n".join(f"- {note}" for note in notes))
    rows = [
        f"| `make {one.name}` | {'passed' if one.has_passed else '**failed**'} | {one.seconds:.0f} |" for one in checks
    ]
    parts.append("\n".join(["### Checks\n", "| | result | seconds |", "|---|---|---|", *rows]))
    parts += [
        f"<details><summary>The end of <code>make {one.name}</code></summary>\n\n"
        f"~~~~text\n{one.output[-MAX_OUTPUT_SIZE:].strip()}\n~~~~\n</details>"
        for one in checks
        if not one.has_passed
    ]
    parts.append(f"The branch `{BRANCH}` is overwritten every week. What is left to do is in `docs/regenerating.md`.")
    return "\n\n".join(parts) + "\n"


class Repository:
    """The checkout, its remote `origin`, and its pull request on GitHub."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def push(self, message: str) -> None:
        """Commit the update on top of the base branch, as the only commit of the branch."""
        name, email = AUTHOR
        self._run("git", "switch", "--quiet", "--force-create", BRANCH)
        self._run("git", "add", "--all", "--", *PATHS)
        self._run("git", "-c", f"user.name={name}", "-c", f"user.email={email}", "commit", "--quiet", "-m", message)
        credentials = "credential.helper=!gh auth git-credential"
        self._run("git", "-c", credentials, "push", "--quiet", "--force", "origin", BRANCH)

    def write_pull_request(self, title: str, body: str, *, is_breaking: bool) -> None:
        """Open the pull request, or edit the open one."""
        for name, (color, description) in LABELS.items():
            self._run("gh", "label", "create", name, "--force", "--color", color, "--description", description)
        number, text = self._find_pull_request(), ("--title", title, "--body-file", "-")
        if number is None:
            labels = ",".join(LABELS if is_breaking else ["contract"])
            self._run("gh", "pr", "create", "--base", BASE, "--head", BRANCH, "--label", labels, *text, stdin=body)
        else:
            breaking = ("--add-label" if is_breaking else "--remove-label", "breaking")
            self._run("gh", "pr", "edit", number, "--add-label", "contract", *breaking, *text, stdin=body)

    def close_pull_request(self, comment: str) -> None:
        """Close the pull request, if one is open."""
        number = self._find_pull_request()
        if number is not None:
            self._run("gh", "pr", "close", number, "--comment", comment, "--delete-branch")

    def _find_pull_request(self) -> str | None:
        fields = ("--head", BRANCH, "--base", BASE, "--state", "open", "--json", "number")
        numbers = [str(one["number"]) for one in json.loads(self._run("gh", "pr", "list", *fields))]
        return numbers[0] if numbers else None

    def _run(self, *command: str, stdin: str = "") -> str:
        done = subprocess.run(command, cwd=self.root, input=stdin, stdout=subprocess.PIPE, encoding="utf-8", check=True)
        return done.stdout


if __name__ == "__main__":
    sys.exit(main())
