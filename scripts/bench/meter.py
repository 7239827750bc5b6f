"""Measure a block of code: time, CPU, memory, requests."""

from __future__ import annotations

import gc
import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Result = dict[str, Any]


def read_memory(field: str) -> float:
    """Return `VmRSS`, the current memory of the process, or `VmHWM`, its peak, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) * 1024 / 1e6


def fetch_counters(base_url: str) -> dict[str, int]:
    """Return the requests and new connections that the server has counted since the last call."""
    url = urlsplit(base_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port)
    connection.request("GET", "/_counters")
    counters: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return counters


@contextmanager
def measure(base_url: str | None = None) -> Iterator[Result]:
    """Measure a `with` block: time, CPU, memory added, and, with a `base_url`, requests.

    The peak memory is reset via `clear_refs`. `ru_maxrss` would not do: a child process starts with that of its parent.
    """
    gc.collect()
    if base_url:
        fetch_counters(base_url)
    Path("/proc/self/clear_refs").write_text("5")
    result: Result = {"base_mb": read_memory("VmRSS")}
    cpu, started = time.process_time(), time.perf_counter()
    yield result
    result["seconds"] = time.perf_counter() - started
    result["ms"] = 1e3 * result["seconds"]
    result["cpu"] = time.process_time() - cpu
    result["rss_mb"] = read_memory("VmHWM") - result["base_mb"]
    if base_url:
        result |= fetch_counters(base_url)


def add_per_item(result: Result, count: int) -> Result:
    """Add the time and CPU per item."""
    return result | {"per_item_us": 1e6 * result["seconds"] / count, "cpu_us": 1e6 * result["cpu"] / count}
