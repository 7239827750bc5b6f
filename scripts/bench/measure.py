"""What every Python worker does: measure a part of a process, and print one line of JSON."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Result = dict[str, Any]

CALLS = 2_000
PAGES = 200
PARSES = 20_000
TOGETHER, EACH = 50, 30
EVENTS = 50_000
DOWNLOAD = 256_000_000
LENGTHS = {"0.05": 5, "0.7": 4, "3": 3}
"""Seconds that models take, and how often each is run: the first time is told apart, as a client may learn from it."""
HELD = 40


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
    result["peak_mb"] = memory("VmHWM")
    result["rss_mb"] = result["peak_mb"] - result["base_mb"]
    if base:
        result |= counted(base)


def calls(base: str, call: Callable[[], object], count: int = CALLS) -> Result:
    """Measure calls, one after another."""
    for _ in range(100):
        call()
    with measured(base) as result:
        for _ in range(count):
            call()
    return per_item(result, count)


def per_item(result: Result, count: int) -> Result:
    """Add what each of `count` took."""
    return result | {
        "per_item_us": 1e6 * result["seconds"] / count,
        "cpu_us": 1e6 * result["cpu"] / count,
        "requests_each": result.get("requests", 0) / count,
    }


async def acalls(base: str, call: Callable[[], Any]) -> Result:
    """Measure async calls, fifty at once."""

    async def some(count: int) -> None:
        for _ in range(count):
            await call()

    await asyncio.gather(*(some(2) for _ in range(TOGETHER)))
    with measured(base) as result:
        await asyncio.gather(*(some(EACH) for _ in range(TOGETHER)))
    return per_item(result, TOGETHER * EACH)


async def fan_out(base: str, run: Callable[[float], Any], count: int, seconds: float) -> Result:
    """Measure runs of a model, all at once, on a client that has been used before."""
    await run(0)
    with measured(base) as result:
        outcomes = await asyncio.gather(*(run(seconds) for _ in range(count)), return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    result["failed"] = len(failures)
    if failures:
        result["failure"] = type(failures[0]).__name__
    for outcome in outcomes:
        assert isinstance(outcome, BaseException) or len(outcome) == 8, outcome
    return result | {
        "per_item_ms": 1e3 * (result["seconds"] - seconds) / count,
        "per_item_kb": 1e3 * result["rss_mb"] / count,
    }


def runs(base: str, run: Callable[[float], Any], lengths: dict[str, int]) -> Result:
    """Measure what runs take beyond their models' own time: the first, the others in the median; and their requests."""
    assert len(run(0)) == 8
    total: Result = {}
    for name, count in lengths.items():
        over = []
        with measured(base) as result:
            for _ in range(count):
                began = time.perf_counter()
                run(float(name))
                over.append(time.perf_counter() - began - float(name))
        total[f"first_ms {name}"] = 1e3 * over[0]
        total[f"over_ms {name}"] = 1e3 * statistics.median(over[1:])
        total[f"requests {name}"] = result["requests"] / count
        total[f"cpu_ms {name}"] = 1e3 * result["cpu"] / count
    return total


def listened(base: str, stream: Callable[[dict[str, Any]], Iterable[Any]]) -> Result:
    """Measure a stream of many events, and see how many of the odd ones come out right."""
    heard = list(stream({"odd": True}))
    with measured(base) as result:
        count = sum(1 for _ in stream({"events": EVENTS}))
    return _heard(result, count, heard)


async def alistened(base: str, stream: Callable[[dict[str, Any]], Any]) -> Result:
    """Do the same, async."""
    heard = [event async for event in stream({"odd": True})]
    with measured(base) as result:
        count = 0
        async for _ in stream({"events": EVENTS}):
            count += 1
    return _heard(result, count, heard)


def _heard(result: Result, count: int, odd_ones: list[Any]) -> Result:
    """Add what an event took; events are anything with `id` and `data`, the last one is `done`."""
    import odd

    if count != EVENTS + 1:
        raise Unable(f"{count - 1} of {EVENTS} events arrived")
    right = odd.right({event.id: event.data for event in odd_ones})
    return per_item(result, EVENTS) | {"right": right}


def listing(base: str, names: Iterable[str], total: int) -> Result:
    """Measure a list, each model's name read."""
    with measured(base) as result:
        count = sum(name is not None for name in names)
    assert count == total, count
    pages = total / 100
    more = {"page_ms": 1e3 * result["seconds"] / pages, "page_cpu_ms": 1e3 * result["cpu"] / pages}
    return (
        result | more | {"per_item_us": 1e6 * result["seconds"] / total, "per_item_kb": 1e3 * result["rss_mb"] / total}
    )


def parsed(parse: Callable[[bytes], object]) -> Result:
    """Measure how long the body of one prediction takes to become what the client gives out."""
    import bodies

    body = json.dumps(bodies.sample("http://127.0.0.1:40000")).encode()
    for _ in range(200):
        parse(body)
    with measured() as result:
        for _ in range(PARSES):
            parse(body)
    return per_item(result, PARSES)


def download(work: Callable[[], int], size: int = DOWNLOAD) -> Result:
    """Measure a download; the work returns the bytes that there are afterwards."""
    with measured() as result:
        found = work()
    assert found == size, found
    return result | {"mb_per_s": size / 1e6 / result["seconds"]}


def main(works: dict[str, Callable[..., Any]]) -> None:
    """Do the work that the command line names: WORK BASE_URL [ARG…]."""
    name, base, *args = sys.argv[1:]
    try:
        if name not in works:
            raise Unable("it has no such thing")
        result = works[name](base, *args)
        print(json.dumps(asyncio.run(result) if asyncio.iscoroutine(result) else result))
    except Unable as reason:
        print(json.dumps({"unable": str(reason)}))
