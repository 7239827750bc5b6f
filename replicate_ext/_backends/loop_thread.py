"""An event loop in a thread of its own: what blocks the thread or the loop of the caller does not delay it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from .asyncio import call_soon_threadsafe


class LoopThread:
    """Runs a coroutine in an asyncio event loop in a daemon thread; both end with it.

    Args:
        main: Returns the coroutine.
        name: The name of the thread.
    """

    def __init__(self, main: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        self._main = main
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._loop = self._runner.get_loop()
        self._thread.start()

    def _run(self) -> None:
        with self._runner as runner:
            runner.run(self._main())

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function in the loop, from any thread; ignored before the start and after the end."""
        if self._loop is not None:
            call_soon_threadsafe(self._loop, function, *args)

    @property
    def is_alive(self) -> bool:
        """Whether the coroutine is running."""
        return self._thread.is_alive()

    def join(self, seconds: float) -> bool:
        """Wait for the end, for up to so many seconds, and return whether it has come."""
        self._thread.join(seconds)
        return not self.is_alive
