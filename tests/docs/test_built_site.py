"""The built site: the names in its reference, and in a real browser without a network what it loads and its search."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, ClassVar

import pytest

from docs_site.docstring_rules import WITHOUT_EXAMPLE
from docs_site.public_api import public_names
from screenshots.chromium import OPTIONS, find_chromium

ROOT = Path(__file__).parents[2]
BROWSER = find_chromium()
SCRIPT = b"""
<script>
const until = async find => {
  for (;;) {
    const found = find();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
};
addEventListener("load", async () => {
  document.querySelector(".md-search__button").click();
  const dialog = await until(() => [...document.body.children].map(e => e.shadowRoot).find(root => root));
  const input = await until(() => dialog.querySelector("input"));
  input.value = "maybe_created_after";
  input.dispatchEvent(new InputEvent("input", {bubbles: true}));
  const results = await until(() => {
    const found = [...dialog.querySelectorAll("a")];
    return found.some(link => link.href.includes("/reference/errors/")) ? found : null;
  });
  await fetch("/report", {method: "POST", body: JSON.stringify({
    results: results.map(link => link.href),
    requests: performance.getEntriesByType("resource").map(entry => entry.name),
  })});
});
</script></body>
"""


class Handler(SimpleHTTPRequestHandler):
    """Serves a site, adds the script to its first page, and receives its report."""

    reports: ClassVar[Queue[dict[str, Any]]] = Queue()

    def do_GET(self) -> None:
        if self.path != "/":
            return super().do_GET()
        page = (Path(self.directory) / "index.html").read_bytes().replace(b"</body>", SCRIPT)
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(page)
        return None

    def do_POST(self) -> None:
        self.reports.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site from a copy of the pages."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("docs", "scripts/docs_site"):
        shutil.copytree(ROOT / name, root / name)
    for name in ("mkdocs.yml", "openapi.json", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, root)
    for name in ("replicate_ext", "generated"):
        (root / name).symlink_to(ROOT / name, target_is_directory=True)
    command = [sys.executable, "-m", "docs_site", "--root", str(root)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    build = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert build.returncode == 0, build.stdout + build.stderr
    return root / "site"


@pytest.fixture
def site(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")
def test_search_works_and_nothing_is_loaded_from_another_host(site: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        [str(BROWSER), *OPTIONS, f"--user-data-dir={tmp_path}", "--remote-debugging-port=0", site],
        stderr=subprocess.DEVNULL,
    ) as browser:
        try:
            report = Handler.reports.get(timeout=30)
        finally:
            browser.kill()
    assert any("/guides/errors-and-retries/" in result for result in report["results"]), report["results"]
    assert len(report["requests"]) > 5
    assert [request for request in report["requests"] if not request.startswith(site)] == []


def test_every_operation_is_in_the_reference_with_its_request(folder: Path) -> None:
    page = (folder / "reference/operations/index.html").read_text(encoding="utf-8")
    paths = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            if "operationId" in operation:
                assert f"client.{operation['operationId'].replace('-', '_')}" in page
                assert f"<code>{method.upper()} {path}</code>" in page


def test_every_public_name_is_in_the_reference(folder: Path) -> None:
    """The inventory has the objects of the reference: https://sphobjinv.readthedocs.io/en/stable/syntax.html"""
    body = (folder / "objects.inv").read_bytes().split(b"\n", 4)[4]
    names = {line.split()[0] for line in zlib.decompress(body).decode().splitlines()}
    operations = {name[name.rindex("client.") :] for name in names if "client." in name}
    internal = WITHOUT_EXAMPLE["called by the package, hardly by users"].split()
    missing = []
    for one in public_names():
        if one.kind != "module" and one.name not in internal:
            path = f"{one.object.__module__}.{one.object.__qualname__}"
            operation = one.name.replace("Replicate.", "client.")
            if not names & {path, f"replicate_ext.{one.name}"} and operation not in operations:
                missing.append(one.name)
    assert missing == []
