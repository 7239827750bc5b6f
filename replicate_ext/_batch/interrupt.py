"""Ctrl-C during a batch: the first one stops creating, the second one interrupts as usual."""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class GracefulInterrupt:
    """Calls a function on the first Ctrl-C in its block; the next one does what it did before.

    Only in the main thread, and only if Ctrl-C raises KeyboardInterrupt or cancels the main task of `asyncio.run`: a
    handler of the caller's is left alone. The first Ctrl-C in several blocks, nested or concurrent, is that of each.

    Args:
        function: What the first Ctrl-C does.
        is_shared: Whether it is also the first one of blocks inside this block; else these see no Ctrl-C.
    """

    def __init__(self, function: Callable[[], None], *, is_shared: bool = True) -> None:
        self.function, self.is_shared = function, is_shared
        self._handler: _Handler | None = None
        self.happened = False

    def __enter__(self) -> GracefulInterrupt:
        if threading.current_thread() is threading.main_thread():
            handler: Any = signal.getsignal(signal.SIGINT)
            if handler is signal.default_int_handler or _is_asyncio(handler):
                handler = _Handler(handler)
                signal.signal(signal.SIGINT, handler)
            if isinstance(handler, _Handler) and all(block.is_shared for block in handler.blocks):
                self._handler = handler
                handler.blocks.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._handler is not None:
            self._handler.blocks.remove(self)
            if threading.current_thread() is threading.main_thread():
                self._handler.restore()


class _Handler:
    """The handler of Ctrl-C while there are blocks."""

    def __init__(self, previous: Any) -> None:
        self._previous = previous
        self.blocks: list[GracefulInterrupt] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.restore()  # if the last loop was left in a thread that cannot set signal handlers
        if not self.blocks or any(block.happened for block in self.blocks):
            self._previous(number, frame)
            return
        for block in self.blocks:
            block.happened = True
            block.function()

    def restore(self) -> None:
        """Let Ctrl-C do what it did before, if no block is left."""
        current: object = signal.getsignal(signal.SIGINT)
        if not self.blocks and current is self:
            signal.signal(signal.SIGINT, self._previous)


def _is_asyncio(handler: object) -> bool:
    """Whether it is the handler of `asyncio.run`, which cancels the main task."""
    return isinstance(handler, functools.partial) and getattr(handler.func, "__module__", "") == "asyncio.runners"
