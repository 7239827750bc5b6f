"""Saves the files of finished rows: those that expire first come first, and what fails in passing is tried again."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Coroutine
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .. import errors
from .._files.disk import commit_together
from .._send import NON_RETRYABLE
from .output_files import HashedFile, OutputFile, SavedFile, download_file

if TYPE_CHECKING:
    from .._backends.asyncio import AsyncBackend
    from .._send import Session

MAX_FILES_IN_MEMORY = 16
"""Small files of a row that are written together when the row is complete; more of them might fill the memory."""

MAX_CONCURRENT_SAVES = 16
"""Rows whose files are downloaded concurrently."""

LIFETIME = 3600.0
"""Seconds after its end for which the files of a prediction exist (docs/api-facts.md, section 8)."""

MAX_BACKLOG_AGE = 600.0
"""Seconds after its end for which a row may wait to be saved before creates pause."""

RETRY_DELAYS = (1.0, 5.0, 15.0, 30.0)
"""Seconds before the attempts after a failure; the last one repeats until the files have expired."""


_TRANSIENT = (errors.APIConnectionError, errors.ServerError, errors.RateLimitError, OSError)
"""What another attempt may mend."""

StartSoon = Callable[[Coroutine[Any, Any, None]], object]


class SavedRow(Protocol):
    """What is called when the files of a row were saved, or are lost."""

    def __call__(
        self,
        n: int,
        files: list[OutputFile],
        saved: list[SavedFile],
        error: Exception | None,
        *,
        has_expired: bool = False,
    ) -> None: ...


class _Waiting(NamedTuple):
    due: float
    """When to try, on the backend's clock."""

    ended_at: float
    n: int
    files: list[OutputFile]
    failures: int


class Saver:
    """Saves the files of rows.

    Args:
        session: Downloads them.
        folder: That of the batch.
        start_soon: Runs a coroutine in the background.
        done: Called when a row is saved, or has failed for good.
    """

    def __init__(self, session: Session[AsyncBackend], folder: Path, start_soon: StartSoon, done: SavedRow) -> None:
        self._session, self._folder, self._start_soon, self._done = session, folder, start_soon, done
        self._waiting: list[tuple[float, int, _Waiting]] = []
        """A heap: what ended first is saved first."""

        self._delayed: list[_Waiting] = []
        self._running: dict[int, float] = {}
        """The rows that are being saved, and when they ended."""

        self.problem = ""
        """Why saving fails at the moment, for the progress."""

        self._downloaded: list[tuple[_Waiting, list[HashedFile]]] = []
        self._is_committing = False

    @property
    def count(self) -> int:
        """How many rows are not saved yet."""
        return len(self._waiting) + len(self._delayed) + len(self._running)

    def is_behind(self, now: float) -> bool:
        """Whether a row has waited for so long, or the disk has a problem, that nothing more should be bought.

        Args:
            now: Seconds since the epoch, on the server's clock.
        """
        ended = [*self._running.values(), *(waiting.ended_at for waiting in self._delayed)]
        ended += [self._waiting[0][0]] if self._waiting else []
        return bool(self.problem) or (bool(ended) and now - min(ended) > MAX_BACKLOG_AGE)

    def add(self, n: int, ended_at: float, files: list[OutputFile]) -> None:
        """Save the files of a row that ended at a moment on the server's clock."""
        self._push(_Waiting(0.0, ended_at, n, files, 0))

    def _push(self, waiting: _Waiting) -> None:
        heapq.heappush(self._waiting, (waiting.ended_at, waiting.n, waiting))

    def start(self) -> None:
        """Start what can be started now."""
        now = self._session.backend.monotonic()
        delayed, self._delayed = self._delayed, []
        for waiting in delayed:
            self._push(waiting) if waiting.due <= now else self._delayed.append(waiting)
        while self._waiting and len(self._running) < MAX_CONCURRENT_SAVES:
            _, n, waiting = heapq.heappop(self._waiting)
            self._running[n] = waiting.ended_at
            self._start_soon(self._save(waiting))

    def seconds_to_retry(self) -> float | None:
        """Return the seconds until the next attempt of what has failed, or None."""
        if not self._delayed:
            return None
        return max(0.0, min(waiting.due for waiting in self._delayed) - self._session.backend.monotonic())

    async def _save(self, waiting: _Waiting) -> None:
        downloaded: list[HashedFile] = []
        try:
            for file in waiting.files:
                hashed = await download_file(self._session, self._folder, waiting.n, file)
                downloaded.append(hashed)
                if hashed.is_open or len(downloaded) > MAX_FILES_IN_MEMORY:
                    await self._session.backend.to_thread(hashed.write_out)
        except BaseException as error:
            for hashed in downloaded:
                hashed.discard()
            self._fail(waiting, error)
            if not isinstance(error, (errors.ReplicateError, OSError)):
                raise
            return
        self._downloaded.append((waiting, downloaded))
        if not self._is_committing:
            self._is_committing = True
            self._start_soon(self._commit())

    async def _commit(self) -> None:
        """Bring to the disk what was downloaded, together with what arrives meanwhile."""
        try:
            while self._downloaded:
                rows, self._downloaded = self._downloaded, []
                hashed = [file for _, files in rows for file in files]
                results = iter(await self._session.backend.to_thread(commit_together, hashed))
                for waiting, files in rows:
                    self._committed(waiting, files, list(islice(results, len(files))))
        finally:
            self._is_committing = False

    def _committed(self, waiting: _Waiting, files: list[HashedFile], results: list[Path | OSError]) -> None:
        for file in files:
            file.discard()
        failure = next((result for result in results if isinstance(result, OSError)), None)
        if failure is not None:
            self._fail(waiting, failure)
            return
        saved = [
            hashed.describe(file, path, self._folder)
            for hashed, file, path in zip(files, waiting.files, results, strict=True)
            if isinstance(path, Path)
        ]
        del self._running[waiting.n]
        self.problem = ""
        self._done(waiting.n, waiting.files, saved, None)

    def _fail(self, waiting: _Waiting, error: BaseException) -> None:
        del self._running[waiting.n]
        is_permanent = isinstance(error.__cause__, NON_RETRYABLE)  # the URL that a model made is none
        if isinstance(error, _TRANSIENT) and not is_permanent:
            self._delay(waiting, error)
        elif isinstance(error, errors.ReplicateError):  # 404 after they expired, say
            self._done(waiting.n, waiting.files, [], error, has_expired=self._has_expired(waiting))

    def _delay(self, waiting: _Waiting, error: Exception) -> None:
        """Try again later, as long as the files exist."""
        if self._has_expired(waiting):
            self._done(waiting.n, waiting.files, [], error, has_expired=True)
            return
        if isinstance(error, OSError):
            self.problem = f"files cannot be saved: {error}"
        delay = RETRY_DELAYS[min(waiting.failures, len(RETRY_DELAYS) - 1)]
        now = self._session.backend.monotonic()
        self._delayed.append(waiting._replace(due=now + delay, failures=waiting.failures + 1))

    def _has_expired(self, waiting: _Waiting) -> bool:
        clock = self._session.clock.floor()
        return clock is not None and clock.timestamp() - waiting.ended_at > LIFETIME
