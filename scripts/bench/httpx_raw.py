"""Raw httpx: the least that a careful person writes by hand. Everything else is measured against this."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import measure
from measure import Result

HEADERS = {"Authorization": "Bearer r8_bench"}
WAIT = {"Prefer": "wait"}
TIMEOUT = httpx.Timeout(5, read=65)
CREATE = "/v1/models/acme/model/predictions"


def create(seconds: float) -> str:
    return f"/v1/models/acme/model-{seconds:g}/predictions"  # each model takes its time


def client(base: str, **options: Any) -> httpx.Client:
    return httpx.Client(base_url=base, headers=HEADERS, timeout=TIMEOUT, **options)


def async_client(base: str, timeout: httpx.Timeout = TIMEOUT) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base, headers=HEADERS, timeout=timeout)


def get(base: str) -> Result:
    http, url = client(base), f"{base}/v1/predictions/abc"
    return measure.calls(base, lambda: http.get(url).json()["status"])


async def aget(base: str) -> Result:
    url = f"{base}/v1/predictions/abc"
    async with async_client(base) as http:

        async def call() -> None:
            (await http.get(url)).json()["status"]

        return await measure.acalls(base, call)


async def fan_out(base: str, count: str, seconds: str, timeout: httpx.Timeout = TIMEOUT) -> Result:
    async with async_client(base, timeout) as http:

        async def run(seconds: float) -> Any:
            return (await http.post(CREATE, json={"input": {"seconds": seconds}}, headers=WAIT)).json()["output"]

        return await measure.fan_out(base, run, int(count), float(seconds))


async def grow_runs(base: str, count: str) -> Result:
    return await fan_out(base, count, "0.2", httpx.Timeout(5, read=65, pool=None))


def polled(base: str, stream: bool) -> Result:
    http = client(base)

    def run(seconds: float) -> Any:
        job = http.post(create(seconds), json={"input": {"seconds": seconds, "stream": stream}}).json()
        while job["status"] not in ("succeeded", "failed", "canceled"):
            time.sleep(0.5)
            job = http.get(job["urls"]["get"]).json()
        return job["output"]

    return measure.runs(base, run, measure.LENGTHS)


def wait(base: str) -> Result:
    http = client(base)

    def run(seconds: float) -> Any:
        return http.post(create(seconds), json={"input": {"seconds": seconds}}, headers=WAIT).json()["output"]

    return measure.runs(base, run, {"0.05": measure.HELD})


class Event(NamedTuple):
    event: str
    data: str
    id: str


class Decoder:
    """The smallest that is right: bytes in, split at blank lines."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        text = self.rest + chunk
        if b"\r" in text:
            held = text.endswith(b"\r")  # perhaps half of a CRLF
            text = text[: -1 if held else None].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + b"\r" * held
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


def sse(base: str) -> Result:
    http = client(base)

    def stream(input: dict[str, Any]) -> Iterator[Event]:
        url = http.post(CREATE, json={"input": input}).json()["urls"]["stream"]
        decoder = Decoder()
        with http.stream("GET", url) as response:
            for chunk in response.iter_bytes():
                yield from decoder.feed(chunk)

    return measure.listened(base, stream)


async def asse(base: str) -> Result:
    async with async_client(base) as http:

        async def stream(input: dict[str, Any]) -> AsyncIterator[Event]:
            url = (await http.post(CREATE, json={"input": input})).json()["urls"]["stream"]
            decoder = Decoder()
            async with http.stream("GET", url) as response:
                async for chunk in response.aiter_bytes():
                    for event in decoder.feed(chunk):
                        yield event

        return await measure.alistened(base, stream)


def names(http: httpx.Client, base: str) -> Iterator[str]:
    url = f"{base}/v1/models"
    while url:
        page = http.get(url).json()
        for model in page["results"]:
            yield model["name"]
        url = page["next"]


def list_(base: str, total: str) -> Result:
    http = client(base)
    http.get(f"{base}/v1/account")
    return measure.listing(base, names(http, f"{base}/n{total}"), int(total))


def save(base: str, folder: str) -> Result:
    http, path = client(base), Path(folder, "output.bin")
    http.get(f"{base}/v1/account")

    def work() -> int:
        with http.stream("GET", f"{base}/files/{measure.DOWNLOAD}") as response, path.open("wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
        return path.stat().st_size

    return measure.download(work)


def read(base: str) -> Result:
    http = client(base)
    http.get(f"{base}/v1/account")
    return measure.download(lambda: len(http.get(f"{base}/files/{measure.DOWNLOAD}").content))


async def asave(base: str, folder: str) -> Result:
    path = Path(folder, "output.bin")
    async with async_client(base) as http:
        await http.get(f"{base}/v1/account")
        with measure.measured() as result:
            async with http.stream("GET", f"{base}/files/{measure.DOWNLOAD}") as response:
                with path.open("wb") as file:
                    async for chunk in response.aiter_bytes():
                        file.write(chunk)
    return result | {"mb_per_s": path.stat().st_size / 1e6 / result["seconds"]}


def upload(base: str, path: str) -> Result:
    http = client(base)
    http.post(CREATE, json={"input": {"seconds": 0}}, headers=WAIT)
    with measure.measured(base) as result, open(path, "rb") as file:
        url = http.post("/v1/files", files={"content": file}).json()["urls"]["get"]
        created = http.post(CREATE, json={"input": {"file": url, "seconds": 0}}, headers=WAIT)
        assert len(created.json()["output"]) == 8
    return result


if __name__ == "__main__":
    measure.main(
        {
            "get": get,
            "aget": aget,
            "runs": fan_out,
            "poll": lambda base: polled(base, True),
            "poll-plain": lambda base: polled(base, False),
            "wait": wait,
            "sse": sse,
            "asse": asse,
            "list": list_,
            "parse": lambda base: measure.parsed(json.loads),
            "save": save,
            "read": read,
            "asave": asave,
            "upload": upload,
            "grow_list": list_,
            "grow_runs": grow_runs,
        }
    )
