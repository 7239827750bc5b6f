"""The emulator's time: real, but it can be moved ahead, so that an hour passes at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any


async def first(*things: Coroutine[Any, Any, None]) -> int:
    """Wait for the first of several things to happen, and return which; the others are not waited for any more."""
    tasks = [asyncio.ensure_future(thing) for thing in things]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(number for number, task in enumerate(tasks) if task in done)
    finally:
        for task in tasks:
            task.cancel()


class Clock:
    """Tells the time and sleeps; `advance` moves it ahead for everybody who sleeps or asks."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._jumped = asyncio.Event()
        self.loop: asyncio.AbstractEventLoop | None = None
        """The loop of the server, while it runs."""

    def time(self) -> float:
        """Return the seconds since 1970."""
        return time.time() + self._ahead

    def now(self) -> datetime:
        """Return the time with its zone, UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed on this clock."""
        end = self.time() + seconds
        while (left := end - self.time()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._jumped.wait(), left)

    def advance(self, seconds: float) -> None:
        """Move the clock ahead, from any thread but the server's own; what was about to begin has begun by then."""
        if seconds < 0:
            raise ValueError("time only goes ahead")
        if self.loop is None or self.loop.is_closed():
            self._ahead += seconds
        else:
            asyncio.run_coroutine_threadsafe(self._jump(seconds), self.loop).result()

    async def _jump(self, seconds: float) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        self._ahead += seconds
        self._jumped.set()
        self._jumped = asyncio.Event()
