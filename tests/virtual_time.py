"""Event loops whose time jumps when nothing is ready: tests of days take milliseconds.

Requests must go through `httpx.MockTransport`: of a real connection, a loop cannot know that a response is under way.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

MAX_DAYS = 30.0
MAX_REAL_SECONDS = 10.0
REAL_WAIT = 0.01
"""Seconds; what another thread does for the loop ends the wait earlier."""


class VirtualClock:
    """The time of one or more virtual loops, and of the backends that are made meanwhile."""

    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        return self.time


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with virtual time; it fails after so many virtual days or real seconds."""

    def __init__(
        self, clock: VirtualClock, *, max_days: float = MAX_DAYS, max_real_seconds: float = MAX_REAL_SECONDS
    ) -> None:
        self._clock, self._max_days, self._max_real_seconds = clock, max_days, max_real_seconds
        self._extend_limits()
        self._jobs = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._clock.time

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        future = super().run_in_executor(executor, func, *args)
        self._jobs += 1
        future.add_done_callback(self._finish_job)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        self._jobs += 1
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self._finish_job()

    def _finish_job(self, _: object = None) -> None:
        self._jobs -= 1

    def jump(self, seconds: float | None) -> float:
        """Let the virtual time pass if nothing else can happen before; return the real seconds to wait instead."""
        if time.monotonic() > self._end or self._clock.time > self._last_day:
            self._extend_limits()  # for the tasks that are canceled now
            raise AssertionError(
                f"still running after {self._max_days} virtual days or {self._max_real_seconds} real seconds"
            )
        if seconds is None or (seconds > 0 and self._jobs):
            return REAL_WAIT
        self._clock.time += seconds
        return 0

    def _extend_limits(self) -> None:
        self._end = time.monotonic() + self._max_real_seconds
        self._last_day = self._clock.time + self._max_days * 86400


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        return ready or super().select(self._loop.jump(timeout))


def use_virtual_time(monkeypatch: pytest.MonkeyPatch, **limits: float) -> VirtualClock:
    """Return a clock that backends made from now on follow, and the loops of `LoopThread`."""
    clock = VirtualClock()
    monkeypatch.setattr("replicate_ext._backends.base.time", SimpleNamespace(monotonic=clock.monotonic))
    monkeypatch.setattr(asyncio, "new_event_loop", lambda: VirtualLoop(clock, **limits))
    return clock


def run_virtual(main: Callable[[], Coroutine[Any, Any, T]], **limits: float) -> T:
    """Run a coroutine function in virtual time, which the backends that it makes follow, and return its result."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        clock = use_virtual_time(monkeypatch, **limits)
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock, **limits)) as runner:
            return runner.run(main())
