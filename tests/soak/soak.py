"""Play many random sequences of faults on every backend, and print what happened: `make soak`."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import NamedTuple

from soak_run import CLIENT_KINDS, Report, open_files, play
from soak_wire import ServerThread

FIGURES = [
    "runs",
    "calls",
    "faults",
    "creates",
    "cancels",
    "foreign",
    "left running",
    "undecided",
    "mistaken",
    "could not be canceled",
    "lost",
    "twice",
    "wrong",
    "abandoned",
    "foreign canceled",
    "astray",
]
CHUNK = 25
"""Sequences that one process plays before it takes the next ones."""


def memory() -> int:
    """Return the memory of this process in MB."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() // 2**20


class Chunk(NamedTuple):
    """What one process did in a row: the reports of the sequences, and its open files and memory before and after."""

    kind: str
    reports: dict[int, Report]
    process_id: int
    before: tuple[int, int]
    after: tuple[int, int]


def play_chunk(kind: str, seeds: range, deadline: float) -> Chunk:
    """Play some sequences, until the time is up."""
    warnings.simplefilter("ignore")  # some of the programs leave without closing their client
    server = ServerThread()
    play(seeds[0], kind, server)  # imports all that is imported on first use
    before = open_files(), memory()
    reports: dict[int, Report] = {}
    for seed in seeds:
        if time.time() < deadline:
            reports[seed] = play(seed, kind, server)
    after = open_files(), memory()
    server.close()
    return Chunk(kind, reports, os.getpid(), before, after)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="sequences for each backend")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--backends", nargs="+", choices=CLIENT_KINDS, default=CLIENT_KINDS)
    parser.add_argument("--minutes", type=float, default=10.0, help="the longest time to play")
    parser.add_argument("--requests", action="store_true", help="print the requests of sequences that fail")
    arguments = parser.parse_args()
    started = time.time()
    totals = {kind: Counter[str]() for kind in arguments.backends}
    processes: dict[int, list[tuple[int, int]]] = {}
    failed, stop = 0, arguments.first + arguments.seeds
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [
            pool.submit(play_chunk, kind, range(start, min(stop, start + CHUNK)), started + 60 * arguments.minutes)
            for start in range(arguments.first, stop, CHUNK)
            for kind in arguments.backends
        ]
        for future in as_completed(futures):
            chunk = future.result()
            processes.setdefault(chunk.process_id, [chunk.before]).append(chunk.after)
            for seed, report in chunk.reports.items():
                totals[chunk.kind] += report.figures
                failed += bool(report.problems)
                lines = [*report.problems, *(report.requests if arguments.requests else [])]
                if report.problems:
                    print(f"seed {seed} on {chunk.kind}:", *lines, sep="\n    ", flush=True)
    print(f"{'':22}", *(f"{kind:>14}" for kind in totals))
    for figure in FIGURES:
        print(f"{figure:22}", *(f"{figures[figure]:14}" for figures in totals.values()))
    for (files, megabytes), *_, (files_after, megabytes_after) in processes.values():
        print(f"open files {files} -> {files_after}, memory {megabytes} -> {megabytes_after} MB")
    played = sum(figures["runs"] for figures in totals.values())
    print(f"{played} of {arguments.seeds * len(totals)} sequences in {time.time() - started:.0f} s, {failed} failed")
    return 1 if failed or not played else 0


if __name__ == "__main__":
    sys.exit(main())
