"""The progress of downloads in bytes: a callback, or the bar of `progress=True`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .download import Download

TransferCallback = Callable[[int, int | None], object]
"""A function that is called with the bytes that have arrived, and those of all files once these are known."""


class Transfers:
    """The bytes of some files that are downloaded together, perhaps by several threads.

    Raises:
        TypeError: `progress` is neither a bool nor a function that can be called from any thread.
    """

    def __init__(self, progress: bool | TransferCallback | None, count: int = 1) -> None:
        if not isinstance(progress, bool | None) and (not callable(progress) or inspect.iscoroutinefunction(progress)):
            raise TypeError(f"progress must be a function that takes two numbers of bytes, not {progress!r:.100}")
        self._bar = _ByteBar() if progress is True else None
        self._callback: TransferCallback | None = None if isinstance(progress, bool) else progress
        self._callback = self._bar or self._callback
        self._lock = Lock()
        self._done, self._unopened, self._total = 0, count, 0
        self._is_total_known = True

    async def count(self, download: Download) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of a download that is open, and report them."""
        self._report(0, download.known_size)
        async with aclosing(download.chunks()) as chunks:
            async for chunk in chunks:
                yield chunk
                self._report(len(chunk))

    def _report(self, count: int, *sizes: int | None) -> None:
        with self._lock:  # so that the numbers grow, and the callback need not be thread-safe
            self._done += count
            for size in sizes:
                self._unopened -= 1
                self._total += size or 0
                self._is_total_known = self._is_total_known and size is not None
            if self._callback is not None:
                self._callback(self._done, self._total if self._is_total_known and not self._unopened else None)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()


class _ByteBar:
    """Shows bytes on stderr: with tqdm, or in lines if it is not installed."""

    def __init__(self) -> None:
        try:
            from tqdm import tqdm
        except ImportError:
            self._bar: Any = None
        else:
            self._bar = tqdm(unit="B", unit_scale=True)
        self._shown = 0

    def __call__(self, done: int, total: int | None) -> None:
        if self._bar is not None:
            self._bar.total = total
            self._bar.update(done - self._bar.n)
        elif total and 10 * done // total > self._shown:
            self._shown = 10 * done // total
            print(f"{done:,} of {total:,} bytes ({done / total:.0%})", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
