"""Our client, as it is installed from the wheel; with the extra `fast` where that is installed too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import measure
from measure import Result

from replicate_ext import AsyncFileOutput, AsyncReplicate, FileOutput, Prediction, Replicate

MODEL = "acme/model"


def taking(seconds: float) -> str:
    return f"acme/model-{seconds:g}"  # each model takes its time


def client(base: str) -> Replicate:
    return Replicate("r8_bench", base_url=base)


def async_client(base: str) -> AsyncReplicate:
    return AsyncReplicate("r8_bench", base_url=base)


def get(base: str) -> Result:
    api = client(base)
    return measure.calls(base, lambda: api.predictions.get("abc").status)


async def aget(base: str) -> Result:
    async with async_client(base) as api:

        async def call() -> None:
            _ = (await api.predictions.get("abc")).status

        return await measure.acalls(base, call)


async def fan_out(base: str, count: str, seconds: str) -> Result:
    async with async_client(base) as api:
        return await measure.fan_out(
            base, lambda seconds: api.run(MODEL, {"seconds": seconds}), int(count), float(seconds)
        )


def polled(base: str, stream: bool) -> Result:
    api = client(base)
    return measure.runs(
        base,
        lambda seconds: api.run(taking(seconds), {"seconds": seconds, "stream": stream}, wait=False),
        measure.LENGTHS,
    )


def wait(base: str) -> Result:
    api = client(base)
    return measure.runs(base, lambda seconds: api.run(taking(seconds), {"seconds": seconds}), {"0.05": measure.HELD})


def sse(base: str) -> Result:
    api = client(base)
    return measure.listened(base, lambda input: api.stream(MODEL, input))


async def asse(base: str) -> Result:
    async with async_client(base) as api:
        return await measure.alistened(base, lambda input: api.stream(MODEL, input))


def names(api: Replicate) -> Iterator[Any]:
    for model in api.models.list():
        yield model.name


def list_(base: str, total: str) -> Result:
    api = client(f"{base}/n{total}")
    api.account.get()
    return measure.listing(base, names(api), int(total))


def parsed(read: Callable[[Prediction], object]) -> Result:
    return measure.parsed(lambda body: read(Prediction.from_dict(json.loads(body))))


def every_field(job: Prediction) -> None:
    for name in job.fields:
        getattr(job, name)


def output(base: str) -> FileOutput:
    api = client(base)
    api.account.get()
    return FileOutput(f"{base}/files/{measure.DOWNLOAD}", api._wire)


def save(base: str, folder: str) -> Result:
    file = output(base)
    return measure.download(lambda: file.save(Path(folder, "output.bin")).stat().st_size)


def read(base: str) -> Result:
    file = output(base)
    return measure.download(lambda: len(file.read()))


async def asave(base: str, folder: str) -> Result:
    async with async_client(base) as api:
        await api.account.get()
        file = AsyncFileOutput(f"{base}/files/{measure.DOWNLOAD}", api._wire)
        with measure.measured() as result:
            path = await file.save(Path(folder, "output.bin"))
        return result | {"mb_per_s": path.stat().st_size / 1e6 / result["seconds"]}


def upload(base: str, path: str) -> Result:
    api = client(base)
    api.run(MODEL, {"seconds": 0})
    with measure.measured(base) as result:
        assert len(api.run(MODEL, {"file": Path(path), "seconds": 0})) == 8
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
            "parse": lambda base: parsed(every_field),
            "parse-bare": lambda base: parsed(lambda job: job),
            "save": save,
            "read": read,
            "asave": asave,
            "upload": upload,
            "grow_list": list_,
            "grow_runs": lambda base, count: fan_out(base, count, "0.2"),
        }
    )
