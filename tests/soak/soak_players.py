"""Plays a program on a client: one player blocks, in threads, the other awaits, in tasks."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
import time
from collections.abc import Coroutine, Generator, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import anyio
import httpcore
import pytest
from httpcore._backends import sync as httpcore_sync
from soak_program import Call, Group, Leave, Program
from soak_server import TOKEN, SoakWorld

from replicate_ext import AsyncReplicate, Replicate

UPLOAD = b"an uploaded file " * 2000
CLIENT_OPTIONS: dict[str, Any] = {"timeout": 0.25, "max_retries": 3, "max_rate_limit_wait": 0.2}


def options_of(call: Call) -> dict[str, Any]:
    """Return the arguments of a call, with the callbacks that raise."""
    options = dict(call.options)
    if call.event in ("on_created", "progress"):
        calls_left = call.moment

        def call_back(job: Any) -> None:
            nonlocal calls_left
            if calls_left <= 0:
                call.was_left = True
                raise Leave(call.event)
            calls_left -= 1

        options[call.event] = call_back
    return options


def record(call: Call, error: BaseException | None, result: Any = None) -> None:
    call.error, call.result, call.has_ended = error, result, True


def leaves(call: Call, count: int) -> bool:
    """Whether the caller leaves its loop at an event or item; raises what it raises there."""
    if call.event in ("break", "raise") and count >= call.moment:
        call.was_left = True
        if call.event == "raise":
            raise Leave("in the loop")
        return True
    return False


# The sync player


class _Interrupts(threading.local):
    """Raises in this thread, where a Ctrl-C or a signal handler would: while the client blocks."""

    call: Call | None = None
    blocked = 0


_interrupts = _Interrupts()


def block() -> None:
    """Raise what interrupts the call of this thread, if this is the moment."""
    call = _interrupts.call
    if call is None:
        return
    if _interrupts.blocked >= call.moment:
        _interrupts.call = None
        call.was_left = True
        raise call.cause("interrupted")
    _interrupts.blocked += 1


def read(self: Any, max_bytes: int, timeout: float | None = None) -> bytes:
    """Replace `SyncStream.read` of httpcore, and raise where `recv` would."""
    with httpcore_sync.map_exceptions({TimeoutError: httpcore.ReadTimeout, OSError: httpcore.ReadError}):
        self._sock.settimeout(timeout)
        block()
        content: bytes = self._sock.recv(max_bytes)
        return content


def sleep(seconds: float) -> None:
    block()
    time.sleep(seconds)


@contextlib.contextmanager
def interruptions() -> Iterator[None]:
    """Let the calls of the sync player be interrupted."""
    # The client recognizes the socket's own errors by the module that raised them.
    as_httpcore = FunctionType(read.__code__, {**globals(), "__name__": httpcore_sync.__name__}, "read", (None,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore_sync.SyncStream, "read", as_httpcore)
        yield


def play_sync(program: Program, world: SoakWorld, folder: Path) -> None:
    client = Replicate(TOKEN, base_url=world.url, **CLIENT_OPTIONS)
    client._session.backend._sleep = sleep
    for group in program.groups:
        play_group_sync(client, group, world, folder)
    if program.closes:
        client.close()


def play_group_sync(client: Replicate, group: Group, world: SoakWorld, folder: Path) -> None:
    if len(group.calls) == 1 and group.event is None:
        play_call_sync(client, group.calls[0], world, folder)
        return
    threads = [threading.Thread(target=play_call_sync, args=[client, call, world, folder]) for call in group.calls]
    for thread in threads:
        thread.start()
    if group.event == "close":
        time.sleep(group.milliseconds / 1000)
        client.close()
    for thread in threads:
        thread.join()


def play_call_sync(client: Replicate, call: Call, world: SoakWorld, folder: Path) -> None:
    _interrupts.call, _interrupts.blocked = (call if call.event in ("interrupt", "scope") else None), 0
    call.started_at = world.now()
    try:
        record(call, None, use_sync(client, call, world, folder))
    except BaseException as error:
        record(call, error)
    finally:
        _interrupts.call = None


def use_sync(client: Replicate, call: Call, world: SoakWorld, folder: Path) -> Any:
    match call.kind:
        case "run":
            return client.run(call.ref, call.input, **options_of(call))
        case "wait":
            call.job_id = world.add_job(call.ref, call.input).id
            return client.wait(call.job_id, **options_of(call)).output
        case "stream":
            stream, events = client.stream(call.ref, call.input, **options_of(call)), []
            iterator = iter(stream)
            try:
                for event in iterator:
                    events.append(str(event))
                    if leaves(call, len(events) - 1):
                        break
            finally:
                iterator.close()  # type: ignore[attr-defined]
            return "".join(events)
        case "save":
            output = client.run(call.ref, call.input, **options_of(call))
            call.has_output = True
            return [(str(url), path) for url, path in zip(output, client.save(output, folder), strict=True)]
        case "upload":
            return client.files.create(content=UPLOAD).id
        case _:
            ids = []
            for count, job in enumerate(client.predictions.list()):
                ids.append(job.id)
                if leaves(call, count):
                    break
            return ids


# The async player


class _CancelAt:
    """Awaits a coroutine, and cancels the running task when it suspends for the n-th time."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], call: Call) -> None:
        self._coroutine, self._call = coroutine, call

    def __await__(self) -> Generator[Any, Any, Any]:
        task = asyncio.current_task()
        assert task
        inner, suspensions = self._coroutine.__await__(), 0
        value, error = None, None
        while True:
            try:
                future = inner.throw(error) if error is not None else inner.send(value)
            except StopIteration as stop:
                return stop.value
            if suspensions == self._call.moment:
                self._call.was_left = True
                asyncio.get_running_loop().call_soon(task.cancel)
            suspensions += 1
            value, error = None, None
            try:
                value = yield future
            except GeneratorExit:
                inner.close()
                raise
            except BaseException as raised:
                error = raised


def play_async(program: Program, world: SoakWorld, folder: Path, problems: list[str]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: problems.append(f"asyncio logged: {context}"))
        client = AsyncReplicate(TOKEN, base_url=world.url, **CLIENT_OPTIONS)
        async with client if program.closes else contextlib.nullcontext():
            for group in program.groups:
                await play_group_async(client, group, program, world, folder)

    with contextlib.suppress(asyncio.CancelledError, Leave):
        asyncio.run(main())


async def play_group_async(
    client: AsyncReplicate, group: Group, program: Program, world: SoakWorld, folder: Path
) -> None:
    loop, main = asyncio.get_running_loop(), asyncio.current_task()
    assert main
    calls = [play_call_async(client, call, world, folder) for call in group.calls]
    closing: list[asyncio.Task[None]] = []
    event: asyncio.TimerHandle | None = None

    def close() -> None:
        closing.append(asyncio.ensure_future(client.aclose()))

    def press_ctrl_c() -> None:
        for call in group.calls:
            call.was_left = call.was_left or not call.has_ended
        main.cancel()

    if group.event:
        event = loop.call_later(group.milliseconds / 1000, close if group.event == "close" else press_ctrl_c)
    try:
        if program.style == "task group":
            with contextlib.suppress(BaseExceptionGroup):
                async with asyncio.TaskGroup() as tasks:
                    for coroutine in calls:
                        tasks.create_task(coroutine)
        else:
            await asyncio.gather(*calls, return_exceptions=program.style == "gather with exceptions")
    finally:
        if event:
            event.cancel()
        for call in group.calls:  # of a gather that raised: they go on until the loop ends
            call.was_left = call.was_left or not call.has_ended
    await asyncio.gather(*closing)


async def play_call_async(client: AsyncReplicate, call: Call, world: SoakWorld, folder: Path) -> None:
    """Make a call; what it raises is recorded, and what the caller raised leaves."""
    call.started_at = world.now()
    try:
        await limit(call, record_async(client, call, world, folder))
    except (asyncio.CancelledError, Leave):
        call.was_left = True  # also if another task of its group failed
        if call.event != "interrupt":
            raise


async def record_async(client: AsyncReplicate, call: Call, world: SoakWorld, folder: Path) -> None:
    try:
        record(call, None, await use_async(client, call, world, folder))
    except BaseException as error:
        record(call, error)
        if not isinstance(error, Exception):
            raise


async def limit(call: Call, coroutine: Coroutine[Any, Any, None]) -> None:
    """Await a call, until its event ends it."""
    match call.event:
        case "interrupt":
            await _CancelAt(coroutine, call)
        case "scope":
            seconds = call.moment / 1000
            match call.number % 3:
                case 0:
                    with anyio.move_on_after(seconds):
                        await coroutine
                case 1:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(seconds):
                            await coroutine
                case _:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(coroutine, seconds)
            call.was_left = isinstance(call.error, asyncio.CancelledError)
            coroutine.close()
        case _:
            await coroutine


async def use_async(client: AsyncReplicate, call: Call, world: SoakWorld, folder: Path) -> Any:
    match call.kind:
        case "run":
            return await client.run(call.ref, call.input, **options_of(call))
        case "wait":
            call.job_id = world.add_job(call.ref, call.input).id
            return (await client.wait(call.job_id, **options_of(call))).output
        case "stream":
            stream, events = client.stream(call.ref, call.input, **options_of(call)), []
            async for event in stream:
                events.append(str(event))
                if leaves(call, len(events) - 1):
                    break
            return "".join(events)
        case "save":
            output = await client.run(call.ref, call.input, **options_of(call))
            call.has_output = True
            return [(str(url), path) for url, path in zip(output, await client.save(output, folder), strict=True)]
        case "upload":
            return (await client.files.create(content=UPLOAD)).id
        case _:
            ids, count = [], 0
            async for job in client.predictions.list():
                ids.append(job.id)
                if leaves(call, count):
                    break
                count += 1
            return ids


def folder_for(program: Program) -> contextlib.AbstractContextManager[Any]:
    """Return a context manager with the folder in which a program saves files."""
    saves = any(call.kind == "save" for call in program.calls)
    return tempfile.TemporaryDirectory() if saves else contextlib.nullcontext(".")
