"""Plays a program on the sync client: concurrent calls run in threads."""

from __future__ import annotations

import contextlib
import inspect
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpcore
import pytest
from httpcore._backends import sync as httpcore_sync

from replicate_ext import Replicate
from soak_caller import CLIENT_OPTIONS, UPLOAD, leaves, options_of, record
from soak_program import Call, Group, Leave, Program
from soak_server import TOKEN, SoakWorld


class _Interrupts(threading.local):
    """Raises in this thread, where a Ctrl-C or a signal handler would: while the client blocks."""

    call: Call | None = None
    raised: Call | None = None
    blocked = 0


_interrupts = _Interrupts()


def block() -> None:
    """Raise what interrupts the call of this thread, if this is the moment.

    In the main thread it is raised by a signal handler; only there a client can tell an OSError of the caller's from
    one of the socket.
    """
    call = _interrupts.call
    if call is None:
        return
    if _interrupts.blocked >= call.moment and not is_cleaning_up():
        _interrupts.call, _interrupts.raised = None, call
        call.was_left = True
        if threading.current_thread() is threading.main_thread():
            signal.raise_signal(signal.SIGUSR1)
        call.cause = Leave if issubclass(call.cause, OSError) else call.cause
        raise call.cause("interrupted")
    _interrupts.blocked += 1


def handle_signal(*_: object) -> None:
    assert _interrupts.raised
    raise _interrupts.raised.cause("interrupted")


def is_cleaning_up() -> bool:
    """Whether the client cancels a prediction; interrupting that is up to the user, who presses Ctrl-C again."""
    frame = inspect.currentframe()
    while frame and frame.f_code.co_name != "clean_up":
        frame = frame.f_back
    return frame is not None


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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore_sync.SyncStream, "read", read)
        previous = signal.signal(signal.SIGUSR1, handle_signal)
        try:
            yield
        finally:
            signal.signal(signal.SIGUSR1, previous)


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
        _interrupts.call = _interrupts.raised = None


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
