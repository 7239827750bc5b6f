"""The sync client closes connections that other threads open, read from, or use for a later call."""

from __future__ import annotations

import socket
import threading
from typing import Any

import httpcore
import httpx
import pytest

from conftest import TOKEN, AccountServer, FakeClock, Harness, ScriptedServer, json_response, prediction
from replicate_ext import APIConnectionError, Replicate
from replicate_ext._backends.network import _NetworkBackend, _Stream
from replicate_ext._backends.sync import run_sync


def test_nothing_is_written_to_a_connection_that_was_opened_while_the_client_was_closed(
    account_server: AccountServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Replicate(TOKEN, base_url=account_server.url, max_retries=3)
    connect_tcp = httpcore.SyncBackend.connect_tcp

    def close_after_connecting(*args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        stream = connect_tcp(*args, **kwargs)
        client.close()
        return stream

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", close_after_connecting)
    with pytest.raises(APIConnectionError, match="the client was closed"):
        client.account.get()
    assert account_server.received == []


class BlockingStream(httpcore.NetworkStream):
    """Blocks in `read` until the socket was shut down, and records what happens."""

    def __init__(self) -> None:
        self.is_reading, self.may_return = threading.Event(), threading.Event()
        self.events: list[str] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.is_reading.set()
        assert self.may_return.wait(5)
        self.events.append("read returned")
        return b""

    def shutdown(self, how: int) -> None:
        assert how == socket.SHUT_RDWR
        self.events.append("shut down")
        threading.Timer(0.02, self.may_return.set).start()

    def close(self) -> None:
        self.events.append("closed")

    def get_extra_info(self, info: str) -> Any:
        return self


def test_socket_is_closed_only_after_the_thread_that_reads_from_it_has_woken_up() -> None:
    inner = BlockingStream()
    stream = _Stream(inner, _NetworkBackend())
    reader = threading.Thread(target=stream.read, args=[1])
    reader.start()
    assert inner.is_reading.wait(5)
    stream.close()
    reader.join()
    assert inner.events == ["shut down", "read returned", "closed"]


def test_close_does_not_wait_for_a_create_that_began_after_it(server: ScriptedServer, clock: FakeClock) -> None:
    harness = Harness(server, clock, is_async=False)
    backend = harness.client._session.backend

    def join_in_another_thread(request: httpx.Request) -> httpx.Response:
        thread = threading.Thread(target=run_sync, args=[backend.join()])
        thread.start()
        thread.join()
        return json_response(prediction(output="done"), 201)

    server.respond_with(join_in_another_thread)
    harness.client.close()
    assert harness.client.run("acme/hello") == "done"
    assert clock.sleeps == []
