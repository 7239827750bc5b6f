"""Bodies on every backend: they are read up to a limit, whatever the server sends."""

from __future__ import annotations

import asyncio
import gzip
import socketserver
import time
from typing import Any

import pytest

from conftest import TOKEN
from raw_server import ThreadedServer, serve_in_thread
from replicate_ext import APIConnectionError, AsyncReplicate, NotFoundError, Replicate


class EndlessErrorHandler(socketserver.StreamRequestHandler):
    """Responds with an error whose body has no end, and counts the bytes that the client takes."""

    server: ThreadedServer
    status = b"404 Not Found"

    def handle(self) -> None:
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        self.wfile.write(b"HTTP/1.1 " + self.status + b"\r\nContent-Type: text/plain\r\n\r\n")
        sent = 0
        try:
            while sent < 200 * 1024 * 1024:
                self.wfile.write(b"x" * 65536)
                sent += 65536
        except OSError:
            pass
        self.server.received.append(sent)


class EndlessHandler(EndlessErrorHandler):
    """Responds with success and a body that has no end."""

    status = b"200 OK"


class CompressedErrorHandler(socketserver.StreamRequestHandler):
    """Responds with an error whose compressed body is small, and its content large."""

    server: ThreadedServer

    def handle(self) -> None:
        body = gzip.compress(b"x" * 10_000_000)
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        head = f"HTTP/1.1 404 Not Found\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)


def get_account(client_kind: str, url: str) -> None:
    async def get_async() -> None:
        async with AsyncReplicate(TOKEN, base_url=url) as client:
            await client.account.get()

    if client_kind != "sync":
        return asyncio.run(get_async())
    with Replicate(TOKEN, base_url=url) as client:
        client.account.get()


@pytest.mark.parametrize("handler", [EndlessErrorHandler, CompressedErrorHandler])
def test_body_of_an_error_response_is_read_up_to_a_limit(client_kind: str, handler: Any) -> None:
    with serve_in_thread(handler) as server:
        with pytest.raises(NotFoundError, match="x" * 300) as caught:
            get_account(client_kind, server.url)
        assert len(str(caught.value)) < 1000
        assert sum(server.received) < 20 * 1024 * 1024, "more than the system buffers"


def test_body_of_a_response_is_read_up_to_a_limit(client_kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicate_ext._backends.base.MAX_BODY_SIZE", 2**20)

    with serve_in_thread(EndlessHandler) as server:
        with pytest.raises(APIConnectionError, match="the response is larger than 1 MiB"):
            get_account(client_kind, server.url)
        deadline = time.monotonic() + 5
        while not server.received and time.monotonic() < deadline:  # the handler notices the end a moment later
            time.sleep(0.005)
        [received] = server.received  # it is not retried
        assert received < 20 * 1024 * 1024, "more than the system buffers"
