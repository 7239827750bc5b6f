"""`DriverThread`: the driver of a batch in a thread of its own, with an event loop of its own."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from .._backends.detached import detached_backend
from .._backends.loop_thread import LoopThread
from .._sansio.retry import MAX_RETRY_AFTER_TOTAL
from .driver import Driver
from .progress import open_progress

if TYPE_CHECKING:
    from .._backends.asyncio import AsyncBackend
    from .._backends.base import Mailbox
    from .._predictions.predictions import Predictions
    from .._send import Session
    from .folder_lock import FolderLock
    from .journal import Journal
    from .options import Options
    from .target import Target


class OpenedBatch(NamedTuple):
    """A batch that can be run."""

    lock: FolderLock
    journal: Journal
    target: Target
    options: Options
    finished: array[int]
    """The rows that were finished before."""

    def close(self) -> None:
        """Release the folder."""
        self.journal.close()
        self.lock.close()


class DriverThread(LoopThread):
    """Runs a batch in a thread, which releases the folder at its end.

    Args:
        session: That of the client.
        predictions: Those of the client.
        opened: The batch.
        mailbox: Gets the numbers of finished rows, then None or an error.
    """

    def __init__(
        self, session: Session[Any], predictions: Predictions, opened: OpenedBatch, mailbox: Mailbox[Any]
    ) -> None:
        self._session, self._predictions, self._opened, self._mailbox = session, predictions, opened, mailbox
        self.driver: Driver | None = None
        """None before it has started, and after its end."""

        self._calls: deque[Callable[[Driver], object]] = deque()
        main = partial(self._run_batch, detached_backend(session.backend))
        super().__init__(main, f"replicate-ext batch {opened.journal.folder.name}")

    def call_driver(self, function: Callable[[Driver], object]) -> None:
        """Call a function with the driver, in its thread, once it has started; ignored after its end."""
        self._calls.append(function)
        self.call(self._make_calls)

    def _make_calls(self) -> None:
        while self.driver is not None and self._calls:
            self._calls.popleft()(self.driver)

    async def _run_batch(self, backend: AsyncBackend) -> None:
        outcome: BaseException | None = None
        try:
            await self._drive(backend)
        except BaseException as error:
            outcome = error
        try:
            self._opened.close()
        finally:
            self._mailbox.put(outcome)

    async def _drive(self, backend: AsyncBackend) -> None:
        # A create that waits for long may arrive after `MAX_ARRIVAL_TIME`; the driver has other rows, and tries again.
        config = self._session.config.with_options(max_rate_limit_wait=MAX_RETRY_AFTER_TOTAL)
        session: Session[AsyncBackend] = self._session.with_config(config).without_deadline()
        session.backend = backend
        predictions, opened = self._predictions.with_session(session), self._opened
        try:
            with closing(open_progress(opened.options.progress)) as progress:
                self.driver = Driver(
                    session,
                    predictions,
                    opened.target,
                    opened.journal,
                    opened.options,
                    self._mailbox.put,
                    progress.update,
                )
                self._make_calls()
                await self.driver.run()
        finally:
            self.driver = None
            await backend.close()
