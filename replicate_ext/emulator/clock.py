"""The emulator's clock: real time, but it can be advanced, so that an hour passes immediately."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

STEPS_BEFORE_ADVANCE = 20
"""Iterations of the event loop that pending tasks get before the clock advances."""


async def wait_first(*coroutines: Coroutine[Any, Any, None]) -> int:
    """Wait until the first of several coroutines is done, cancel the others, and return its position."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(index for index, task in enumerate(tasks) if task in done)
    finally:
        for task in tasks:
            task.cancel()


class Clock:
    """The time of an emulator: real time, which `advance` moves forward.

    Attributes:
        loop: The event loop of the running server; None if it is not running.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._advanced = asyncio.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    def time(self) -> float:
        """Return the time in seconds since the epoch.

        Returns:
            Unix time, as `time.time` returns it, plus what the clock was advanced by.

        Examples:
            >>> began = emulator.clock.time()
            >>> emulator.clock.advance(60)
            >>> 60 <= emulator.clock.time() - began < 120
            True
        """
        return time.time() + self._offset

    def now(self) -> datetime:
        """Return the time as a datetime.

        Returns:
            An aware datetime, in UTC.

        Examples:
            >>> emulator.clock.now().tzname()
            'UTC'
        """
        return datetime.fromtimestamp(self.time(), UTC)

    async def sleep(self, seconds: float) -> None:
        """Sleep until that many seconds have passed on this clock; in the event loop of the emulator.

        Args:
            seconds: How many seconds to sleep.

        Examples:
            >>> from replicate_ext.emulator import Clock
            >>> asyncio.run(Clock().sleep(0.001))
        """
        end = self.time() + seconds
        while (remaining := end - self.time()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._advanced.wait(), remaining)

    def advance(self, seconds: float) -> None:
        """Advance the clock; may be called from any thread but the server's.

        Models, deadlines, expiry and retries of webhooks follow it. Tasks that are about to start or to sleep do so
        first, so that they see the time pass.

        Args:
            seconds: By how many seconds.

        Raises:
            ValueError: `seconds` is negative.

        Examples:
            >>> sleeper = client.submit("acme/sleeper", {"seconds": 3600})
            >>> emulator.clock.advance(3601)
            >>> client.wait(sleeper).output
            'Slept for 3600 seconds.'
        """
        if seconds < 0:
            raise ValueError(f"the clock cannot go back: seconds must not be negative, got {seconds!r}")
        if self.loop is None or self.loop.is_closed():
            self._offset += seconds
        else:
            asyncio.run_coroutine_threadsafe(self._advance(seconds), self.loop).result()

    async def _advance(self, seconds: float) -> None:
        for _ in range(STEPS_BEFORE_ADVANCE):
            await asyncio.sleep(0)
        self._offset += seconds
        self._advanced.set()
        self._advanced = asyncio.Event()
