"""The event loop of tests that last for days."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx
import pytest

from conftest import TOKEN, json_response
from replicate_ext import AsyncReplicate
from replicate_ext._backends.loop_thread import LoopThread
from virtual_time import run_virtual, use_virtual_time


def test_days_pass_in_order_and_immediately() -> None:
    events: list[tuple[float, str]] = []

    async def wait(name: str, days: float) -> None:
        await asyncio.sleep(days * 86400)
        events.append(((asyncio.get_running_loop().time() - 1000) / 86400, name))

    async def main() -> str:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(86400 / 2):
                await asyncio.Event().wait()
        await asyncio.gather(wait("third", 3), wait("first", 1), wait("second", 2))
        return "result"

    started = time.monotonic()
    assert run_virtual(main) == "result"
    assert time.monotonic() - started < 1
    assert [name for _, name in events] == ["first", "second", "third"]
    assert [day for day, _ in events] == pytest.approx([1.5, 2.5, 3.5])


def test_time_stands_still_while_a_thread_works() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        async with asyncio.timeout(1):
            await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.03) for _ in range(2)))
        assert loop.time() == before
        await asyncio.sleep(5)
        assert loop.time() == before + 5

    run_virtual(main)


def test_backend_and_retries_follow_the_virtual_time() -> None:
    responses = [json_response({"retry_after": 100}, 429), json_response({"username": "me"})]

    async def main() -> float:
        client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(lambda _: responses.pop(0)))
        backend = client._session.backend
        before = backend.monotonic()
        await client.account.get()
        assert backend.monotonic() == asyncio.get_running_loop().time()
        return backend.monotonic() - before

    assert run_virtual(main) == pytest.approx(100, abs=1)


def test_loop_thread_follows_the_virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = use_virtual_time(monkeypatch)
    thread = LoopThread(lambda: asyncio.sleep(86400), "a day")
    thread.start()
    assert thread.join(5)
    assert clock.time == 1000 + 86400


def test_thread_wakes_a_loop_that_waits_for_nothing_else() -> None:
    async def main() -> None:
        event, loop = asyncio.Event(), asyncio.get_running_loop()
        threading.Timer(0.02, lambda: loop.call_soon_threadsafe(event.set)).start()
        await event.wait()

    run_virtual(main)


async def sleep_forever() -> None:
    while True:
        await asyncio.sleep(3600)


async def wait_forever() -> None:
    await asyncio.Event().wait()


async def spin_forever() -> None:
    while True:
        await asyncio.sleep(0)


@pytest.mark.parametrize("main", [sleep_forever, wait_forever, spin_forever])
def test_every_test_ends(main) -> None:
    with pytest.raises(AssertionError, match="still running after 2 virtual days"):
        run_virtual(main, max_days=2, max_real_seconds=0.05)
