"""What every Python worker does: measure a part of a process, and print one line of JSON.

A worker gives its `Client` and its `AsyncClient`, each made for the address of the server, and `main` does the work
that the command line names on one of them. What a work needs of them is said in `WORKS`; where a method is missing, the
client cannot do that work.
"""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import statistics
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Result = dict[str, Any]

CALLS = 2_000
PARSES = 20_000
TOGETHER, EACH = 50, 30
EVENTS = 50_000
DOWNLOAD = 256_000_000
UPLOADS = 5
LENGTHS = {"0.05": 5, "0.7": 4, "3": 3}
"""Seconds that models take, and how often each is run: the first time is told apart, as a client may learn from it."""
HELD = {"0.05": 40}
VARIED = (0.75, 1.2, 0.9, 1.3, 0.8)
"""How long each run of a model takes, in times of what it says, where they are not all the same."""

AMOUNTS = {name: value for name, value in vars().items() if name.isupper()}
"""The same for a worker that is not written in Python."""

MODEL = "acme/model"


class Unable(Exception):
    """A client cannot do a work; the message says why."""


def memory(what: str) -> float:
    """Return `VmRSS`, what is in memory now, or `VmHWM`, the most there was, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{what}:")[2].split()[0]) * 1024 / 1e6


def counted(base: str) -> dict[str, int]:
    """Return the requests and the new connections that the server saw since it was asked last."""
    url = urlsplit(base)
    connection = http.client.HTTPConnection(url.hostname or "", url.port)
    connection.request("GET", "/_count")
    found: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return found


@contextmanager
def measured(base: str | None = None) -> Iterator[Result]:
    """Measure the part of the process in a `with` block: time, CPU, memory over what there was before, requests.

    `ru_maxrss` would not do: a child has that of its parent from the beginning.
    """
    gc.collect()
    if base:
        counted(base)
    Path("/proc/self/clear_refs").write_text("5")
    result: Result = {"base_mb": memory("VmRSS")}
    cpu, began = time.process_time(), time.perf_counter()
    yield result
    result["seconds"] = time.perf_counter() - began
    result["ms"] = 1e3 * result["seconds"]
    result["cpu"] = time.process_time() - cpu
    result["rss_mb"] = memory("VmHWM") - result["base_mb"]
    if base:
        result |= counted(base)


def per_item(result: Result, count: int) -> Result:
    """Add what each of `count` took."""
    return result | {"per_item_us": 1e6 * result["seconds"] / count, "cpu_us": 1e6 * result["cpu"] / count}


def get(client: Any, base: str) -> Result:
    """Measure calls, one after another."""
    for _ in range(100):
        client.get()
    with measured(base) as result:
        for _ in range(CALLS):
            client.get()
    return per_item(result, CALLS)


async def aget(client: Any, base: str) -> Result:
    """Measure async calls, fifty at once."""

    async def some(count: int) -> None:
        for _ in range(count):
            await client.get()

    await asyncio.gather(*(some(2) for _ in range(TOGETHER)))
    with measured(base) as result:
        await asyncio.gather(*(some(EACH) for _ in range(TOGETHER)))
    return per_item(result, TOGETHER * EACH)


async def fan_out(run: Callable[[str, Result], Any], base: str, count: str, seconds: str) -> Result:
    """Measure runs of a model, all at once, on a client that has been used before."""
    await run(MODEL, {"seconds": 0})
    with measured(base) as result:
        outcomes = await asyncio.gather(
            *(run(MODEL, {"seconds": float(seconds)}) for _ in range(int(count))), return_exceptions=True
        )
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    result["failed"] = len(failures)
    if failures:
        result["failure"] = type(failures[0]).__name__
    for outcome in outcomes:
        assert isinstance(outcome, BaseException) or len(outcome) == 8, outcome
    return result | {
        "per_item_ms": 1e3 * (result["seconds"] - float(seconds)) / int(count),
        "per_item_kb": 1e3 * result["rss_mb"] / int(count),
    }


def one_by_one(
    run: Callable[[str, Result], Any],
    base: str,
    lengths: dict[str, int],
    input: Result,
    factors: tuple[float, ...] = (1,),
) -> Result:
    """Measure what runs take beyond their models' own time: the first, the others in the median; and their requests."""
    run(MODEL, {"seconds": 0})
    total: Result = {}
    for name, count in lengths.items():
        over = []
        with measured(base) as result:
            for number in range(count):
                seconds = float(name) * factors[number % len(factors)]
                began = time.perf_counter()
                output = run(f"{MODEL}-{name}", {"seconds": seconds, **input})  # each model takes its time
                over.append(time.perf_counter() - began - seconds)
                assert len(output) == 8, output
        total[f"first_ms {name}"] = 1e3 * over[0]
        total[f"over_ms {name}"] = 1e3 * statistics.median(over[1:])
        total[f"requests {name}"] = result["requests"] / count
        total[f"cpu_ms {name}"] = 1e3 * result["cpu"] / count
    return total


def sse(client: Any, base: str) -> Result:
    """Measure a stream of many events, and see how many of the odd ones come out right."""
    heard = list(client.stream({"odd": True}))
    with measured(base) as result:
        count = sum(1 for _ in client.stream({"events": EVENTS}))
    return _heard(result, count, heard)


async def asse(client: Any, base: str) -> Result:
    """Do the same, async."""
    heard = [event async for event in client.stream({"odd": True})]
    with measured(base) as result:
        count = 0
        async for _ in client.stream({"events": EVENTS}):
            count += 1
    return _heard(result, count, heard)


def _heard(result: Result, count: int, odd_ones: list[Any]) -> Result:
    """Add what an event took; events are anything with `id` and `data`, the last one is `done`."""
    import odd

    if count != EVENTS + 1:
        raise Unable(f"{count - 1} of {EVENTS} events arrived")
    right = odd.right({event.id: event.data for event in odd_ones})
    return per_item(result, EVENTS) | {"right": right}


def listing(client: Any, base: str, total: str) -> Result:
    """Measure a list, each model's name read."""
    client.warm()
    with measured(base) as result:
        count = sum(name is not None for name in client.names())
    assert count == int(total), count
    pages = count / 100
    return per_item(result, count) | {
        "page_ms": 1e3 * result["seconds"] / pages,
        "page_cpu_ms": 1e3 * result["cpu"] / pages,
    }


def parsing(parse: Callable[[bytes], object]) -> Result:
    """Measure how long the body of one prediction takes to become what the client gives out."""
    import bodies

    body = json.dumps(bodies.sample("http://127.0.0.1:40000")).encode()
    for _ in range(200):
        parse(body)
    with measured() as result:
        for _ in range(PARSES):
            parse(body)
    return per_item(result, PARSES)


def downloaded(result: Result, size: int) -> Result:
    """Add how quick it was, having seen that all is there."""
    assert size == DOWNLOAD, size
    return result | {"mb_per_s": size / 1e6 / result["seconds"]}


def save(client: Any, base: str, folder: str) -> Result:
    """Measure a download to disk."""
    path = Path(folder, "output.bin")
    client.warm()
    with measured() as result:
        client.save(f"{base}/files/{DOWNLOAD}", path)
    return downloaded(result, path.stat().st_size)


async def asave(client: Any, base: str, folder: str) -> Result:
    """Do the same, async."""
    path = Path(folder, "output.bin")
    await client.warm()
    with measured() as result:
        await client.save(f"{base}/files/{DOWNLOAD}", path)
    return downloaded(result, path.stat().st_size)


def read(client: Any, base: str) -> Result:
    """Measure a download into memory."""
    client.warm()
    with measured() as result:
        content = client.read(f"{base}/files/{DOWNLOAD}")
    return downloaded(result, len(content))


def upload(client: Any, base: str, path: str) -> Result:
    """Measure runs with a large file, one after another: all of it, and the time of the one in the middle."""
    client.run(MODEL, {"seconds": 0})
    times = []
    with measured(base) as result:
        for _ in range(UPLOADS):
            began = time.perf_counter()
            assert len(client.upload(MODEL, Path(path))) == 8
            times.append(time.perf_counter() - began)
    return result | {"ms": 1e3 * statistics.median(times)}


WORKS: dict[str, tuple[str, Callable[..., Result | Coroutine[Any, Any, Result]]]] = {
    "get": ("get", get),
    "aget": ("async get", aget),
    "runs": ("async run", lambda client, *args: fan_out(client.run, *args)),
    "poll": ("poll", lambda client, base: one_by_one(client.poll, base, LENGTHS, {"stream": True})),
    "poll-plain": ("poll", lambda client, base: one_by_one(client.poll, base, LENGTHS, {"stream": False})),
    "poll-varied": ("poll", lambda client, base: one_by_one(client.poll, base, LENGTHS, {"stream": False}, VARIED)),
    "wait": ("run", lambda client, base: one_by_one(client.run, base, HELD, {})),
    "sse": ("stream", sse),
    "asse": ("async stream", asse),
    "list": ("names", listing),
    "parse": ("parse", lambda client, base: parsing(client.parse)),
    "parse-bare": ("parse_bare", lambda client, base: parsing(client.parse_bare)),
    "save": ("save", save),
    "asave": ("async save", asave),
    "read": ("read", read),
    "upload": ("upload", upload),
    "grow_list": ("names", listing),
    "grow_runs": ("async run_patiently", lambda client, *args: fan_out(client.run_patiently, *args, "0.2")),
}
"""For each work the method of a client that it needs, and what is done with it."""


def main(blocking: type[Any], awaiting: type[Any]) -> None:
    """Do the work that the command line names: WORK BASE_URL [ARG…]."""
    name, base, *args = sys.argv[1:]
    needs, work = WORKS[name]
    client = (awaiting if needs.startswith("async ") else blocking)(f"{base}/n{args[0]}" if needs == "names" else base)
    try:
        if not hasattr(client, needs.removeprefix("async ")):
            raise Unable("it has no such thing")
        result = work(client, base, *args)
        print(json.dumps(asyncio.run(result) if isinstance(result, Coroutine) else result))
    except Unable as reason:
        print(json.dumps({"unable": str(reason)}))
