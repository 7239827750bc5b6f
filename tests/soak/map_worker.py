"""Runs a batch until it is done or killed: `python map_worker.py FOLDER URL TOKEN …`; prints its report as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import replicate_ext._batch.reconcile as reconcile
import replicate_ext._sansio.rate_limit as rate_limit
import replicate_ext._sansio.token_bucket as token_bucket
from map_engine import failing_cluster, mark
from map_inputs import REF, make_rows
from replicate_ext import AsyncReplicate, Batch, Replicate, Report


def shorten_delays(arguments: argparse.Namespace) -> None:
    """Scale the constants that assume the limits and the delays of the real API."""
    reconcile.SETTLE_TIME = arguments.settle
    rate_limit.MIN_INTERVAL = token_bucket.MIN_INTERVAL = token_bucket.MIN_INTERVAL / arguments.scale


def start(client: Any, arguments: argparse.Namespace, options: dict[str, Any]) -> Any:
    """Return the batch: a new one, or the one of the folder."""
    if arguments.resume:
        return Batch.open(arguments.folder, client).resume(**options)
    rows = make_rows(arguments.rows, arguments.seed, arguments.max_seconds)
    return client.map(REF, rows, arguments.folder, concurrency=arguments.concurrency, **options)


def run_sync(arguments: argparse.Namespace, options: dict[str, Any]) -> Report:
    with Replicate(arguments.token, base_url=arguments.url) as client:
        batch = start(client, arguments, options)
        for _ in batch:
            pass
        return batch.report()


async def run_async(arguments: argparse.Namespace, options: dict[str, Any]) -> Report:
    async with AsyncReplicate(arguments.token, base_url=arguments.url) as client:
        batch = start(client, arguments, options)
        async for _ in batch:
            pass
        return batch.report()


def run(arguments: argparse.Namespace, **options: Any) -> Report:
    if arguments.client == "async":
        return asyncio.run(run_async(arguments, options))
    return run_sync(arguments, options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("--client", choices=["sync", "async"], default="sync")
    parser.add_argument("--resume", action="store_true", help="resume with Batch.open instead of calling map again")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-seconds", type=float, default=2.0)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--settle", type=float, default=2.0)
    parser.add_argument("--scale", type=float, default=10.0)
    parser.add_argument("--dask", type=float, help="use an engine, a worker of which is killed after so many seconds")
    parser.add_argument("--markers", type=Path, help="the folder in which the engine writes a file for each item")
    parser.add_argument("--log", type=Path, help="the file that gets a line when a worker of the engine is killed")
    arguments = parser.parse_args()
    shorten_delays(arguments)
    if arguments.dask is None:
        report = run(arguments)
    else:
        with failing_cluster(arguments.dask, arguments.log) as engine:
            report = run(arguments, then=partial(mark, arguments.markers), engine=engine)
    print(json.dumps(report.to_dict()))


if __name__ == "__main__":
    main()
