"""A headless Chromium without a network, which reports what a page shows."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from screenshots.chromium import OPTIONS, VIRTUAL_TIME, find_chromium

BROWSER = find_chromium()

needs_browser = pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")

SCRIPT = """
<script>
addEventListener("load", async () => {
  const players = [...document.querySelectorAll("audio, video")];
  await Promise.all(players.map(player => new Promise(resolve => {
    if (player.readyState || player.error) resolve();
    player.onloadedmetadata = player.onerror = resolve;
  })));
  const requests = performance.getEntriesByType("resource").map(entry => entry.name);
  const report = {
    pictures: [...document.images].map(picture => picture.naturalWidth),
    players: players.map(player => player.duration || 0),
    requests: requests.filter(name => !name.startsWith("data:")),
  };
  const element = document.createElement("pre");
  element.id = "report";
  element.textContent = JSON.stringify(report);
  document.body.append(element);
});
</script>
"""


def open_in_browser(body: str, folder: Path) -> dict[str, Any]:
    """Return the widths of the pictures, the durations of the players, and the URLs that a page requests."""
    page = folder / "page.html"
    page.write_text(f'<!doctype html><meta charset="utf-8">{SCRIPT}{body}', encoding="utf-8")
    command = [str(BROWSER), *OPTIONS, VIRTUAL_TIME, f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
    dom = subprocess.run([*command, page.as_uri()], capture_output=True, check=True, timeout=60).stdout.decode()
    found = re.search(r'<pre id="report">(.*?)</pre>', dom)
    assert found is not None, dom[-2000:]
    report: dict[str, Any] = json.loads(html.unescape(found[1]))
    return report
