"""A running job: its status, logs, output and events; and the functions `log`, `sleep` and `now` for models."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

from .catalog import Model, Version
from .clock import Clock
from .state import Job


class StreamEvent(NamedTuple):
    """One event of a stream."""

    event: str
    id: str
    data: str


class Execution:
    """A job that is running or finished, with its events so far.

    Args:
        job: The job.
        model: The model that it runs.
        version: The version that it runs.
        origin: Scheme and host under which the client reached this server, for the URLs of files.
        clock: The emulator's clock.
        notify: Called with the name of each webhook event.
    """

    def __init__(
        self,
        job: Job,
        model: Model,
        version: Version,
        origin: str,
        clock: Clock,
        notify: Callable[[Execution, str], None],
    ) -> None:
        self.job, self.model, self.version, self.origin, self.clock = job, model, version, origin, clock
        self._notify = notify
        self.events: list[StreamEvent] = []
        self.task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._last_second, self._last_number = 0, 0

    async def wait_for_change(self) -> None:
        """Wait until anything happens after the call."""
        await self._changed.wait()

    async def wait_until_finished(self) -> None:
        """Wait until the status is terminal."""
        while not self.job.is_finished:
            await self.wait_for_change()

    def start(self) -> None:
        """Set the status to `processing`."""
        self.job.status, self.job.started_at = "processing", self.clock.now()
        self.emit()

    def emit_output(self, item: Any) -> None:
        """Append an item to the output of a streaming model."""
        self.job.output.append(item)
        self.emit("output", item if isinstance(item, str) else json.dumps(item))

    def emit(self, event: str | None = None, data: str = "") -> None:
        """Wake all waiting tasks, and add an event to the stream if one is given."""
        if event in ("output", "logs"):
            self._notify(self, event)
        if event is not None and self.job.stream is not None:
            second = int(self.clock.time())
            self._last_number = self._last_number + 1 if second == self._last_second else 0
            self._last_second = second
            self.events.append(StreamEvent(event, f"{second}:{self._last_number}", data))
        self._changed.set()
        self._changed = asyncio.Event()

    def log(self, text: str) -> None:
        """Append a text to the logs."""
        if not self.job.is_finished:
            self.job.logs += text
            self.emit("logs", text)

    def finish(self, status: str, error: str | None = None) -> None:
        """Set a terminal status; does nothing if the job is already finished."""
        job = self.job
        if job.is_finished:
            return
        job.completed_at = self.clock.now()
        if job.started_at is None and status in ("canceled", "failed"):
            job.started_at = job.completed_at
        job.status, job.error = status, error
        if status in ("canceled", "aborted"):
            job.output = None
        self._notify(self, "completed")
        if status == "succeeded":
            self.emit("done", "{}")
            return
        if error is not None:
            self.emit("error", json.dumps({"detail": error}))
        self.emit("done", json.dumps({"reason": "error" if status == "failed" else status}))

    def stop(self, status: str) -> None:
        """Set the status `canceled` or `aborted`, and cancel the task."""
        self.finish(status)
        if self.task is not None:
            self.task.cancel()


current: ContextVar[tuple[Execution | None, asyncio.AbstractEventLoop | None]] = ContextVar("execution")
"""The execution whose model is running in this context, and the server's event loop."""


def log(text: str) -> None:
    """Append a text to the logs of the running job; for model functions. Does nothing outside of a job.

    Args:
        text: What to append, with its newline.
    """
    execution, loop = current.get((None, None))
    if execution is not None and loop is not None:
        loop.call_soon_threadsafe(execution.log, text)


async def sleep(seconds: float) -> None:
    """Sleep on the emulator's clock; for model functions.

    Args:
        seconds: How many seconds to sleep.
    """
    execution, _ = current.get((None, None))
    await (execution.clock.sleep(seconds) if execution is not None else asyncio.sleep(seconds))


def now() -> float:
    """Return the time on the emulator's clock; for model functions.

    Returns:
        Seconds since the epoch.
    """
    execution, _ = current.get((None, None))
    return execution.clock.time() if execution is not None else time.time()
