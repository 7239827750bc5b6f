"""`Engine`: where `then` runs for each finished row: threads, an executor, or the workers of a Dask cluster.

Creates never leave the driver, because every engine runs a call again when the worker that had it is lost
(https://distributed.dask.org/en/stable/resilience.html). So `then` runs at least once for a row, and its outcome is
reported exactly once.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import pickle
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, InvalidStateError, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .remote_call import Failure, Reply, call

if TYPE_CHECKING:
    from .item import Item

MAX_SUBMISSIONS = 3
"""How often a row is submitted if its workers are lost: two may be lost by chance; `then` itself probably kills three.

Each submission to Dask survives three dead workers by itself: https://distributed.dask.org/en/stable/killed.html
"""

MAX_CLOSE_SECONDS = 60.0
"""How long `close(wait=True)` waits at most: the function may hang, and a cluster may have no workers."""

WATCH_INTERVAL = 1.0
"""Seconds between two checks of a Dask client: whether it is open, and how many threads its workers have."""

Then = Callable[["Item"], Any]


class Outcome(NamedTuple):
    """What became of `then` for one row."""

    result: str | None
    """What it returned, as JSON text; None for None."""

    error: BaseException | None
    """What it raised, with its traceback as a note; or an EngineError, or the TypeError for a function that cannot be
    sent to the workers."""


class EngineError(RuntimeError):
    """The engine could not run `then`, which itself has not failed: another engine may run it."""


def check_engine(then: object, engine: Any) -> None:
    """Raise the TypeError or ValueError for arguments that cannot work."""
    if then is None:
        if engine is not None:
            raise ValueError("engine runs then: pass then= with it")
        return
    if not callable(then):
        raise TypeError(f"then must be a function that takes an item, not {then!r:.100}")
    if inspect.iscoroutinefunction(then) or inspect.iscoroutinefunction(type(then).__call__):
        raise TypeError("then must not be an async function: it runs in threads, so that a plain function may block")
    if engine is None or isinstance(engine, Executor):
        return
    if not _is_dask_client(engine):
        advice = "; pass cluster.get_client()" if hasattr(engine, "get_client") else ""
        raise TypeError(
            f"engine must be a concurrent.futures.Executor or a distributed.Client, not {engine!r:.100}{advice}"
        )
    if engine.asynchronous:
        raise TypeError("engine must not be an asynchronous distributed.Client: pass one without asynchronous=True")


def _is_dask_client(engine: Any) -> bool:
    """Return whether it is a `distributed.Client`, without importing distributed, which takes long."""
    return any(cls.__name__ == "Client" and cls.__module__ == "distributed.client" for cls in type(engine).__mro__)


class Engine:
    """Runs `then` for rows, elsewhere.

    An engine that the caller gave stays open; `name` identifies the batch in the dashboard of Dask.
    """

    def __init__(self, then: Then, engine: Any, name: str) -> None:
        self._then = then
        self._workers: _Workers = _Dask(engine) if _is_dask_client(engine) else _Pool(engine)
        # Dask takes two tasks with one key for the same task, and may still have those of an earlier process.
        self._name = f"{name}-{uuid.uuid4().hex[:8]}"
        self._futures: set[Future[Reply]] = set()
        self._has_ended = threading.Condition()
        self._is_closed = False

    @property
    def window(self) -> int:
        """How many rows may be submitted and not done: enough that no thread waits for its next row."""
        return max(2, 2 * self._workers.threads)

    def submit(self, item: Item, done: Callable[[Outcome], None]) -> None:
        """Run `then` for the item, and call `done` with the outcome, once, from any thread; does not block."""
        self._submit(item, done, 1)

    def _submit(self, item: Item, done: Callable[[Outcome], None], attempt: int) -> None:
        try:
            future = self._workers.submit(f"{self._name}-{item.index}-{attempt}", self._then, item)
        except Exception as error:  # it is broken, closed, or cannot pickle the function
            future = Future()
            future.set_exception(error)
        with self._has_ended:
            self._futures.add(future)
        future.add_done_callback(lambda future: self._end(future, item, done, attempt))

    def _end(self, future: Future[Reply], item: Item, done: Callable[[Outcome], None], attempt: int) -> None:
        try:
            error = CancelledError("canceled") if future.cancelled() else future.exception()
            if self._is_closed:
                return
            if error is None:
                done(_outcome(future.result()))
            elif isinstance(error, _UNPICKLABLE):
                done(Outcome(None, _refusal(error)))
            elif attempt < MAX_SUBMISSIONS:
                self._submit(item, done, attempt + 1)
            else:
                done(Outcome(None, _loss(item, error)))
        finally:
            with self._has_ended:
                self._futures.discard(future)
                self._has_ended.notify_all()

    def close(self, *, wait: bool) -> None:
        """Wait until all is done, for at most a minute; or abandon what has not started, and what runs.

        What is abandoned is never reported to `done`: it is as if it had not been submitted.
        """
        with self._has_ended:
            if wait:
                self._has_ended.wait_for(lambda: not self._futures, MAX_CLOSE_SECONDS)
            self._is_closed = True
            futures = [*self._futures]
        for future in futures:
            future.cancel()
        self._workers.close()


class _Workers(Protocol):
    """What runs `then`: an executor or a cluster."""

    threads: int
    """How many calls run at the same time."""

    def submit(self, key: str, then: Then, item: Item) -> Future[Reply]:
        """Call `then`; does not block."""
        ...

    def close(self) -> None:
        """Release what is not the caller's."""


class _Pool:
    """An executor of concurrent.futures: that of the caller, or else threads."""

    def __init__(self, executor: Executor | None) -> None:
        self._is_own = executor is None
        self._executor = ThreadPoolExecutor(thread_name_prefix="replicate-then") if executor is None else executor
        # The pools of the standard library, and those of loky and mpi4py, have no public attribute for it.
        self.threads: int = getattr(self._executor, "_max_workers", None) or os.cpu_count() or 1

    def submit(self, key: str, then: Then, item: Item) -> Future[Reply]:
        return self._executor.submit(call, then, item)

    def close(self) -> None:
        if self._is_own:
            self._executor.shutdown(wait=False)


class _Dask:
    """The workers of a Dask client. All that waits for them runs in the event loop of the client."""

    def __init__(self, client: Any) -> None:
        self.threads = 0
        self._client = client
        self._futures: set[Future[Reply]] = set()
        self._is_closed = threading.Event()
        threading.Thread(target=self._watch, name="replicate-dask", daemon=True).start()

    def submit(self, key: str, then: Then, item: Item) -> Future[Reply]:
        task = self._client.submit(call, then, item, key=key, pure=False)
        future: Future[Reply] = Future()
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        # The scheduler forgets a task that is released, or drops it if it has not started. Results of others stay in
        # the memory of the workers: https://distributed.dask.org/en/stable/memory.html
        future.add_done_callback(lambda _: task.release())
        self._client.loop.add_callback(self._transfer, task, future)
        return future

    async def _transfer(self, task: Any, future: Future[Reply]) -> None:
        """End the future as the task ends."""
        with contextlib.suppress(InvalidStateError):  # it was canceled, or ended by `_watch`
            try:
                reply = await self._client.gather(task, asynchronous=True)
            except BaseException as error:  # CancelledError of asyncio is no Exception
                future.set_exception(error)
            else:
                future.set_result(reply)

    def _watch(self) -> None:
        """Count the threads at intervals; and end the futures of a closed client, whose event loop has stopped."""
        while True:
            self._client.loop.add_callback(self._count)
            if self._client.status == "closed":
                for future in [*self._futures]:
                    with contextlib.suppress(InvalidStateError):
                        future.set_exception(ConnectionError("the Dask client was closed"))
            if self._is_closed.wait(WATCH_INTERVAL):
                return

    async def _count(self) -> None:
        with contextlib.suppress(Exception):  # the client is reconnecting, or closed
            self.threads = sum((await self._client.nthreads(asynchronous=True)).values())

    def close(self) -> None:
        self._is_closed.set()


def _outcome(reply: Reply) -> Outcome:
    if not isinstance(reply, Failure):
        return Outcome(reply, None)
    with contextlib.suppress(Exception):  # a frozen dataclass takes no note
        reply.error.add_note(reply.trace)
    return Outcome(None, reply.error)


_UNPICKLABLE = (pickle.PickleError, TypeError, AttributeError)
"""How pickle and cloudpickle refuse an object; what `then` raises is a `Failure`."""


def _refusal(error: BaseException) -> TypeError:
    advice = "write it at the top level of a module, and without what stays here, such as locks and clients"
    return TypeError(f"then cannot be sent to the workers: {error}; {advice}")


def _loss(item: Item, error: BaseException) -> EngineError:
    cause = f"{type(error).__name__}: {error}"
    return EngineError(f"then was submitted for row {item.index} {MAX_SUBMISSIONS} times, and lost each time: {cause}")
