"""The main program of every Python worker: run one workload in this process and print the result as one line of JSON.

A worker passes its `Client` and its `AsyncClient`, each of which takes the base URL of the server, and `main` runs the
workload that the command line names on one of them. `WORKLOADS` lists the method that each workload needs. A client
without that method does not support the workload.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import amounts
import measure_map
from meter import Result, add_per_item, measure

MODEL = "acme/model"


class Unsupported(Exception):
    """The client does not support the workload; the message is the reason."""


def get(client: Any, base_url: str) -> Result:
    """Measure sequential calls."""
    for _ in range(100):
        client.get()
    with measure(base_url) as result:
        for _ in range(amounts.CALLS):
            client.get()
    return add_per_item(result, amounts.CALLS)


async def get_async(client: Any, base_url: str) -> Result:
    """Measure async calls in 50 concurrent tasks."""

    async def call(count: int) -> None:
        for _ in range(count):
            await client.get()

    await asyncio.gather(*(call(2) for _ in range(amounts.CONCURRENCY)))
    with measure(base_url) as result:
        await asyncio.gather(*(call(amounts.CALLS_PER_TASK) for _ in range(amounts.CONCURRENCY)))
    return add_per_item(result, amounts.CONCURRENCY * amounts.CALLS_PER_TASK)


async def run_concurrently(run: Callable[[str, Result], Any], base_url: str, count: str, seconds: str) -> Result:
    """Measure concurrent runs of a model, on a client that has made a request before."""
    await run(MODEL, {"seconds": 0})
    with measure(base_url) as result:
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


def run_sequentially(
    run: Callable[[str, Result], Any],
    base_url: str,
    runs_by_duration: dict[str, int],
    input: Result,
    factors: tuple[float, ...] = (1,),
) -> Result:
    """Measure the overhead of runs, that of the first run and the median of the others, and their requests."""
    run(MODEL, {"seconds": 0})
    total: Result = {}
    for duration, count in runs_by_duration.items():
        overheads = []
        with measure(base_url) as result:
            for number in range(count):
                seconds = float(duration) * factors[number % len(factors)]
                started = time.perf_counter()
                output = run(f"{MODEL}-{duration}", {"seconds": seconds, **input})  # one model for each duration
                overheads.append(time.perf_counter() - started - seconds)
                assert len(output) == 8, output
        total[f"first_overhead_ms {duration}"] = 1e3 * overheads[0]
        total[f"overhead_ms {duration}"] = 1e3 * statistics.median(overheads[1:])
        total[f"requests {duration}"] = result["requests"] / count
        total[f"cpu_ms {duration}"] = 1e3 * result["cpu"] / count
    return total


def stream(client: Any, base_url: str) -> Result:
    """Measure a stream of many events, and count the edge cases that are decoded correctly."""
    edge_cases = list(client.stream({"edge_cases": True}))
    with measure(base_url) as result:
        count = sum(1 for _ in client.stream({"events": amounts.EVENTS}))
    return _add_stream_figures(result, count, edge_cases)


async def stream_async(client: Any, base_url: str) -> Result:
    """Measure the same with an async client."""
    edge_cases = [event async for event in client.stream({"edge_cases": True})]
    with measure(base_url) as result:
        count = 0
        async for _ in client.stream({"events": amounts.EVENTS}):
            count += 1
    return _add_stream_figures(result, count, edge_cases)


def _add_stream_figures(result: Result, count: int, edge_cases: list[Any]) -> Result:
    """Add the cost per event and the number of correct edge cases. `count` includes the final `done` event."""
    import sse_edge_cases

    if count != amounts.EVENTS + 1:
        raise Unsupported(f"{count - 1} of {amounts.EVENTS} events arrived")
    correct = sse_edge_cases.count_correct({event.id: event.data for event in edge_cases})
    return add_per_item(result, amounts.EVENTS) | {"correct": correct}


def list_models(client: Any, base_url: str, total: str) -> Result:
    """Measure iterating a list and reading the name of each model."""
    client.warm_up()
    with measure(base_url) as result:
        count = sum(name is not None for name in client.model_names())
    assert count == int(total), count
    pages = count / 100
    return add_per_item(result, count) | {
        "page_ms": 1e3 * result["seconds"] / pages,
        "page_cpu_ms": 1e3 * result["cpu"] / pages,
    }


def parse(function: Callable[[bytes], object]) -> Result:
    """Measure parsing the body of one prediction."""
    import payloads

    body = json.dumps(payloads.sample_prediction("http://127.0.0.1:40000")).encode()
    for _ in range(200):
        function(body)
    with measure() as result:
        for _ in range(amounts.PARSES):
            function(body)
    return add_per_item(result, amounts.PARSES)


def _add_throughput(result: Result, size: int) -> Result:
    """Add the throughput of a complete download."""
    assert size == amounts.DOWNLOAD_SIZE, size
    return result | {"mb_per_s": size / 1e6 / result["seconds"]}


def save(client: Any, base_url: str, folder: str) -> Result:
    """Measure a download to disk."""
    path = Path(folder, "output.bin")
    client.warm_up()
    with measure() as result:
        client.save(f"{base_url}/files/{amounts.DOWNLOAD_SIZE}", path)
    return _add_throughput(result, path.stat().st_size)


async def save_async(client: Any, base_url: str, folder: str) -> Result:
    """Measure the same with an async client."""
    path = Path(folder, "output.bin")
    await client.warm_up()
    with measure() as result:
        await client.save(f"{base_url}/files/{amounts.DOWNLOAD_SIZE}", path)
    return _add_throughput(result, path.stat().st_size)


def read(client: Any, base_url: str) -> Result:
    """Measure a download into memory."""
    client.warm_up()
    with measure() as result:
        content = client.read(f"{base_url}/files/{amounts.DOWNLOAD_SIZE}")
    return _add_throughput(result, len(content))


def upload(client: Any, base_url: str, path: str) -> Result:
    """Measure sequential runs with a large file: all of them, and the median time of one."""
    client.run(MODEL, {"seconds": 0})
    times = []
    with measure(base_url) as result:
        for _ in range(amounts.UPLOADS):
            started = time.perf_counter()
            assert len(client.upload(MODEL, Path(path))) == 8
            times.append(time.perf_counter() - started)
    return result | {"ms": 1e3 * statistics.median(times)}


def _poll(client: Any, base_url: str, has_stream: bool, factors: tuple[float, ...] = (1,)) -> Result:
    return run_sequentially(client.poll, base_url, amounts.RUNS_BY_DURATION, {"stream": has_stream}, factors)


WORKLOADS: dict[str, tuple[str, Callable[..., Result | Coroutine[Any, Any, Result] | None]]] = {
    "get": ("get", get),
    "aget": ("async get", get_async),
    "runs": ("async run", lambda client, *args: run_concurrently(client.run, *args)),
    "poll": ("poll", lambda client, base_url: _poll(client, base_url, True)),
    "poll-plain": ("poll", lambda client, base_url: _poll(client, base_url, False)),
    "poll-varied": ("poll", lambda client, base_url: _poll(client, base_url, False, amounts.DURATION_FACTORS)),
    "wait": (
        "run",
        lambda client, base_url: run_sequentially(client.run, base_url, amounts.HELD_RUNS_BY_DURATION, {}),
    ),
    "sse": ("stream", stream),
    "asse": ("async stream", stream_async),
    "list": ("model_names", list_models),
    "parse": ("parse", lambda client, base_url: parse(client.parse)),
    "parse-bare": ("parse_bare", lambda client, base_url: parse(client.parse_bare)),
    "save": ("save", save),
    "asave": ("async save", save_async),
    "read": ("read", read),
    "upload": ("upload", upload),
    "grow_list": ("model_names", list_models),
    "grow_runs": (
        "async run_without_pool_timeout",
        lambda client, *args: run_concurrently(client.run_without_pool_timeout, *args, "0.2"),
    ),
    "map": ("async map", measure_map.run_batch),
    "map-resume": ("async map", measure_map.resume_batch),
    "map-part": ("async map", measure_map.run_part),
}
"""For each workload the client method that it needs, and the function that measures it."""


def main(sync_class: type[Any], async_class: type[Any]) -> None:
    """Run the workload that the command line names: WORKLOAD BASE_URL [ARG…]."""
    name, base_url, *args = sys.argv[1:]
    method, workload = WORKLOADS[name]
    client_url = f"{base_url}/n{args[0]}" if method == "model_names" else base_url
    client = (async_class if method.startswith("async ") else sync_class)(client_url)
    try:
        if not hasattr(client, method.removeprefix("async ")):
            raise Unsupported("not supported by this client")
        result = workload(client, base_url, *args)
        print(json.dumps(asyncio.run(result) if isinstance(result, Coroutine) else result))
    except Unsupported as reason:
        print(json.dumps({"error": str(reason)}))
