"""`client.map`: begin or continue a batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, overload

from replicate_api import models

from .. import _batch as batches
from .._dual import DualMethod, Resource
from .._sansio.model_ref import ModelRef
from .._send import BackendT

if TYPE_CHECKING:
    from .._backends.asyncio import AsyncBackend
    from .._backends.sync import SyncBackend

P = ParamSpec("P")


class map_method(DualMethod, Generic[P]):
    """Offers a method that returns a batch as one that returns a `Batch` or an `AsyncBatch`."""

    if TYPE_CHECKING:

        def __init__(self, function: Callable[Concatenate[Any, P], batches.Batch | batches.AsyncBatch]) -> None: ...

        @overload
        def __get__(self, obj: None, owner: type) -> Callable[..., Any]: ...
        @overload
        def __get__(self, obj: Resource[SyncBackend], owner: type | None = None) -> Callable[P, batches.Batch]: ...
        @overload
        def __get__(
            self, obj: Resource[AsyncBackend], owner: type | None = None
        ) -> Callable[P, batches.AsyncBatch]: ...
        def __get__(self, obj: Resource[Any] | None, owner: type | None = None) -> Any: ...

    def make_method(self, function: Any, is_async: bool) -> Callable[..., Any]:
        function.__annotations__["return"] = f"batches.{'AsyncBatch' if is_async else 'Batch'}"

        @wraps(function)
        def method(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            return function(*args, **kwargs)

        return method


class MapMixin(Resource[BackendT]):
    """Adds `map` to the clients."""

    @map_method
    def map(
        self,
        ref: str | ModelRef,
        rows: Iterable[Mapping[str, Any]] | batches.DataFrame | str | os.PathLike[str],
        folder: str | os.PathLike[str],
        *,
        concurrency: int = 100,
        key: str | None = None,
        dedupe: bool = False,
        retries: int = 1,
        on_error: Literal["collect", "raise"] = "collect",
        save: bool = True,
        then: Callable[[batches.Item], Any] | None = None,
        engine: Any = None,
        max_creates: int | None = None,
        max_cost: float | None = None,
        price: float | Callable[[models.Prediction], float] | None = None,
        max_seconds: float | None = None,
        max_failures: int | None = 20,
        progress: bool | Callable[[batches.Status], object] | None = None,
        shard: tuple[int, int] | None = None,
        check: bool = True,
        cancel_on_exit: bool = True,
    ) -> batches.Batch | batches.AsyncBatch:
        """Run a model on many inputs, each bought once, with everything that was bought kept in a folder.

        Nothing is read or sent until the batch is iterated. All rows are checked and stored before the first one is
        bought. Called again with the same folder, after a crash for example, it continues there: what was bought is
        not bought again, and the items that are done are yielded first.

        Args:
            ref: What to run, as for `run`. A community model stays at the version that is its latest one when the
                batch begins.
            rows: The inputs, read one by one: dicts as `run` takes them, from any iterable; a DataFrame of pandas or
                polars; or the path of a .jsonl, .ndjson, .csv or .parquet file.
            folder: Where the journal of the batch and the files of its outputs are kept. It is created.
            concurrency: How many predictions may run at a time; only one until the first has succeeded.
            key: The column that identifies a row, so that rows may come in another order when the batch continues. It
                is sent to the model only if that has an input of this name.
            dedupe: Buy equal rows once. By default two equal rows are two predictions: without a seed, two pictures.
            retries: How often a row is bought again after a failure of the platform: aborted before the start, or
                `ModelError.is_transient`. Failures of the model are not repeated.
            on_error: "collect" yields rows that have failed with `item.error`; "raise" stops at the first one.
            save: Save the files of an output in the folder as soon as the prediction has ended.
            then: A function that is called with each item that has succeeded, and returns JSON values or None, which
                become `item.result`. It runs in a thread of this process, or where `engine` runs it, and may be called
                again for an item if a process dies meanwhile.
            engine: A `distributed.Client` of Dask, or an Executor of `concurrent.futures`, that runs `then`.
            max_creates: How many predictions may be created for this folder in total; None for no limit.
            max_cost: What they may cost in total, in the unit of `price`; what is running counts with the highest cost
                so far. None for no limit.
            price: What a prediction costs: a number, or a function of the finished prediction.
            max_seconds: Seconds that the model may run in total; what is running counts with the longest run so far.
                None for no limit.
            max_failures: How many rows may fail in a row before the batch stops; it also stops if the first row fails.
                None for never.
            progress: True for a progress bar, or a function that is called with a `Status` at most twice a second.
            shard: (k, n) takes only every n-th row, beginning with row k: for n processes with a folder each.
            check: Check the rows by the model's schema.
            cancel_on_exit: Cancel what is running when the loop is left early. Otherwise it continues, and its outputs
                are fetched if the batch is resumed within an hour of their end.

        Returns:
            A `Batch`, to be iterated; on the async client an `AsyncBatch`. `map` itself is not awaited.

        Raises:
            TypeError: An argument has the wrong type. Nothing was read or sent, as with the other errors here; what
                iterating raises is described by `Batch`.
            ValueError: An argument is out of range, `ref` is no reference of a model, or the format of the file is
                unknown.
            OSError: The file of rows does not exist, or is a folder.
            ImportError: The rows are a Parquet file, and pyarrow is not installed.

        Examples:
            >>> rows = [{"text": "Ada"}, {"text": "Alan"}]
            >>> batch = client.map("acme/hello", rows, "runs/greetings")
            >>> for item in batch.results():
            ...     print(item.index, item.output)
            0 Hello, Ada!
            1 Hello, Alan!
        """
        from .engine import check_engine
        from .opening import Work
        from .options import Options
        from .rows import check_rows

        options = Options(
            concurrency=concurrency,
            key=key,
            dedupe=dedupe,
            retries=retries,
            on_error=on_error,
            save=save,
            then=then,
            engine=engine,
            max_creates=max_creates,
            max_cost=max_cost,
            price=price,
            max_seconds=max_seconds,
            max_failures=max_failures,
            progress=progress,
            shard=None if shard is None else (shard[0], shard[1]),
            check=check,
            cancel_on_exit=cancel_on_exit,
        )
        options.validate()
        check_engine(then, engine)
        check_rows(rows)
        cls = batches.AsyncBatch if self._session.backend.is_async else batches.Batch
        return cls(self, folder, options, Work(ModelRef.parse(ref), rows, yields_finished=True))
