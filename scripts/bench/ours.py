"""Our client, installed from a wheel, and with the extra `fast` if that is installed too."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import measure

from replicate_api.types import loads
from replicate_ext import (
    AsyncBatch,
    AsyncFileOutput,
    AsyncReplicate,
    BatchStoppedError,
    Event,
    FileOutput,
    Prediction,
    Replicate,
)

MARK_DONE = """
update row set state = 5, attempts = 1, status = 'succeeded', prediction_id = printf('%026d', n), seconds = 0.2,
    ended_at = 1.7e9, output = json_array(printf('http://127.0.0.1:40000/files/20000/%026d.webp', n)),
    files = json_array(json_object('path', printf('outputs/%03d/%06d-0.webp', n / 1000, n), 'size', 20000,
        'sha256', hex(randomblob(32)), 'url', printf('http://127.0.0.1:40000/files/20000/%026d.webp', n)))
    where n < :count and state != 5;
insert into attempt(n, sent, intent_at, prediction_id, created_at, ended_at, status, seconds)
    select n, randomblob(16), 1.7e9, prediction_id, 1.7e9, 1.7e9, 'succeeded', 0.2 from row
    where n < :count and n not in (select n from attempt);
"""


class Client:
    def __init__(self, base_url: str) -> None:
        self.api = Replicate("r8_bench", base_url=f"{base_url}/v1")

    def warm_up(self) -> None:
        self.api.account.get()

    def get(self) -> object:
        return self.api.predictions.get("abc").status

    def run(self, model: str, input: dict[str, Any]) -> Any:
        return self.api.run(model, input)

    def poll(self, model: str, input: dict[str, Any]) -> Any:
        return self.api.run(model, input, wait=False)

    def stream(self, input: dict[str, Any]) -> Iterator[Event]:
        return iter(self.api.stream(measure.MODEL, input))

    def model_names(self) -> Iterator[object]:
        for model in self.api.models.list():
            yield model.name

    def parse(self, body: bytes) -> None:
        job = self.parse_bare(body)
        for name in job.fields:
            getattr(job, name)

    def parse_bare(self, body: bytes) -> Prediction:
        return Prediction.from_dict(loads(body))

    def save(self, url: str, path: Path) -> None:
        FileOutput(url, self.api._session).save(path)

    def read(self, url: str) -> bytes:
        return FileOutput(url, self.api._session).read()

    def upload(self, model: str, path: Path) -> Any:
        return self.api.run(model, {"file": path, "seconds": 0})


class AsyncClient:
    def __init__(self, base_url: str) -> None:
        self.api = AsyncReplicate("r8_bench", base_url=f"{base_url}/v1")

    async def warm_up(self) -> None:
        await self.api.account.get()

    async def get(self) -> object:
        return (await self.api.predictions.get("abc")).status

    async def run(self, model: str, input: dict[str, Any]) -> Any:
        return await self.api.run(model, input)

    run_without_pool_timeout = run

    def stream(self, input: dict[str, Any]) -> AsyncIterator[Event]:
        return aiter(self.api.stream(measure.MODEL, input))

    async def save(self, url: str, path: Path) -> None:
        await AsyncFileOutput(url, self.api._session).save(path)

    async def map(
        self, model: str, rows: Iterable[dict[str, Any]], folder: Path, concurrency: int, limit: int | None = None
    ) -> None:
        if folder.exists():
            batch = AsyncBatch.open(folder, self.api).resume(max_creates=limit)
        else:
            batch = self.api.map(model, rows, folder, concurrency=concurrency, max_creates=limit)
        with contextlib.suppress(BatchStoppedError):
            async for _ in batch:
                pass

    def mark_done(self, folder: Path, count: int) -> None:
        with contextlib.closing(sqlite3.connect(folder / "journal.db")) as db, db:
            for statement in MARK_DONE.split(";")[:2]:
                db.execute(statement, {"count": count})


if __name__ == "__main__":
    measure.main(Client, AsyncClient)
