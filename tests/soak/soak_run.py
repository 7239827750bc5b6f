"""Plays the sequence of a seed on a client, and checks it against the reference model."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from soak_async import play_async
from soak_model import Model
from soak_program import Program, make_program
from soak_server import SoakWorld
from soak_sync import interruptions, play_sync
from soak_wire import ServerThread

CLIENT_KINDS = ["sync", "async", "async-aiohttp"]
MAX_SECONDS = 8.0
"""Seconds after which a sequence hangs."""

DELAYS = {
    "_sansio.retry.INITIAL_BACKOFF": 0.008,
    "_sansio.retry.MAX_BACKOFF": 0.02,
    "_sansio.retry.MAX_RETRY_AFTER_TOTAL": 0.2,
    "_sansio.request.HOLD_MARGIN": 0.2,
    "_send.MIN_TIMEOUT": 0.03,
    "_send.CLEANUP_TIMEOUT": 3.0,
    "_backends.asyncio.CLEANUP_TIMEOUT": 3.0,
    "_files.download.RESUME_DELAY": 0.002,
    "_predictions.abandon.SEARCH_DELAYS": (0.0, 0.03, 0.08),
    "_predictions.schedule.MIN_POLL_INTERVAL": 0.002,
    "_predictions.schedule.MAX_POLL_INTERVAL": 0.02,
    "_predictions.stream.RECONNECT_DELAY": 0.002,
    "_predictions.stream.MAX_POLL_AGE": 0.08,
    "_predictions.wait.MAX_LISTENING_TIME": 0.1,
    "_predictions.wait.MAX_UNKNOWN_STATUS_TIME": 0.5,
}
"""The delays of the client in seconds, a hundredth of the real ones: the server's are as short."""


@contextlib.contextmanager
def fast_client(client_kind: str) -> Iterator[None]:
    """Shorten the delays of the client, and choose its transport."""
    with pytest.MonkeyPatch.context() as patch, interruptions():
        for name, value in DELAYS.items():
            patch.setattr(f"replicate_ext.{name}", value)
        jitter = SimpleNamespace(uniform=lambda low, high: random.uniform(low, min(high, 0.002) if low < 0.5 else high))
        patch.setattr("replicate_ext._sansio.retry.random", jitter)
        if client_kind == "async":
            patch.setattr("replicate_ext._backends.pool.aiohttp_transport", lambda *_: None)
        yield


class Report(NamedTuple):
    """What one sequence did, and what was wrong with it."""

    problems: list[str]
    figures: Counter[str]
    requests: list[str]


def play(seed: int, client_kind: str, server: ServerThread) -> Report:
    """Play the sequence of a seed."""
    program = make_program(seed, is_async=client_kind != "sync")
    before = open_files(), threading.active_count()
    problems: list[str] = []
    world = server.run(make_world(seed, program))
    with folder_for(program) as folder, fast_client(client_kind):
        try:
            if client_kind == "sync":
                play_sync(program, world, Path(folder))
            else:
                play_async(program, world, Path(folder), problems)
            wait_for_cleanups()
        finally:
            server.run(world.stop())
        model = Model(world, program, Path(folder))
        problems += model.problems()
    report = Report(problems, model.figures, world.requests)
    del program, world, model  # with the errors, whose tracebacks hold the client
    report.problems.extend(leaks(before))
    return report


async def make_world(seed: int, program: Program) -> SoakWorld:
    world = SoakWorld(seed, program)
    await world.start(MAX_SECONDS)
    return world


def folder_for(program: Program) -> contextlib.AbstractContextManager[Any]:
    """Return a context manager with the folder in which a program saves files."""
    saves = any(call.kind == "save" for call in program.calls)
    return tempfile.TemporaryDirectory() if saves else contextlib.nullcontext(".")


def wait_for_cleanups() -> None:
    """Wait for the clean-ups of event loops that have ended."""
    for thread in threading.enumerate():
        if "cleanup" in thread.name:
            thread.join(5)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0


def leaks(before: tuple[int, int]) -> Iterator[str]:
    """Yield what the sequence has left behind: a client that was not closed needs the garbage collector."""
    for attempt in range(5):
        files, threads = open_files() - before[0], threading.active_count() - before[1]
        if files <= 0 and threads <= 0:
            return
        gc.collect()
        time.sleep(0.01 * attempt)
    yield f"leak: {files} open files, {threads} threads"
