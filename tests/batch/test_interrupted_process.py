"""A process that runs a batch, and gets real signals: Ctrl-C once and twice, and kill -9."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from replicate_ext import Replicate
from replicate_ext._batch import reconcile
from replicate_ext._batch.batch import Batch
from replicate_ext.emulator import Emulator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")

SYNC = """
import sys
from replicate_ext import Replicate

with Replicate(sys.argv[1], base_url=sys.argv[2]) as client:
    for item in client.map("me/gated", [{"number": number} for number in range(9)], sys.argv[3], concurrency=4):
        print(item.index, flush=True)
"""

ASYNC = """
import asyncio, sys
from replicate_ext import AsyncReplicate

async def main():
    async with AsyncReplicate(sys.argv[1], base_url=sys.argv[2]) as client:
        rows = [{"number": number} for number in range(9)]
        async for item in client.map("me/gated", rows, sys.argv[3], concurrency=4):
            print(item.index, flush=True)

asyncio.run(main())
"""


class Gate:
    """A model whose first prediction ends immediately, and the others when the gate is opened."""

    def __init__(self, emulator: Emulator) -> None:
        self._is_open = threading.Event()
        self.begun = threading.Semaphore(0)

        @emulator.model("me/gated")
        def gated(number: int) -> str:
            if number:
                self.begun.release()
                self._is_open.wait(10)
            return str(number)

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.begun.acquire(timeout=10)

    def open(self) -> None:
        self._is_open.set()


@pytest.fixture
def gate(emulator: Emulator) -> Iterator[Gate]:
    gate = Gate(emulator)
    yield gate
    gate.open()


@contextmanager
def running(code: str, emulator: Emulator, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a program until four predictions wait for the gate."""
    command = [sys.executable, "-c", code, emulator.token, emulator.url, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "0\n"
            yield process
        finally:
            process.kill()


def interrupt(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C for the first time, and return what is printed."""
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() == "\n"
    return process.stderr.readline()


def statuses(client: Replicate) -> Counter[Any]:
    return Counter(job.status for job in client.predictions.list())


@pytest.mark.parametrize("code", [SYNC, ASYNC], ids=["sync", "async"])
def test_first_interrupt_waits_for_what_is_running(
    emulator: Emulator, emulator_client: Replicate, gate: Gate, tmp_path: Path, code: str
) -> None:
    with running(code, emulator, tmp_path) as process:
        gate.wait_for(4)
        assert interrupt(process) == (
            "Nothing more is created; waiting for 4 predictions. Ctrl-C again cancels them; "
            f"to continue: Batch.open({str(tmp_path)!r}, client).resume()\n"
        )
        gate.open()
        indexes, errors = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT
    assert sorted(indexes.split()) == ["1", "2", "3", "4"]
    assert errors.endswith(f"KeyboardInterrupt: to continue: Batch.open({str(tmp_path)!r}, client).resume()\n")
    assert statuses(emulator_client) == {"succeeded": 5}
    assert sorted(item.index for item in Batch.open(tmp_path, emulator_client).resume()) == [5, 6, 7, 8]
    assert statuses(emulator_client) == {"succeeded": 9}


@pytest.mark.parametrize("code", [SYNC, ASYNC], ids=["sync", "async"])
def test_second_interrupt_cancels_what_is_running(
    emulator: Emulator, emulator_client: Replicate, gate: Gate, tmp_path: Path, code: str
) -> None:
    with running(code, emulator, tmp_path) as process:
        gate.wait_for(4)
        interrupt(process)
        process.send_signal(signal.SIGINT)
        indexes, errors = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT
    assert indexes == ""
    assert errors.splitlines()[-1].startswith("KeyboardInterrupt")
    assert statuses(emulator_client) == {"succeeded": 1, "canceled": 4}
    gate.open()
    assert len([*Batch.open(tmp_path, emulator_client).resume()]) == 8
    assert statuses(emulator_client) == {"succeeded": 9, "canceled": 4}


def test_killed_process_is_continued(
    emulator: Emulator, emulator_client: Replicate, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "SETTLE_TIME", 0.1)
    with running(SYNC, emulator, tmp_path):
        gate.wait_for(4)  # whose creates are held: their ids are not known
    gate.open()
    items = [*Batch.open(tmp_path, emulator_client).resume().results()]
    assert [(item.index, item.output, item.attempts) for item in items] == [(n, str(n), 1) for n in range(9)]
    assert statuses(emulator_client) == {"succeeded": 9}
