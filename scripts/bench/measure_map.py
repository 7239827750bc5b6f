"""The workloads of batches: many rows through one model, each with a file as its output.

A client has `map(model, rows, folder, concurrency, limit)`, which runs the rows of a new folder, or what is left of an
existing one, until `limit` rows are done in all, and saves the files there. `mark_done(folder, count)` makes it look as
if the first rows were done.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from meter import Result, measure

FILE_SIZE = 20_000
"""Bytes."""

PART = 100
"""The number of rows that run before and after a batch is resumed."""

CONCURRENCY = 100


DURATION_FACTORS = (0.8, 1, 1.2, 0.9, 1.1)
"""The durations of consecutive runs, relative to the average."""


def make_rows(count: int, seconds: float, hold: float = 60) -> Iterator[Result]:
    """Yield distinct inputs, whose runs take about so many seconds."""
    for number in range(count):
        prompt = f"a lighthouse on a cliff by the sea at dawn, oil on canvas, thick brush strokes, study {number}"
        duration = seconds * DURATION_FACTORS[number % len(DURATION_FACTORS)]
        yield {"prompt": prompt, "seed": number, "seconds": duration, "hold": hold, "file_size": FILE_SIZE}


async def run_batch(
    client: Any, base_url: str, folder: str, count: str, seconds: str, concurrency: str, hold: str
) -> Result:
    """Measure a new batch, on a client that has run one before."""
    model, total = f"acme/model-{seconds}", int(count)
    with tempfile.TemporaryDirectory(dir=folder) as output:
        await client.map(model, make_rows(1, 0), Path(output, "warm-up"), 1)
        rows = make_rows(total, float(seconds), float(hold))
        with measure(base_url) as result:
            await client.map(model, rows, Path(output, "batch"), int(concurrency))
        files = sum(path.stat().st_size == FILE_SIZE for path in Path(output, "batch").rglob("*.webp"))
    done = max(files, 1)
    return result | {
        "failed": total - files,
        "batch_seconds": result["seconds"],
        "api_requests_per_row": (result["requests"] - result["downloads"]) / done,
        "cpu_ms_per_row": 1e3 * result["cpu"] / done,
        "server_cpu_ms_per_row": 1e3 * result["server_cpu"] / done,
        **{f"{kind}_per_row": result[kind] / done for kind in ("creates", "polls", "lists", "downloads")},
    }


def resume_batch(client: Any, base_url: str, folder: str, count: str) -> Result:
    """Measure a large batch in three processes: the first rows of it, the next ones, and, later, the last ones."""
    with tempfile.TemporaryDirectory(dir=folder) as output:
        batch = str(Path(output, "batch"))

        def run_part(limit: int) -> Result:
            command = [sys.executable, sys.argv[0], "map-part", base_url, batch, count, str(limit)]
            lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
            result: Result = json.loads(lines[-1])
            return result

        started, resumed = run_part(PART), run_part(2 * PART)
        client.mark_done(Path(batch), int(count) - PART)
        ended = run_part(int(count))
    return {
        "rss_mb": started["rss_mb"],
        "start_seconds": started["seconds"],
        "resume_seconds": resumed["seconds"],
        "end_seconds": ended["seconds"],
        "resume_rss_mb": resumed["rss_mb"],
        "end_rss_mb": ended["rss_mb"],
    }


def run_part(client: Any, base_url: str, folder: str, count: str, limit: str) -> None:
    """Run a batch until so many of its rows are done in all, print the result, and exit.

    It exits at once, because canceling the other tasks of a large batch that was written by hand takes hours: each of
    them searches the queue of its semaphore for itself.
    """

    async def run() -> Result:
        with measure(base_url) as result:
            rows = make_rows(int(count), 0)
            await client.map("acme/model-0", rows, Path(folder), CONCURRENCY, int(limit))
        return result

    print(json.dumps(asyncio.new_event_loop().run_until_complete(run())), flush=True)
    os._exit(0)
