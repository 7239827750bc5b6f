"""The official Python client 2.0.0b4."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import measure
from measure import Result, Unable
from replicate import AsyncReplicate, Replicate
from replicate._models import construct_type
from replicate.lib._files import AsyncFileOutput, FileOutput
from replicate.types import Prediction

MODEL = "acme/model"


def taking(seconds: float) -> str:
    return f"acme/model-{seconds:g}"  # each model takes its time


def client(base: str) -> Replicate:
    return Replicate(bearer_token="r8_bench", base_url=f"{base}/v1")


def async_client(base: str) -> AsyncReplicate:
    return AsyncReplicate(bearer_token="r8_bench", base_url=f"{base}/v1")


def get(base: str) -> Result:
    api = client(base)
    return measure.calls(base, lambda: api.predictions.get(prediction_id="abc").status)


async def aget(base: str) -> Result:
    async with async_client(base) as api:

        async def call() -> None:
            _ = (await api.predictions.get(prediction_id="abc")).status

        return await measure.acalls(base, call)


async def fan_out(base: str, count: str, seconds: str) -> Result:
    async with async_client(base) as api:
        return await measure.fan_out(
            base, lambda seconds: api.run(MODEL, input={"seconds": seconds}), int(count), float(seconds)
        )


def polled(base: str, stream: bool) -> Result:
    api = client(base)

    def run(seconds: float) -> Any:
        return api.run(taking(seconds), input={"seconds": seconds, "stream": stream}, wait=False)

    return measure.runs(base, run, measure.LENGTHS)


def wait(base: str) -> Result:
    api = client(base)
    return measure.runs(
        base, lambda seconds: api.run(taking(seconds), input={"seconds": seconds}), {"0.05": measure.HELD}
    )


def sse(base: str) -> Result:
    raise Unable("never opens the stream, polls")


def list_(base: str, total: str) -> Result:
    api = client(f"{base}/n{total}")
    api.account.get()

    def names() -> Iterator[Any]:
        for model in api.models.list():
            yield model.name

    return measure.listing(base, names(), int(total))


def parse(base: str) -> Result:
    def every_field(body: bytes) -> None:
        job: Any = construct_type(type_=Prediction, value=json.loads(body))
        for name in Prediction.model_fields:
            getattr(job, name)

    return measure.parsed(every_field)


def output(base: str) -> FileOutput:
    api = client(base)
    api.account.get()
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
    path = Path(folder, "output.bin")
    async with async_client(base) as api:
        await api.account.get()
        found = AsyncFileOutput(f"{base}/files/{measure.DOWNLOAD}", api)
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
            "asse": sse,
            "list": list_,
            "parse": parse,
            "save": save,
            "read": read,
            "asave": asave,
            "upload": upload,
        }
    )
