"""The worker of the official Python client 1.0.7."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import by_hand
import httpx
import measure
from official import Official
from replicate import client
from replicate.helpers import FileOutput
from replicate.pagination import paginate
from replicate.prediction import Prediction


class Client(Official):
    file = FileOutput

    def __init__(self, base_url: str) -> None:
        self.api = client.Client("r8_bench", base_url=base_url)

    def warm_up(self) -> None:
        self.api.accounts.current()

    def get(self) -> object:
        return self.api.predictions.get("abc").status

    def stream(self, input: dict[str, Any]) -> Iterator[Any]:
        return self.api.stream(measure.MODEL, input=input)

    def model_names(self) -> Iterator[object]:
        return (model.name for page in paginate(self.api.models.list) for model in page)

    def parse(self, body: bytes) -> None:
        job = Prediction(**json.loads(body))
        for name in job.__fields__:
            getattr(job, name)


class AsyncClient:
    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.api = client.Client("r8_bench", base_url=base_url)

    async def warm_up(self) -> None:
        await self.api.accounts.async_current()

    async def get(self) -> object:
        return (await self.api.predictions.async_get("abc")).status

    async def run(self, model: str, input: dict[str, Any]) -> Any:
        return await self.api.async_run(model, input=input)

    async def stream(self, input: dict[str, Any]) -> AsyncIterator[Any]:
        async for event in await self.api.async_stream(measure.MODEL, input=input):
            yield event

    async def save(self, url: str, path: Path) -> None:
        with path.open("wb") as file:
            async for chunk in FileOutput(url, self.api):
                file.write(chunk)

    mark_done = staticmethod(by_hand.mark_done)

    async def map(
        self, model: str, rows: Iterable[by_hand.Row], folder: Path, concurrency: int, limit: int | None = None
    ) -> None:
        limits = httpx.Limits(
            max_connections=concurrency, max_keepalive_connections=20
        )  # else most of 1,000 concurrent runs fail with PoolTimeout
        api = client.Client("r8_bench", base_url=self.base_url, transport=httpx.AsyncHTTPTransport(limits=limits))

        async def run(row: by_hand.Row, path: Path) -> Any:
            [url] = await api.async_run(model, input=row)
            path.write_bytes(await FileOutput(url, api).aread())
            return [url]

        batch = by_hand.Batch(run, folder, concurrency, limit)

        async def start() -> None:
            async with asyncio.TaskGroup() as group:
                for task in batch.tasks(rows):
                    group.create_task(task)

        await batch.finish(start())


if __name__ == "__main__":
    measure.main(Client, AsyncClient)
