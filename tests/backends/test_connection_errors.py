"""Failed connections on every backend: which are reported at once, with advice, and which are retried."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import socketserver
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import TOKEN, FakeClock, use_fake_clock
from raw_server import ThreadedServer, serve_in_thread
from replicate_ext import APIConnectionError, APIStatusError, AsyncReplicate, Replicate, ReplicateError


class Client:
    """A client on one of the backends; `get_account` returns what it slept before its retries."""

    def __init__(self, kind: str, **options: Any) -> None:
        cls: Any = Replicate if kind == "sync" else AsyncReplicate
        self._client = cls(TOKEN, **options)
        self._clock = FakeClock()
        use_fake_clock(self._client, self._clock)
        self._is_async = kind != "sync"

    def get_account(self) -> object:
        if self._is_async:
            return asyncio.run(self._get_account())
        with self._client as client:
            return client.account.get()

    async def _get_account(self) -> object:
        async with self._client as client:
            return await client.account.get()

    def error(self) -> tuple[ReplicateError, int]:
        """Return the error of a request, and the number of its retries."""
        self._clock.sleeps.clear()
        with pytest.raises(ReplicateError) as caught:
            self.get_account()
        return caught.value, len(self._clock.sleeps)


@contextlib.contextmanager
def refused_url() -> Iterator[str]:
    """Yield a URL where nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def test_refused_connection_is_reported_at_once(client_kind: str) -> None:
    with refused_url() as url:
        error, retries = Client(client_kind, base_url=url).error()
    assert isinstance(error, APIConnectionError)
    assert "nothing listens there: check base_url" in str(error)
    assert retries == 0


def test_unknown_host_is_reported_at_once(client_kind: str) -> None:
    error, retries = Client(client_kind, base_url="http://api.example.invalid").error()
    assert isinstance(error, APIConnectionError)
    assert "there is no such host" in str(error)
    assert retries == 0


class OneResponseHandler(socketserver.StreamRequestHandler):
    """Responds to one request and closes the connection."""

    server: ThreadedServer

    def handle(self) -> None:
        for line in iter(self.rfile.readline, b"\r\n"):
            self.server.received.append(line)
        self.wfile.write(b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 17\r\n\r\n{"username":"me"}')


def test_refused_connection_is_retried_after_a_first_response(client_kind: str) -> None:
    with serve_in_thread(OneResponseHandler) as server:
        client = Client(client_kind, base_url=server.url)
        assert client.get_account()
    error, retries = client.error()
    assert "nothing listens there" in str(error)
    assert retries == 5, "the server may be restarting"


class ProxyHandler(socketserver.StreamRequestHandler):
    """A proxy that rejects every request with one status."""

    server: ThreadedServer
    status: int

    def handle(self) -> None:
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        self.server.received.append(self.status)
        self.wfile.write(f"HTTP/1.1 {self.status} No\r\nContent-Length: 0\r\n\r\n".encode())


@pytest.mark.parametrize(
    ("scheme", "status", "advice", "attempts"),
    [
        ("https", 407, "the proxy requires a user and password", 1),
        ("http", 407, "the proxy requires a user and password", 1),
        ("https", 403, "the proxy refuses this host", 1),
        ("https", 503, "503 No", 6),
    ],
)
def test_proxy_that_refuses_is_reported_at_once(
    client_kind: str, scheme: str, status: int, advice: str, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_in_thread(type("Handler", (ProxyHandler,), {"status": status})) as proxy:
        monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy.url)
        error, _ = Client(client_kind, base_url=f"{scheme}://api.example.invalid").error()
    assert isinstance(error, APIStatusError if scheme == "http" else APIConnectionError)
    assert advice in str(error)
    assert len(proxy.received) == attempts


class DropSecondHandler(socketserver.StreamRequestHandler):
    """Keeps the connection after a first response, and closes it upon the second request."""

    server: ThreadedServer

    def handle(self) -> None:
        for number in range(2):
            for line in iter(self.rfile.readline, b"\r\n"):
                if not line:
                    return
            self.server.received.append(number)
            if number == 0:
                self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"username":"me"}')


def test_no_backend_repeats_a_request_by_itself(client_kind: str) -> None:
    def call(url: str) -> None:
        if client_kind == "sync":
            with Replicate(TOKEN, base_url=url, max_retries=0) as client:
                client.account.get()
                with pytest.raises(APIConnectionError):
                    client.account.get()
            return

        async def main() -> None:
            async with AsyncReplicate(TOKEN, base_url=url, max_retries=0) as client:
                await client.account.get()
                with pytest.raises(APIConnectionError):
                    await client.account.get()

        asyncio.run(main())

    with serve_in_thread(DropSecondHandler) as server:
        call(server.url)
        assert server.received == [0, 1]


class ResetHandler(socketserver.StreamRequestHandler):
    """Responds, and resets the kept connection when the test says so."""

    server: ThreadedServer

    def handle(self) -> None:
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"username":"me"}')
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.02)  # the client has read the response
        self.connection.close()
        self.server.received.append("reset")


def test_kept_connection_that_is_reset_is_not_logged(async_backend: None, caplog: pytest.LogCaptureFixture) -> None:
    async def main(server: ThreadedServer) -> list[dict[str, Any]]:
        contexts: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: contexts.append(context))
        async with AsyncReplicate(TOKEN, base_url=server.url) as client:
            await client.account.get()
            while not server.received:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)
        import gc

        gc.collect()
        return contexts

    with serve_in_thread(ResetHandler) as server:
        assert asyncio.run(main(server)) == []
    assert "never retrieved" not in caplog.text
