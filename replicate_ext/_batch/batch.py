"""`Batch` and `AsyncBatch`: the rows of one folder, bought by iterating them."""

from __future__ import annotations

import os
import sys
from array import array
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, closing
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack, overload

from .. import errors
from .._backends.base import CLEANUP_TIMEOUT, Mailbox
from .._backends.sync import SyncBackend
from .._dual import Resource, dual_iterator, dual_method
from .._send import BackendT
from .folder_lock import FolderLock
from .interrupt import GracefulInterrupt
from .item import Item
from .journal import FILE_NAME, Journal, JournalReader, State
from .opening import Work, open_batch
from .options import MapOptions, Options
from .report import Report

if TYPE_CHECKING:
    from .._backends.asyncio import AsyncBackend
    from .driver import Driver
    from .driver_thread import DriverThread, OpenedBatch
    from .progress import Status

MAX_LEAVING_TIME = CLEANUP_TIMEOUT + 5.0
"""Seconds by which leaving a loop over a batch may delay the caller."""


class _Batch(Resource[BackendT]):
    """The rows of one folder. Iterating it buys them, and yields an `Item` for each as it ends.

    Rows are checked and stored before the first one is paid for. Each is bought at most once, whatever happens to this
    process: the folder has a record of every purchase, and the next process continues there. The first row runs alone.

    If the loop is left early (`break`, an exception, a canceled task), what is running is canceled, unless
    `cancel_on_exit=False`; the rows that were canceled are bought again when the batch continues. The first Ctrl-C only
    stops creating: the loop goes on until what is running has ended. The second one leaves the loop.

    Raises, when it is iterated:
        BatchStoppedError: It ended before all rows were done: a limit was reached, the first row failed, too many rows
            failed in a row, or the API refused the token (401) or the payment (402).
        BatchLockedError: Another process runs this batch.
        ValueError: The rows or the model are not those that the folder has.
    """

    def __init__(self, client: Any, folder: str | os.PathLike[str], options: Options, work: Work) -> None:
        super().__init__(client._session)
        self._predictions = client._predictions
        self.folder = Path(folder).absolute()
        self._options, self._work = options, work
        self._thread: DriverThread | None = None
        self._is_stopping = False

    def __repr__(self) -> str:
        state = "running" if self._thread is not None and self._thread.is_alive else "not running"
        return f"<{type(self).__name__} {os.fspath(self.folder)!r}, {state}>"

    def _repr_html_(self) -> str:
        from .._display import markup

        title = f"<div>{markup.text(repr(self))}</div>"
        return title + self.status()._repr_html_() if (self.folder / FILE_NAME).exists() else title

    # What needs no request

    def report(self) -> Report:
        """Return what the batch has done, bought and spent so far; also while it runs, here or in another process."""
        with closing(JournalReader(self.folder)) as reader:
            return Report.read(reader)

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write a table with a line for each row, in the order of the input, and return its path; buys nothing.

        Args:
            path: Its suffix is the format: .jsonl, .csv or .parquet (which needs pyarrow). A file of this name is
                replaced. Paths of saved files are relative to the folder of the batch.
        """
        from .export import export

        with closing(JournalReader(self.folder)) as reader:
            return export(reader, path)

    def status(self) -> Status:
        """Return how far the batch is; also while it runs, here or in another process."""
        from .progress import Status

        if self._thread is not None and (driver := self._thread.driver) is not None:
            return driver.status()
        with closing(JournalReader(self.folder)) as reader:
            return Status.read(reader)

    def stop(self) -> None:
        """Create nothing more; the loop ends when what is running has ended. Any thread may call it."""
        self._is_stopping = True
        if self._thread is not None:
            self._thread.call_driver(_stop)

    def resume(self, **changes: Unpack[MapOptions]) -> Self:
        """Return the batch to be iterated: it continues where it stopped, with other options if they are given.

            for item in Batch.open("runs/cards", client).resume(max_creates=2000): ...

        It yields the rows that were not finished. Limits are totals of the folder. `then`, `engine`, `progress` and a
        `price` that is a function are not stored, and have to be given again.
        """
        return self._continue(Work(changes=dict(changes)))

    def retry(self, *, failed: bool = True, uncertain: bool = False, **changes: Unpack[MapOptions]) -> Self:
        """Return the batch to be iterated: as `resume`, and rows that have failed are bought again.

        Args:
            failed: Rows that have failed. If only `then` or saving has failed, nothing is bought; rows that are invalid
                stay as they are.
            uncertain: Rows whose prediction may exist; each may be bought a second time.
            changes: Options, as for `resume`.
        """
        states = (State.FAILED,) * failed + (State.UNCERTAIN,) * uncertain
        return self._continue(Work(retry=states, changes=dict(changes)))

    def _continue(self, work: Work) -> Self:
        unknown = set(work.changes or ()) - set(Options._fields)
        fixed = set(work.changes or ()) & {"key", "dedupe", "shard"}
        if unknown or fixed:
            name = min(unknown or fixed)
            raise TypeError(
                f"{name} is no option that can be changed; those of `map` can, except key, dedupe and shard"
            )
        batch = copy(self)
        batch._work, batch._thread, batch._is_stopping = work, None, False
        return batch

    def _advice(self) -> str:
        return self._options.how_to_resume(self.folder)

    # Run

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

    @dual_method
    async def cancel(self) -> Report:
        """Cancel what is running, and return the report; the rows are bought again when the batch is resumed.

        Predictions whose id is not known, because a process was killed, are canceled only if they are surely those of
        this batch: same model, input and time, and no more of them than there were creates.

        Raises:
            BatchStoppedError: Some may be running still, because they could not be identified or the API could not be
                reached; the message names their rows.
            BatchLockedError: Another process runs the batch: stop it there.
        """
        if self._thread is not None and self._thread.is_alive:
            await self._end(cancel=True)
            return self._report_canceled()
        batch = self._continue(Work(changes={}, only_cancels=True))
        opened = await batch._open()
        try:
            mailbox = self._session.backend.open_mailbox()
            batch._start(opened, mailbox, cancel=True)
            while isinstance(message := await mailbox.get(), int):
                pass
            if isinstance(message, BaseException) and not isinstance(message, errors.BatchStoppedError):
                raise message
        finally:
            await batch._close(opened)
        return self._report_canceled()

    def _report_canceled(self) -> Report:
        with closing(JournalReader(self.folder)) as reader:
            rows = reader.rows_in_flight()
            if rows:
                raise errors.BatchStoppedError(
                    f"predictions may be running still, of the rows {str(rows)[1:-1]:.1000}", self._advice()
                )
            return Report.read(reader)


class Batch(_Batch[SyncBackend]):
    __doc__ = _Batch.__doc__
    _is_async = False

    @overload
    @staticmethod
    def open(folder: str | os.PathLike[str], client: Resource[SyncBackend]) -> Batch: ...
    @overload
    @staticmethod
    def open(folder: str | os.PathLike[str], client: Resource[AsyncBackend]) -> AsyncBatch: ...
    @staticmethod
    def open(folder: str | os.PathLike[str], client: Resource[Any]) -> Batch | AsyncBatch:
        """Return the batch in a folder: its report, its export, and what continues it.

        Args:
            folder: The folder that was given to `map`.
            client: A `Replicate` or `AsyncReplicate`, which sends the requests.

        Raises:
            FileNotFoundError: The folder has no batch.
        """
        return _open(folder, client)

    def __iter__(self) -> Iterator[Item]:
        """Yield an `Item` for each row as it ends."""
        return iter(self._run())

    def results(self) -> Iterator[Item]:
        """Yield an `Item` for each row, those of earlier sessions included, in the order of the input."""
        return iter(self._run_in_order())


class AsyncBatch(_Batch["AsyncBackend"]):
    __doc__ = _Batch.__doc__
    _is_async = True

    @staticmethod
    def open(folder: str | os.PathLike[str], client: Resource[AsyncBackend]) -> AsyncBatch:
        """Return the batch in a folder, as `Batch.open` does."""
        batch = _open(folder, client)
        if not isinstance(batch, AsyncBatch):
            raise TypeError(f"AsyncBatch.open needs an AsyncReplicate, not {type(client).__name__}")
        return batch

    def __aiter__(self) -> AsyncIterator[Item]:
        """Yield an `Item` for each row as it ends."""
        return aiter(self._run())

    def results(self) -> AsyncIterator[Item]:
        """Yield an `Item` for each row, those of earlier sessions included, in the order of the input."""
        return aiter(self._run_in_order())


def _stop(driver: Driver) -> None:
    driver.stop("stop() was called")


def _open(folder: str | os.PathLike[str], client: Any) -> Batch | AsyncBatch:
    with closing(JournalReader(Path(folder).absolute())):  # raises if there is none
        cls = AsyncBatch if client._session.backend.is_async else Batch
        return cls(client, folder, Options(), Work(changes={}))
