"""SIGTERM: a command ends as with Ctrl-C, which cancels what it runs, instead of immediately."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """SIGTERM has arrived: what handles Ctrl-C handles it too."""


@contextmanager
def raise_terminated() -> Iterator[None]:
    """Let SIGTERM raise `Terminated` in the block; only in the main thread, and unless the caller handles it."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
