"""The processes of the map soak: the emulator's server and the workers that are killed."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent
POLL_INTERVAL = 0.01

MAX_RESPONSE_TIME = 60.0
"""Seconds within which the server must respond to a command, and end."""


class Server:
    """An emulator in a process of its own; see map_server.py."""

    def __init__(self, *options: object) -> None:
        command = [sys.executable, str(HERE / "map_server.py"), *map(str, options)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        greeting = self._read()
        self.url, self.token = str(greeting["url"]), str(greeting["token"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._process:
            self._process.send_signal(signal.SIGCONT)
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(MAX_RESPONSE_TIME)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def ask(self, command: str) -> Any:
        """Send a command, and return its result."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], MAX_RESPONSE_TIME)[0]:
            raise TimeoutError("the server of the soak does not respond")
        return json.loads(self._process.stdout.readline())

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the process during the block: it accepts connections, but sends no responses."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def disconnected(self) -> Iterator[None]:
        """Drop the connection of each request during the block."""
        self.ask("disconnect")
        try:
            yield
        finally:
            self.ask("reconnect")

    def settle(self, deadline: float) -> None:
        """Wait until the requests of a killed worker have been processed."""
        while self.ask("progress")["open"] and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL)


class Worker:
    """A process that runs a batch; see map_worker.py."""

    def __init__(self, script: str, log: Path, *arguments: object) -> None:
        self._paths = log.with_suffix(".out"), log.with_suffix(".err")
        command = [sys.executable, str(HERE / script), *map(str, arguments)]
        with self._paths[0].open("wb") as output, self._paths[1].open("wb") as errors:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        self.status: int | None = None
        """The exit status; None while it runs."""
        self.cpu = 0.0
        """Seconds of CPU time, once it has ended."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()

    def is_running(self) -> bool:
        """Whether it runs; notes its status and CPU time once it has ended."""
        if self.status is None:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self.status = self._process.returncode = os.waitstatus_to_exitcode(status)
                self.cpu = usage.ru_utime + usage.ru_stime
        return self.status is None

    def wait(self, deadline: float) -> None:
        """Wait until it has ended, or until the deadline."""
        while self.is_running() and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL)

    def kill(self) -> None:
        """Kill it with SIGKILL, and wait for its end."""
        if self.is_running():
            self._process.kill()
            self.wait(time.monotonic() + 10)

    def read(self) -> tuple[str, str]:
        """Return what it has printed, on stdout and on stderr."""
        output, errors = (path.read_text(encoding="utf-8") for path in self._paths)
        return output, errors


def open_intents(folder: Path) -> set[int]:
    """Return the purchases of a killed batch whose response has not arrived; reads a copy, and so changes nothing."""
    with tempfile.TemporaryDirectory() as copy:
        for path in folder.glob("journal.db*"):
            shutil.copy(path, copy)
        with closing(sqlite3.connect(Path(copy, "journal.db"))) as db:
            if not db.execute("select 1 from sqlite_master where name = 'attempt'").fetchone():
                return set()
            return {id for (id,) in db.execute("select id from attempt where prediction_id is null and status is null")}
