"""The official Python client 1.0.7."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import measure
from measure import Result
from replicate.client import Client
from replicate.helpers import FileOutput
from replicate.prediction import Prediction

MODEL = "acme/model"


def taking(seconds: float) -> str:
    return f"acme/model-{seconds:g}"  # each model takes its time


def client(base: str) -> Client:
    return Client("r8_bench", base_url=base)


def get(base: str) -> Result:
    api = client(base)
    return measure.calls(base, lambda: api.predictions.get("abc").status)


async def aget(base: str) -> Result:
    api = client(base)

    async def call() -> None:
        _ = (await api.predictions.async_get("abc")).status

    return await measure.acalls(base, call)


async def fan_out(base: str, count: str, seconds: str) -> Result:
    api = client(base)
    return await measure.fan_out(
        base, lambda seconds: api.async_run(MODEL, input={"seconds": seconds}), int(count), float(seconds)
    )


def polled(base: str, stream: bool) -> Result:
    api = client(base)
    return measure.runs(
        base,
        lambda seconds: api.run(taking(seconds), input={"seconds": seconds, "stream": stream}, wait=False),
        measure.LENGTHS,
    )


def wait(base: str) -> Result:
    api = client(base)
    return measure.runs(
        base, lambda seconds: api.run(taking(seconds), input={"seconds": seconds}), {"0.05": measure.HELD}
    )


def sse(base: str) -> Result:
    api = client(base)
    return measure.listened(base, lambda input: api.stream(MODEL, input=input))


async def asse(base: str) -> Result:
    api = client(base)

    async def stream(input: dict[str, Any]) -> Any:
        async for event in await api.async_stream(MODEL, input=input):
            yield event

    return await measure.alistened(base, stream)


def list_(base: str, total: str) -> Result:
    from replicate.pagination import paginate

    api = client(f"{base}/n{total}")
    api.accounts.current()
    names = (model.name for page in paginate(api.models.list) for model in page)
    return measure.listing(base, names, int(total))


def parse(base: str) -> Result:
    def every_field(body: bytes) -> None:
        job = Prediction(**json.loads(body))
        for name in job.__fields__:
            getattr(job, name)

    return measure.parsed(every_field)


def output(base: str) -> FileOutput:
    api = client(base)
    api.accounts.current()
    return FileOutput(f"{base}/files/{measure.DOWNLOAD}", api)


def save(base: str, folder: str) -> Result:
    found, path = output(base), Path(folder, "output.bin")

    def work() -> int:
        with path.open("wb") as file:
            for chunk in found:
                file.write(chunk)
        return path.stat().st_size

    return measure.download(work)


def read(base: str) -> Result:
    found = output(base)
    return measure.download(lambda: len(found.read()))


async def asave(base: str, folder: str) -> Result:
    api, path = client(base), Path(folder, "output.bin")
    await api.accounts.async_current()
    found = FileOutput(f"{base}/files/{measure.DOWNLOAD}", api)
    with measure.measured() as result, path.open("wb") as file:
        async for chunk in found:
            file.write(chunk)
    return result | {"mb_per_s": path.stat().st_size / 1e6 / result["seconds"]}


def upload(base: str, path: str) -> Result:
    api = client(base)
    api.run(MODEL, input={"seconds": 0})
    with measure.measured(base) as result:
        assert len(api.run(MODEL, input={"file": Path(path), "seconds": 0})) == 8
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
            "parse": parse,
            "save": save,
            "read": read,
            "asave": asave,
            "upload": upload,
        }
    )
