"""`BatchLoop`: runs the rows of one folder while its caller iterates over them."""

from __future__ import annotations

import os
import sys
from array import array
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import errors
from .._backends.base import CLEANUP_TIMEOUT, Mailbox
from .._dual import Resource, dual_iterator
from .._send import BackendT
from .folder_lock import FolderLock
from .interrupt import GracefulInterrupt
from .item import Item
from .journal import Journal, JournalReader
from .opening import Work, open_batch
from .options import Options

if TYPE_CHECKING:
    from .driver import Driver
    from .driver_thread import DriverThread, OpenedBatch
    from .progress import Status

MAX_LEAVING_TIME = CLEANUP_TIMEOUT + 5.0
"""Seconds by which leaving a loop over a batch may delay the caller."""


class BatchLoop(Resource[BackendT]):
    """What a batch does when it is iterated; once."""

    def __init__(self, client: Any, folder: str | os.PathLike[str], options: Options, work: Work) -> None:
        super().__init__(client._session)
        self._predictions = client._predictions
        self.folder = Path(folder).absolute()
        self._options, self._work = options, work
        self._thread: DriverThread | None = None
        self._is_stopping = False

    @dual_iterator
    async def _run(self) -> AsyncGenerator[Item, None]:
        async with aclosing(self._finish_rows()) as finished:
            async for reader, n in finished:
                yield self._item(reader, n)

    @dual_iterator
    async def _run_in_order(self) -> AsyncGenerator[Item, None]:
        self._work = self._work._replace(yields_finished=True)
        order: deque[int] | None = None
        waiting: set[int] = set()
        async with aclosing(self._finish_rows()) as finished:
            async for reader, n in finished:
                order = deque(reader.numbers()) if order is None else order
                waiting.add(n)
                while order and order[0] in waiting:
                    waiting.discard(order[0])
                    yield self._item(reader, order.popleft())

    def _item(self, reader: JournalReader, n: int) -> Item:
        item = reader.item(n)
        if item.error is not None and self._options.on_error == "raise":
            raise errors.BatchStoppedError(f"row {n} failed: {item.error}", self._advice())
        return item

    async def _finish_rows(self) -> AsyncGenerator[tuple[JournalReader, int], None]:
        """Yield the number of each row that has ended, and what reads it."""
        opened = await self._open()
        try:
            with closing(JournalReader(self.folder)) as reader:
                mailbox = self._session.backend.open_mailbox()
                self._start(opened, mailbox)
                with GracefulInterrupt(self._interrupted) as interrupt:
                    for n in opened.finished:
                        yield reader, n
                    while isinstance(message := await mailbox.get(), int):
                        yield reader, message
                if interrupt.happened:
                    raise KeyboardInterrupt(self._advice()) from message
                if message is not None:
                    raise message
        finally:
            await self._close(opened)

    async def _open(self) -> OpenedBatch:
        """Take the lock, and bring the journal up to date: the model, the options, the rows."""
        from .driver_thread import OpenedBatch

        if self._thread is not None:
            raise RuntimeError(
                "a batch is iterated once: batch.resume() continues it, and batch.resume().results() yields all rows"
            )
        if self._work.ref is None:
            JournalReader(self.folder).close()  # raises if there is none
        session = self._session.until_closed()
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock(self.folder)
        try:
            journal = Journal(self.folder)
            try:
                self._options, target = await open_batch(session, self._predictions, journal, self._options, self._work)
                if session.is_closed:
                    raise errors.APIConnectionError("the client was closed before anything was created")
                finished = journal.finished() if self._work.yields_finished else array("q")
                return OpenedBatch(lock, journal, target, self._options, finished)
            except BaseException:
                journal.close()
                raise
        except BaseException:
            lock.close()
            raise

    def _start(self, opened: OpenedBatch, mailbox: Mailbox[Any], *, cancel: bool = False) -> None:
        from .driver_thread import DriverThread

        self._thread = thread = DriverThread(self._session, self._predictions, opened, mailbox)
        if self._is_stopping:
            thread.call_driver(_stop)
        if cancel:
            thread.call_driver(lambda driver: driver.leave(cancel=True))
        try:
            thread.start()
        except RuntimeError:  # the system has no more threads
            self._thread = None
            raise
        self._predictions.running_batches.add(self._end)

    def _interrupted(self) -> None:
        """Stop creating, after the first Ctrl-C."""
        self.stop()
        running = self.status().in_flight
        outcome = "cancels them" if self._options.cancel_on_exit else "leaves them running"
        print(
            f"\nNothing more is created; waiting for {running} predictions. Ctrl-C again {outcome}; {self._advice()}",
            file=sys.stderr,
        )

    async def _close(self, opened: OpenedBatch) -> None:
        """End the driver, if it is still running."""
        if self._thread is None:
            opened.close()
            return
        self._predictions.running_batches.discard(self._end)
        await self._end()

    async def _end(self, *, cancel: bool | None = None) -> None:
        """Let the driver end soon, and wait for that."""
        assert self._thread is not None
        cancel = self._options.cancel_on_exit if cancel is None else cancel
        self._thread.call_driver(lambda driver: driver.leave(cancel=cancel))
        await self._session.backend.to_thread(self._thread.join, MAX_LEAVING_TIME)

    def status(self) -> Status:
        """Return how far the batch is; also while it runs, here or in another process.

        Returns:
            A `Status`; `print` shows it in one line, and a notebook as a table.

        Raises:
            FileNotFoundError: The batch has not begun: it was never iterated.

        Examples:
            >>> rows = [{"text": "Ada"}, {"text": "Alan"}]
            >>> batch = client.map("acme/hello", rows, "runs/status")
            >>> [item.index for item in batch]
            [0, 1]
            >>> print(batch.status())
            2 of 2 rows (100%)...
        """
        from .progress import Status

        if self._thread is not None and (driver := self._thread.driver) is not None:
            return driver.status()
        with closing(JournalReader(self.folder)) as reader:
            return Status.read(reader)

    def stop(self) -> None:
        """Create nothing more; the loop ends when what is running has ended. Any thread may call it.

        The loop then raises a `BatchStoppedError`.

        Examples:
            >>> batch = client.map("acme/hello", [{"text": "Ada"}], "runs/stop")
            >>> batch.stop()  # usually in another thread, during the loop
            >>> try:
            ...     print([item.output for item in batch])
            ... except replicate.BatchStoppedError as error:
            ...     print(error)
            stop() was called; to continue: Batch.open('.../runs/stop', client).resume()
        """
        self._is_stopping = True
        if self._thread is not None:
            self._thread.call_driver(_stop)

    def _advice(self) -> str:
        return self._options.how_to_resume(self.folder)


def _stop(driver: Driver) -> None:
    driver.stop("stop() was called")
