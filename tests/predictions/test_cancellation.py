"""Whatever ends the caller cancels the prediction, once, over real connections: no run goes on unseen."""

import asyncio
import contextlib
import gc
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextvars import ContextVar
from typing import Any, Literal

import anyio
import pytest

from replicate_ext import AsyncReplicate, Replicate, ReplicateError
from replicate_ext.emulator import Emulator, sleep

SLEEPER = "acme/sleeper"

HTTP_BACKEND: ContextVar[Literal["httpx", "aiohttp"]] = ContextVar("HTTP_BACKEND", default="httpx")

# Some of the programs below end without closing their client, as real ones do.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed", "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(autouse=True)
def _collect_clients() -> Iterator[None]:
    """Let the warnings about clients that were never closed belong to the test that left them."""
    yield
    gc.collect()


@pytest.fixture(params=["httpx", "aiohttp"])
def http_backend(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run the test with both HTTP libraries of the async client."""
    token = HTTP_BACKEND.set(request.param)
    yield
    HTTP_BACKEND.reset(token)


@pytest.fixture
def slow_api(emulator: Emulator) -> Emulator:
    """Return an emulator that lists and cancels slowly, like a server that is far away."""
    emulator.faults.delay(0.03)
    return emulator


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for what other threads do, at most 5 seconds."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 5 seconds"
        time.sleep(0.005)


def statuses(emulator: Emulator) -> list[str]:
    with Replicate(emulator.token, base_url=emulator.url) as client:
        return [str(job.status) for job in client.predictions.list()]


def is_all_canceled(emulator: Emulator) -> bool:
    """Whether nothing runs on; a request that was interrupted early may not have created anything."""
    return {*statuses(emulator)} == {"canceled"}


def creates(emulator: Emulator) -> int:
    return sum(request.method == "POST" and request.path.endswith("/predictions") for request in emulator.requests)


def cancels(emulator: Emulator) -> int:
    return sum(request.path.endswith("/cancel") for request in emulator.requests)


async def until_created(emulator: Emulator, count: int) -> None:
    while creates(emulator) < count:
        await asyncio.sleep(0.005)


def make_client(emulator: Emulator) -> AsyncReplicate:
    """Return a client over the HTTP library of the test."""
    return AsyncReplicate(emulator.token, base_url=emulator.url, http_backend=HTTP_BACKEND.get())


Start = Callable[[AsyncReplicate, dict[str, Any]], Coroutine[Any, Any, object]]


async def run(client: AsyncReplicate, input: dict[str, Any]) -> object:
    return await client.run(SLEEPER, input, wait=False)


async def run_held(client: AsyncReplicate, input: dict[str, Any]) -> object:
    return await client.run(SLEEPER, input)


async def stream(client: AsyncReplicate, input: dict[str, Any]) -> object:
    return [event async for event in client.stream(SLEEPER, input)]


STARTS = pytest.mark.parametrize("start", [run, run_held, stream], ids=["run", "held run", "stream"])


def interrupt(main: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Run a program with asyncio, and press Ctrl-C when it says so."""
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@STARTS
@pytest.mark.parametrize("identical", [True, False], ids=["identical", "different"])
@pytest.mark.usefixtures("http_backend")
def test_ctrl_c_during_gather_cancels_all(slow_api: Emulator, start: Start, identical: bool) -> None:
    async def main() -> None:
        client = make_client(slow_api)
        inputs = [{"seconds": 3600 if identical else 3600 + number} for number in range(6)]
        runs = asyncio.gather(*[start(client, input) for input in inputs])
        await until_created(slow_api, 6)
        await asyncio.sleep(0.05)
        press_ctrl_c()
        await runs

    interrupt(main)
    wait_until(lambda: is_all_canceled(slow_api))
    assert cancels(slow_api) == len(statuses(slow_api))


async def advance_clock_when_created(api: Emulator) -> None:
    """Let timeouts of up to a minute expire once a prediction exists."""
    loop, real_time = asyncio.get_running_loop(), time.monotonic
    await until_created(api, 1)
    await asyncio.sleep(0.05)
    loop.time = lambda: real_time() + 60  # type: ignore[method-assign]


@pytest.mark.parametrize("kind", ["task group", "timeout", "wait_for", "move_on_after", "pending tasks"])
@pytest.mark.usefixtures("http_backend")
def test_structured_cancellation_cancels_the_prediction(slow_api: Emulator, kind: str) -> None:
    async def main() -> None:
        async with make_client(slow_api) as client:
            call = run(client, {"seconds": 3600})
            advancing = asyncio.ensure_future(advance_clock_when_created(slow_api))
            match kind:
                case "task group":
                    with contextlib.suppress(ExceptionGroup):
                        async with asyncio.TaskGroup() as group:
                            group.create_task(call)
                            await until_created(slow_api, 1)
                            await asyncio.sleep(0.05)
                            raise LookupError
                case "timeout":
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(60):
                            await call
                case "wait_for":
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(call, 60)
                case "move_on_after":
                    with anyio.move_on_after(60):
                        await call
                case _:
                    task = asyncio.ensure_future(call)
                    await until_created(slow_api, 1)
                    await asyncio.sleep(0.05)
                    task.cancel()
            await advancing

    asyncio.run(main())
    wait_until(lambda: is_all_canceled(slow_api))
    assert cancels(slow_api) == 1


@pytest.mark.usefixtures("http_backend")
def test_tasks_that_are_canceled_last_cancel_their_predictions(slow_api: Emulator) -> None:
    async def main() -> None:
        client = make_client(slow_api)
        pending = [asyncio.ensure_future(run(client, {"seconds": 3600 + number})) for number in range(5)]
        await until_created(slow_api, 5)
        await asyncio.sleep(0.05)
        for task in pending:
            task.cancel()

    asyncio.run(main())
    wait_until(lambda: is_all_canceled(slow_api))


@pytest.mark.usefixtures("http_backend")
def test_closed_event_loop_cancels_the_prediction(slow_api: Emulator) -> None:
    loop = asyncio.new_event_loop()
    task = loop.create_task(run(make_client(slow_api), {"seconds": 3600}))
    loop.run_until_complete(until_created(slow_api, 1))
    loop.run_until_complete(asyncio.sleep(0.04))
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # the warning is what this test is about
    loop.close()
    del task
    gc.collect()
    wait_until(lambda: is_all_canceled(slow_api))


@pytest.mark.parametrize("leave", ["break", "error"])
@pytest.mark.usefixtures("http_backend")
def test_leaving_a_stream_cancels_the_prediction_before_the_client_is_closed(slow_api: Emulator, leave: str) -> None:
    @slow_api.model("me/ticker")
    async def tick() -> AsyncIterator[str]:
        yield "tick"
        await sleep(3600)

    async def main() -> None:
        async with make_client(slow_api) as client:
            async for _ in client.stream("me/ticker"):
                if leave == "break":
                    break
                raise LookupError

    with contextlib.suppress(LookupError):
        asyncio.run(main())
    assert statuses(slow_api) == ["canceled"]
    assert cancels(slow_api) == 1


def test_closing_the_client_cancels_what_other_threads_wait_for(slow_api: Emulator) -> None:
    client = Replicate(slow_api.token, base_url=slow_api.url)
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            client.run(SLEEPER, {"seconds": 3600}, wait=False)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: statuses(slow_api) == ["processing"])
    client.close()
    thread.join(5)
    assert not thread.is_alive()
    assert statuses(slow_api) == ["canceled"]


def test_closing_the_client_cancels_creates_of_other_threads(slow_api: Emulator) -> None:
    client = Replicate(slow_api.token, base_url=slow_api.url)
    errors: list[ReplicateError] = []

    def wait() -> None:
        try:
            client.run(SLEEPER, {"seconds": 3600})
        except ReplicateError as error:
            errors.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: statuses(slow_api) == ["processing"])
    started = time.monotonic()
    client.close()
    thread.join(5)
    assert time.monotonic() - started < 3
    assert statuses(slow_api) == ["canceled"]
    [error] = errors
    assert error.maybe_created_after is not None


@pytest.mark.usefixtures("http_backend")
def test_closing_the_async_client_cancels_its_runs(slow_api: Emulator) -> None:
    async def main() -> None:
        client = make_client(slow_api)
        tasks = [asyncio.ensure_future(start(client, {"seconds": 3600})) for start in (run, run_held)]
        while (await asyncio.to_thread(statuses, slow_api)) != ["processing"] * 2:
            await asyncio.sleep(0.01)
        await client.aclose()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, ReplicateError) for result in results)

    asyncio.run(main())
    wait_until(lambda: is_all_canceled(slow_api))


class SoftTimeLimitExceeded(Exception):
    """What Celery raises in the main thread when the time limit of a task has passed."""


@pytest.mark.parametrize("error", [SoftTimeLimitExceeded, TimeoutError, OSError])
@pytest.mark.parametrize("wait", [False, True])
def test_exception_of_a_signal_handler_passes_and_cancels(slow_api: Emulator, error: type, wait: bool) -> None:
    def handle(*_: object) -> None:
        raise error("time is up")

    previous = signal.signal(signal.SIGALRM, handle)
    client = Replicate(slow_api.token, base_url=slow_api.url)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.4)
        with pytest.raises(error, match="time is up") as caught:
            client.run(SLEEPER, {"seconds": 3600}, wait=wait)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert statuses(slow_api) == ["canceled"]
    assert creates(slow_api) == 1
    if not wait:
        assert "canceled" in caught.value.__notes__[0]


@pytest.mark.usefixtures("http_backend")
def test_refused_create_that_is_abandoned_touches_no_other_prediction(slow_api: Emulator) -> None:
    other = Replicate(slow_api.token, base_url=slow_api.url)
    twin = other.models.predictions.create("acme", "sleeper", input={"seconds": 3600})
    slow_api.faults.fail_next(status=429, retry_after=60, path="/predictions")

    async def main() -> None:
        async with make_client(slow_api) as client:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(run(client, {"seconds": 3600}), 0.3)

    asyncio.run(main())
    assert other.predictions.get(twin.id).status == "processing"
    assert cancels(slow_api) == 0


@pytest.mark.usefixtures("http_backend")
def test_create_that_never_got_a_connection_touches_no_other_prediction(
    slow_api: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replicate_ext._backends.pool.max_connections", lambda: 1)
    other = Replicate(slow_api.token, base_url=slow_api.url)
    twin = other.models.predictions.create("acme", "sleeper", input={"seconds": 7200})

    async def main() -> None:
        client = make_client(slow_api)
        held = asyncio.ensure_future(run_held(client, {"seconds": 3600}))
        await until_created(slow_api, 2)
        waiting = asyncio.ensure_future(run(client, {"seconds": 7200}))
        await asyncio.sleep(0.04)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert other.predictions.get(twin.id).status == "processing"
        held.cancel()

    asyncio.run(main())


def test_ctrl_c_before_the_create_is_sent_searches_for_nothing(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt_once(*args: object, **kwargs: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    with Replicate(emulator.token, base_url=emulator.url) as client:
        monkeypatch.setattr("httpcore.SyncBackend.connect_tcp", interrupt_once)
        with pytest.raises(KeyboardInterrupt):
            client.run(SLEEPER, {"seconds": 3600})
    assert emulator.requests == []


def test_cancel_on_exit_false_leaves_the_prediction_and_names_it(slow_api: Emulator) -> None:
    async def main() -> None:
        async with make_client(slow_api) as client:
            task = asyncio.ensure_future(client.run(SLEEPER, {"seconds": 3600}, wait=False, cancel_on_exit=False))
            while "processing" not in await asyncio.to_thread(statuses, slow_api):
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert "it is still running: client.wait('" in caught.value.__notes__[0]

    asyncio.run(main())
    assert statuses(slow_api) == ["processing"]
