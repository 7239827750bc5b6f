"""`Batch` and `AsyncBatch`: the rows of one folder, bought by iterating them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack, overload

from .. import errors
from .._backends.sync import SyncBackend
from .._dual import Resource, dual_method
from .._send import BackendT
from .item import Item
from .journal import FILE_NAME, JournalReader, State
from .loop import BatchLoop
from .opening import Work
from .options import MapOptions, Options
from .report import Report

if TYPE_CHECKING:
    from .._backends.asyncio import AsyncBackend


class _Batch(BatchLoop[BackendT]):
    """What the batches of both clients have in common."""

    def __repr__(self) -> str:
        state = "running" if self._thread is not None and self._thread.is_alive else "not running"
        return f"<{type(self).__name__} {os.fspath(self.folder)!r}, {state}>"

    def _repr_html_(self) -> str:
        from .._display import markup

        title = f"<div>{markup.text(repr(self))}</div>"
        return title + self.status()._repr_html_() if (self.folder / FILE_NAME).exists() else title

    # What needs no request

    def report(self) -> Report:
        """Return what the batch has done, bought and spent so far; also while it runs, here or in another process.

        Returns:
            A `Report`; `print` shows a summary, and a notebook a table.

        Raises:
            FileNotFoundError: The batch has not begun: it was never iterated.

        Examples:
            >>> rows = [{"text": "Ada"}, {"text": "Alan"}]
            >>> batch = client.map("acme/hello", rows, "runs/report", price=0.01)
            >>> [item.index for item in batch]
            [0, 1]
            >>> report = batch.report()
            >>> report.done, report.ended, report.cost
            (2, {'succeeded': 2}, 0.02)
        """
        with closing(JournalReader(self.folder)) as reader:
            return Report.read(reader)

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write a table with a line for each row, in the order of the input, and return its path; buys nothing.

        The columns are index, key, input, output, files, prediction_id, status, seconds, cost, attempts, error, result
        and created_at: the attributes of an `Item`, with `files` for its `paths`, relative to the folder of the batch.
        Secret inputs are replaced by "…".

        Args:
            path: Its suffix is the format: .jsonl, .csv or .parquet (which needs pyarrow). A file of this name is
                replaced, once the new one is complete.

        Returns:
            The path of the table.

        Raises:
            ValueError: The name has another suffix.
            ImportError: pyarrow is not installed.
            FileNotFoundError: The batch has not begun: it was never iterated.
            OSError: The file cannot be written.

        Examples:
            >>> rows = [{"text": "Ada"}, {"text": "Alan"}]
            >>> batch = client.map("acme/hello", rows, "runs/export")
            >>> [item.index for item in batch]
            [0, 1]
            >>> print(batch.export("greetings.jsonl").read_text().strip())
            {"index": 0, "key": null, "input": {"text": "Ada"}, "output": "Hello, Ada!", ...}
            {"index": 1, "key": null, "input": {"text": "Alan"}, "output": "Hello, Alan!", ...}
        """
        from .export import export

        with closing(JournalReader(self.folder)) as reader:
            return export(reader, path)

    def resume(self, **changes: Unpack[MapOptions]) -> Self:
        """Return the batch to be iterated: it continues where it stopped, with other options if they are given.

        It yields the rows that were not finished. Limits are totals of the folder. `then`, `engine`, `progress` and a
        `price` that is a function are not stored, and have to be given again.

        Args:
            changes: The options of `client.map` that are to change, except `key`, `dedupe` and `shard`.

        Returns:
            Another batch of the same folder, which is iterated like the one of `map`.

        Raises:
            TypeError: There is no such option, or it cannot be changed. What iterating raises is described by `Batch`.

        Examples:
            >>> rows = [{"text": "Ada"}, {"text": "Alan"}]
            >>> batch = client.map("acme/hello", rows, "runs/resume", max_creates=1)
            >>> try:
            ...     for item in batch:
            ...         print(item.output)
            ... except replicate.BatchStoppedError as error:
            ...     print(error.reason)
            Hello, Ada!
            max_creates=1 is reached
            >>> [item.output for item in batch.resume(max_creates=2)]
            ['Hello, Alan!']
        """
        return self._continue(Work(changes=dict(changes)))

    def retry(self, *, failed: bool = True, uncertain: bool = False, **changes: Unpack[MapOptions]) -> Self:
        """Return the batch to be iterated: as `resume`, and rows that have failed are bought again.

        Args:
            failed: Whether to retry rows that have failed. If only `then` or saving has failed, nothing is bought; rows
                that are invalid stay as they are.
            uncertain: Whether to retry rows whose prediction may exist; each may be bought a second time.
            changes: Options, as for `resume`.

        Returns:
            Another batch of the same folder, which yields these rows, and those that were not finished.

        Raises:
            TypeError: There is no such option, or it cannot be changed. What iterating raises is described by `Batch`.

        Examples:
            >>> rows = [{"text": "Ada"}, {"text": "Alan"}]
            >>> def check(item: replicate.Item) -> None:
            ...     assert item.index == 0, "too short"
            >>> batch = client.map("acme/hello", rows, "runs/retry", then=check)
            >>> [item.error for item in batch.results()]
            [None, 'then raised AssertionError: too short']
            >>> for item in batch.retry(then=lambda item: "good"):
            ...     print(item.index, item.result)  # nothing was bought for it
            1 good
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

    @dual_method
    async def cancel(self) -> Report:
        """Cancel what is running, and return the report; the rows are bought again when the batch is resumed.

        Predictions whose id is not known, because a process was killed, are canceled only if they are surely those of
        this batch: same model, input and time, and no more of them than there were creates.

        Returns:
            The `Report` after that.

        Raises:
            BatchStoppedError: Some may be running still, because they could not be identified or the API could not be
                reached; the message names their rows.
            BatchLockedError: Another process runs the batch: stop it there.
            FileNotFoundError: The batch has not begun: it was never iterated.

        Examples:
            >>> batch = client.map("acme/hello", [{"text": "Ada"}], "runs/cancel")
            >>> [item.output for item in batch]
            ['Hello, Ada!']
            >>> batch.cancel().in_flight
            0
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
    """The rows of one folder, from `client.map`; a loop over it runs them, and yields an `Item` for each as it ends.

    Rows are checked and stored before the first one is paid for. Each is bought at most once, whatever happens to this
    process: the folder has a record of every purchase, and the next process continues there. The first row runs alone.

    If the loop is left early (`break`, an exception, a canceled task), what is running is canceled, unless
    `cancel_on_exit=False`; the rows that were canceled are bought again when the batch continues. The first Ctrl-C only
    stops creating: the loop continues until what is running has ended. The second one leaves the loop.

    A batch is iterated once, by a loop over it or over `results`; these raise the errors below. `resume` returns one
    that continues.

    Attributes:
        folder (Path): The folder of the batch, as an absolute path.

    Raises:
        BatchStoppedError: The batch ended before all rows were done: a limit was reached, the first row failed, too
            many rows failed in a row, or the API refused the token (401) or the payment (402).
        BatchLockedError: Another process runs this batch.
        ValueError: The rows or the model are not those that the folder has.
        InvalidInputError: With `on_error="raise"`, a row does not fit the model; nothing was created.
        ReplicateError: A request before the first create failed: NotFoundError if there is no such model.
        RuntimeError: The batch was iterated before.

    Examples:
        >>> rows = [{"text": "Ada"}, {"text": "Alan"}]
        >>> batch = client.map("acme/hello", rows, "runs/batch")
        >>> for item in batch:
        ...     print(item.index, item.output)
        0 Hello, Ada!
        1 Hello, Alan!
        >>> print(batch.report().creates)
        2
    """

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

        Returns:
            A `Batch`, or an `AsyncBatch` if the client is an `AsyncReplicate`; nothing was sent.

        Raises:
            FileNotFoundError: The folder has no batch.
            ValueError: The journal in the folder is not that of a batch, or was written by a newer release.

        Examples:
            >>> for item in client.map("acme/hello", [{"text": "Ada"}], "runs/open"):
            ...     print(item.output)
            Hello, Ada!
            >>> print(replicate.Batch.open("runs/open", client).status())
            1 of 1 rows (100%)
        """
        return _open(folder, client)

    def __iter__(self) -> Iterator[Item]:
        """Yield an `Item` for each row as it ends."""
        return iter(self._run())

    def results(self) -> Iterator[Item]:
        """Run the batch as a loop over it does, and yield the items in the order of the input.

        Yields:
            An `Item` for each row, those of earlier sessions included.

        Raises:
            ReplicateError: As a loop over the batch; see `Batch`.

        Examples:
            >>> rows = [{"text": "Ada"}, {"text": "Alan"}, {"text": "Grace"}]
            >>> batch = client.map("acme/hello", rows, "runs/results")
            >>> [item.output for item in batch.results()]
            ['Hello, Ada!', 'Hello, Alan!', 'Hello, Grace!']
        """
        return iter(self._run_in_order())


class AsyncBatch(_Batch["AsyncBackend"]):
    """A `Batch` of an `AsyncReplicate`: an `async for` over it runs the rows, and yields an `Item` for each.

    `cancel` is awaited; the other methods are those of `Batch`, and so are the errors.

    Attributes:
        folder (Path): The folder of the batch, as an absolute path.

    Raises:
        BatchStoppedError: The batch ended before all rows were done.
        BatchLockedError: Another process runs this batch.

    Examples:
        >>> rows = [{"text": "Ada"}, {"text": "Alan"}]
        >>> async def main() -> None:
        ...     async with replicate.AsyncReplicate() as client:
        ...         async for item in client.map("acme/hello", rows, "runs/async"):
        ...             print(item.output)
        >>> asyncio.run(main())
        Hello, Ada!
        Hello, Alan!
    """

    _is_async = True

    @staticmethod
    def open(folder: str | os.PathLike[str], client: Resource[AsyncBackend]) -> AsyncBatch:
        """Return the batch in a folder, as `Batch.open` does.

        Args:
            folder: The folder that was given to `map`.
            client: An `AsyncReplicate`, which sends the requests.

        Returns:
            An `AsyncBatch`; nothing was sent.

        Raises:
            FileNotFoundError: The folder has no batch.
            ValueError: The journal in the folder is not that of a batch, or was written by a newer release.
            TypeError: The client is a `Replicate`.
        """
        batch = _open(folder, client)
        if not isinstance(batch, AsyncBatch):
            raise TypeError(f"AsyncBatch.open needs an AsyncReplicate, not {type(client).__name__}")
        return batch

    def __aiter__(self) -> AsyncIterator[Item]:
        """Yield an `Item` for each row as it ends."""
        return aiter(self._run())

    def results(self) -> AsyncIterator[Item]:
        """Run the batch as an `async for` over it does, and yield the items in the order of the input.

        Yields:
            An `Item` for each row, those of earlier sessions included.

        Raises:
            ReplicateError: As a loop over the batch; see `Batch`.
        """
        return aiter(self._run_in_order())


def _open(folder: str | os.PathLike[str], client: Any) -> Batch | AsyncBatch:
    with closing(JournalReader(Path(folder).absolute())):  # raises if there is none
        cls = AsyncBatch if client._session.backend.is_async else Batch
        return cls(client, folder, Options(), Work(changes={}))
