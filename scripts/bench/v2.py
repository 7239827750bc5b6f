"""The worker of the official Python client 2.0.0b4."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import measure
from official import Official
from replicate import AsyncReplicate, Replicate
from replicate._models import construct_type
from replicate.lib._files import AsyncFileOutput, FileOutput
from replicate.types import Prediction


class Client(Official):
    file = FileOutput

    def __init__(self, base_url: str) -> None:
        self.api = Replicate(bearer_token="r8_bench", base_url=f"{base_url}/v1")

    def warm_up(self) -> None:
        self.api.account.get()

    def get(self) -> object:
        return self.api.predictions.get(prediction_id="abc").status

    def stream(self, input: dict[str, Any]) -> NoReturn:
        raise measure.Unsupported("it polls instead of opening the stream")

    def model_names(self) -> Iterator[object]:
        for model in self.api.models.list():
            yield model.name

    def parse(self, body: bytes) -> None:
        job: Any = construct_type(type_=Prediction, value=json.loads(body))
        for name in Prediction.model_fields:
            getattr(job, name)


class AsyncClient:
    stream = Client.stream

    def __init__(self, base_url: str) -> None:
        self.api = AsyncReplicate(bearer_token="r8_bench", base_url=f"{base_url}/v1")

    async def warm_up(self) -> None:
        await self.api.account.get()

    async def get(self) -> object:
        return (await self.api.predictions.get(prediction_id="abc")).status

    async def run(self, model: str, input: dict[str, Any]) -> Any:
        return await self.api.run(model, input=input)

    async def save(self, url: str, path: Path) -> None:
        file_output = AsyncFileOutput(url, self.api)
        with path.open("wb") as file:
            async for chunk in file_output:
                file.write(chunk)


if __name__ == "__main__":
    measure.main(Client, AsyncClient)
