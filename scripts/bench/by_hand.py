"""The batch that users write by hand: a semaphore, and a JSONL file to which each result is appended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Run = Callable[[Row, Path], Awaitable[Any]]
"""Runs a row, saves the file of its output, and returns the output."""


class Batch:
    """Runs the rows that have no line in the file yet.

    A failed row gets a line with its error, and is run again the next time.
    """

    def __init__(self, run: Run, folder: Path, concurrency: int, limit: int | None) -> None:
        folder.mkdir(exist_ok=True)
        self.run, self.folder, self.limit = run, folder, limit
        path = folder / "results.jsonl"
        self.done = _read_done(path) if path.exists() else set()
        self.file = path.open("a")
        self.semaphore = asyncio.Semaphore(concurrency)
        self.has_reached_limit = asyncio.Event()

    def tasks(self, rows: Iterable[Row]) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield a coroutine for each row that is left."""
        return (self._run(index, row) for index, row in enumerate(rows) if index not in self.done)

    async def finish(self, batch: Coroutine[Any, Any, Any]) -> None:
        """Wait for all rows, or for as many as the benchmark needs."""
        limit = asyncio.ensure_future(self.has_reached_limit.wait())
        await asyncio.wait([asyncio.ensure_future(batch), limit], return_when=asyncio.FIRST_COMPLETED)
        limit.cancel()

    async def _run(self, index: int, row: Row) -> None:
        async with self.semaphore:
            path = self.folder / f"{index:06}.webp"
            try:
                line = {"index": index, "output": await self.run(row, path), "file": path.name}
            except Exception as error:
                self._append({"index": index, "error": repr(error)})
                return
            self._append(line)
            self.done.add(index)
            if len(self.done) == self.limit:
                self.has_reached_limit.set()

    def _append(self, line: dict[str, Any]) -> None:
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()


def _read_done(path: Path) -> set[int]:
    with path.open() as file:
        return {line["index"] for line in map(json.loads, file) if "error" not in line}


def mark_done(folder: Path, count: int) -> None:
    """Make a batch look as if its first rows were done."""
    output = ["http://127.0.0.1:40000/files/20000/00000000000000000000000000.webp"]
    with (folder / "results.jsonl").open("w") as file:
        for index in range(count):
            file.write(json.dumps({"index": index, "output": output, "file": f"{index:06}.webp"}) + "\n")
