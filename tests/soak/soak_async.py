"""Plays a program on the async client: concurrent calls run in tasks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any

import anyio

from replicate_ext import AsyncReplicate
from soak_caller import CLIENT_OPTIONS, UPLOAD, leaves, options_of, record
from soak_program import Call, Group, Leave, Program
from soak_server import TOKEN, SoakWorld


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
        def report(_: object, context: dict[str, Any]) -> None:
            if not isinstance(context.get("exception"), Leave):  # of a task that `asyncio.run` canceled
                problems.append(f"asyncio logged: {context}")

        asyncio.get_running_loop().set_exception_handler(report)
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
        if isinstance(error, asyncio.CancelledError | Leave):  # ends its group, too
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
