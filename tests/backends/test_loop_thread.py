"""What an event loop in a thread of its own needs: the thread, mailboxes and signals."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from conftest import TOKEN
from replicate_ext import AsyncReplicate, Replicate
from replicate_ext._backends.asyncio import AsyncBackend
from replicate_ext._backends.loop_thread import LoopThread
from replicate_ext._backends.sync import run_sync


class Recorder:
    """The coroutine of a loop thread, which records its calls until it is stopped."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.calls: list[object] = []
        self.thread = LoopThread(self.main, "recorder")

    async def main(self) -> None:
        self.threads.append(threading.current_thread())
        self.stopped = asyncio.Event()
        await self.stopped.wait()

    def stop(self) -> None:
        self.thread.call(lambda: self.stopped.set())
        assert self.thread.join(5)


def test_loop_runs_in_a_daemon_thread_until_its_coroutine_ends() -> None:
    recorder = Recorder()
    assert not recorder.thread.is_alive
    recorder.thread.start()
    assert recorder.thread.is_alive
    assert not recorder.thread.join(0)
    recorder.stop()
    assert not recorder.thread.is_alive
    [thread] = recorder.threads
    assert (thread.name, thread.daemon) == ("recorder", True)


def test_functions_are_called_in_the_loop_in_order() -> None:
    recorder = Recorder()
    recorder.thread.start()
    for number in range(3):
        recorder.thread.call(lambda number: recorder.calls.append((number, threading.current_thread())), number)
    recorder.stop()
    assert recorder.calls == [(number, recorder.threads[0]) for number in range(3)]


def test_calls_before_the_start_and_after_the_end_are_ignored() -> None:
    recorder = Recorder()
    recorder.thread.call(recorder.calls.append, "early")
    recorder.thread.start()
    recorder.stop()
    recorder.thread.call(recorder.calls.append, "late")
    assert recorder.calls == []


def test_sync_callers_do_not_import_asyncio() -> None:
    code = "import sys; from replicate_ext import Replicate; Replicate('r8_x'); print('asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# Mailboxes


def use_mailbox(kind: str, use: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine function with a mailbox of a sync or an async client."""
    if kind == "sync":
        return run_sync(use(Replicate(TOKEN)._session.backend.open_mailbox()))

    async def main() -> Any:
        return await use(AsyncReplicate(TOKEN)._session.backend.open_mailbox())

    return asyncio.run(main())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_items_arrive_in_order_whether_the_caller_waits_or_not(kind: str) -> None:
    async def use(mailbox: Any) -> list[int]:
        mailbox.put(0)
        mailbox.put(1)
        received = [await mailbox.get(), await mailbox.get()]
        threading.Timer(0.02, lambda: (mailbox.put(2), mailbox.put(3))).start()
        return [*received, await mailbox.get(), await mailbox.get()]

    assert use_mailbox(kind, use) == [0, 1, 2, 3]


def test_two_threads_get_from_one_mailbox() -> None:
    mailbox: Any = Replicate(TOKEN)._session.backend.open_mailbox()
    received: list[int] = []
    threads = [threading.Thread(target=lambda: received.append(run_sync(mailbox.get()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(2):
        mailbox.put(number)
    for thread in threads:
        thread.join()
    assert sorted(received) == [0, 1]


def test_mailbox_of_a_closed_loop_ignores_items() -> None:
    async def use(mailbox: Any) -> Any:
        return mailbox

    use_mailbox("async", use).put("late")


def test_task_that_waits_for_an_item_can_be_canceled() -> None:
    async def use(mailbox: Any) -> Any:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(mailbox.get(), 0.01)
        mailbox.put("next")
        return await mailbox.get()

    assert use_mailbox("async", use) == "next"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one thread")
def test_ctrl_c_interrupts_a_thread_that_waits_for_an_item() -> None:
    main_thread, has_ended = threading.main_thread().ident, threading.Event()
    assert main_thread

    def interrupt() -> None:
        has_ended.wait(0.03)
        while not has_ended.is_set():  # an exception that is raised in a finalizer of Python's is lost
            signal.pthread_kill(main_thread, signal.SIGINT)
            has_ended.wait(1)

    async def use(mailbox: Any) -> None:
        threading.Thread(target=interrupt).start()
        await mailbox.get()

    with pytest.raises(KeyboardInterrupt):
        use_mailbox("sync", use)
    has_ended.set()


def test_waits_for_an_item_are_short_for_the_sake_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicate_ext._backends.sync.MAX_UNINTERRUPTIBLE_WAIT", 0.001)
    timer = threading.Timer(0.03, lambda: None)

    async def use(mailbox: Any) -> object:
        timer.function = lambda: mailbox.put("after many waits")
        timer.start()
        return await mailbox.get()

    assert use_mailbox("sync", use) == "after many waits"


# Signals


def run_with_backend(use: Callable[[AsyncBackend], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(5):
            await use(AsyncReplicate(TOKEN)._session.backend)

    asyncio.run(main())


def test_signal_ends_one_wait() -> None:
    async def use(backend: AsyncBackend) -> None:
        signal = backend.open_signal()
        loop = asyncio.get_running_loop()
        signal.set()
        signal.set()
        await signal.wait(None)
        loop.call_later(0.01, signal.set)
        await signal.wait(None)
        started = loop.time()
        await signal.wait(0.03)
        assert loop.time() - started >= 0.03
        await signal.wait(0)

    run_with_backend(use)


def test_another_timeout_passes_through_a_signal() -> None:
    async def use(backend: AsyncBackend) -> None:
        signal = backend.open_signal()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await signal.wait(5)

    run_with_backend(use)


def test_thread_calls_a_function_in_the_loop_of_the_signal() -> None:
    calls: list[threading.Thread] = []
    backends: list[AsyncBackend] = []

    async def use(backend: AsyncBackend) -> None:
        backends.append(backend)
        signal = backend.open_signal()

        def record() -> None:
            calls.append(threading.current_thread())
            signal.set()

        threading.Thread(target=backend.call_soon_threadsafe, args=[record]).start()
        await signal.wait(None)

    run_with_backend(use)
    backends[0].call_soon_threadsafe(calls.append, "ignored: the loop is closed")
    assert calls == [threading.current_thread()]


def test_thread_cannot_call_a_function_without_a_signal() -> None:
    with pytest.raises(RuntimeError, match="call open_signal first"):
        AsyncReplicate(TOKEN)._session.backend.call_soon_threadsafe(print)
