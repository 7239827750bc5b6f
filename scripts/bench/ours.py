"""Our client, installed from a wheel, and with the extra `fast` if that is installed too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import measure

from replicate_api.types import loads
from replicate_ext import AsyncFileOutput, AsyncReplicate, Event, FileOutput, Prediction, Replicate


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


if __name__ == "__main__":
    measure.main(Client, AsyncClient)
