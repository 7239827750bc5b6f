"""Raw httpx, with no more code than the workloads need. The baseline of the other clients."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import by_hand
import httpx
import measure

HEADERS = {"Authorization": "Bearer r8_bench"}
HOLD = {"Prefer": "wait"}
TIMEOUT = httpx.Timeout(5, read=65)


class Event(NamedTuple):
    event: str
    data: str
    id: str


class Decoder:
    """A minimal correct decoder, which splits the stream at blank lines."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        text = self.rest + chunk
        if b"\r" in text:
            is_pending = text.endswith(b"\r")  # may be the first half of a CRLF
            text = text[: -1 if is_pending else None].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + b"\r" * is_pending
        *blocks, self.rest = text.split(b"\n\n")
        for block in blocks:
            event, data, id = "", [], ""
            for line in block.decode().split("\n"):
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if name == "data":
                    data.append(value)
                elif name == "event":
                    event = value
                elif name == "id":
                    id = value
            if event:
                yield Event(event, "\n".join(data), id)


def create_path(model: str) -> str:
    return f"/v1/models/{model}/predictions"


class Client:
    parse = staticmethod(json.loads)

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = httpx.Client(base_url=base_url, headers=HEADERS, timeout=TIMEOUT)

    def warm_up(self) -> None:
        self.http.get("/v1/account")

    def get(self) -> object:
        return self.http.get(f"{self.base_url}/v1/predictions/abc").json()["status"]

    def run(self, model: str, input: dict[str, Any]) -> Any:
        return self.http.post(create_path(model), json={"input": input}, headers=HOLD).json()["output"]

    def poll(self, model: str, input: dict[str, Any]) -> Any:
        job = self.http.post(create_path(model), json={"input": input}).json()
        while job["status"] not in ("succeeded", "failed", "canceled"):
            time.sleep(0.5)
            job = self.http.get(job["urls"]["get"]).json()
        return job["output"]

    def stream(self, input: dict[str, Any]) -> Iterator[Event]:
        url = self.http.post(create_path(measure.MODEL), json={"input": input}).json()["urls"]["stream"]
        decoder = Decoder()
        with self.http.stream("GET", url) as response:
            for chunk in response.iter_bytes():
                yield from decoder.feed(chunk)

    def model_names(self) -> Iterator[str]:
        url = f"{self.base_url}/v1/models"
        while url:
            page = self.http.get(url).json()
            for model in page["results"]:
                yield model["name"]
            url = page["next"]
            del page, model

    def save(self, url: str, path: Path) -> None:
        with self.http.stream("GET", url) as response, path.open("wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)

    def read(self, url: str) -> bytes:
        return self.http.get(url).content

    def upload(self, model: str, path: Path) -> Any:
        with path.open("rb") as file:
            url = self.http.post("/v1/files", files={"content": file}).json()["urls"]["get"]
        return self.run(model, {"file": url, "seconds": 0})


class AsyncClient:
    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = httpx.AsyncClient(base_url=base_url, headers=HEADERS, timeout=TIMEOUT)

    async def warm_up(self) -> None:
        await self.http.get("/v1/account")

    async def get(self) -> object:
        return (await self.http.get(f"{self.base_url}/v1/predictions/abc")).json()["status"]

    async def run(self, model: str, input: dict[str, Any], timeout: httpx.Timeout = TIMEOUT) -> Any:
        created = await self.http.post(create_path(model), json={"input": input}, headers=HOLD, timeout=timeout)
        return created.json()["output"]

    async def run_without_pool_timeout(self, model: str, input: dict[str, Any]) -> Any:
        return await self.run(model, input, httpx.Timeout(5, read=65, pool=None))

    async def stream(self, input: dict[str, Any]) -> AsyncIterator[Event]:
        url = (await self.http.post(create_path(measure.MODEL), json={"input": input})).json()["urls"]["stream"]
        decoder = Decoder()
        async with self.http.stream("GET", url) as response:
            async for chunk in response.aiter_bytes():
                for event in decoder.feed(chunk):
                    yield event

    async def save(self, url: str, path: Path) -> None:
        async with self.http.stream("GET", url) as response:
            with path.open("wb") as file:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)

    mark_done = staticmethod(by_hand.mark_done)

    async def map(
        self, model: str, rows: Iterable[by_hand.Row], folder: Path, concurrency: int, limit: int | None = None
    ) -> None:
        limits = httpx.Limits(
            max_connections=concurrency, max_keepalive_connections=20
        )  # else most of 1,000 concurrent runs fail with PoolTimeout
        http = httpx.AsyncClient(base_url=self.base_url, headers=HEADERS, timeout=65, limits=limits)

        async def run(row: by_hand.Row, path: Path) -> Any:
            job = (await http.post(create_path(model), json={"input": row}, headers=HOLD)).raise_for_status().json()
            while not job["output"] and job["status"] not in ("succeeded", "failed", "canceled"):
                await asyncio.sleep(0.5)
                job = (await http.get(job["urls"]["get"])).raise_for_status().json()
            [url] = job["output"]
            path.write_bytes((await http.get(url)).raise_for_status().content)
            return job["output"]

        batch = by_hand.Batch(run, folder, concurrency, limit)

        async def gather() -> None:
            await asyncio.gather(*batch.tasks(rows))

        await batch.finish(gather())


if __name__ == "__main__":
    measure.main(Client, AsyncClient)
