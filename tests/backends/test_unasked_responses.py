"""A response that no request has asked for, on a kept connection: the next request does not take it for its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socketserver
import threading
from typing import Any

from conftest import TOKEN, prediction
from raw_server import ThreadedServer, serve_in_thread
from replicate_ext import AsyncReplicate, Replicate

ID = "x0fmfzfcf5rma0cq65c825tcbm"


def response_bytes(value: object, status: str) -> bytes:
    body = json.dumps(value).encode()
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


YOURS = response_bytes(prediction(output="yours"), "201 Created")
OTHER = response_bytes(prediction(id="another", output="not yours"), "201 Created")


class Handler(socketserver.StreamRequestHandler):
    """Sends what no request has asked for after the first response of the first connection."""

    server: ThreadedServer
    is_idle: threading.Event
    """Set when the first response has been read."""

    def handle(self) -> None:
        is_first = not self.server.received
        with contextlib.suppress(ConnectionError):
            while request_line := self.rfile.readline().decode():
                length = 0
                while line := self.rfile.readline().strip().lower():
                    length = int(line.partition(b":")[2]) if line.startswith(b"content-length") else length
                self.rfile.read(length)
                self.server.received.append(request_line.split()[0])
                self.wfile.write(YOURS)
                if is_first and self.is_idle.wait(5):
                    self.wfile.write(OTHER)
                    self.server.received.append("unasked")
                is_first = False


def run_after_get(kind: str, server: ThreadedServer, is_idle: threading.Event) -> Any:
    """Fetch a prediction and run a model with one client, and return the output of the run."""

    async def unasked() -> None:
        is_idle.set()
        while server.received == ["GET"]:
            await asyncio.sleep(0.001)

    async def run() -> Any:
        async with AsyncReplicate(TOKEN, base_url=server.url) as client:
            await client.predictions.get(ID)
            await unasked()
            return await client.run("acme/hello", {"text": "hi"}, check=False)

    if kind != "sync":
        return asyncio.run(run())
    with Replicate(TOKEN, base_url=server.url) as client:
        client.predictions.get(ID)
        asyncio.run(unasked())
        return client.run("acme/hello", {"text": "hi"}, check=False)


def test_create_avoids_a_connection_that_got_a_response_while_idle(client_kind: str) -> None:
    is_idle = threading.Event()
    handler = type("IdleHandler", (Handler,), {"is_idle": is_idle})
    with serve_in_thread(handler) as server:
        assert run_after_get(client_kind, server, is_idle) == "yours"
    assert server.received == ["GET", "unasked", "POST"]


class MixedUpHandler(socketserver.StreamRequestHandler):
    """Sends the response to another request first, on the first connection."""

    server: ThreadedServer

    def handle(self) -> None:
        number = len(self.server.received)
        self.server.received.append([])
        with contextlib.suppress(ConnectionError):
            while request_line := self.rfile.readline().decode():
                while self.rfile.readline().strip():
                    pass
                is_mixed_up = not number and not self.server.received[0]
                self.server.received[number].append(request_line.split()[0])
                self.wfile.write(OTHER if is_mixed_up else YOURS)


def test_connection_with_the_response_to_another_request_is_not_used_again(client_kind: str) -> None:
    async def wait() -> Any:
        async with AsyncReplicate(TOKEN, base_url=server.url) as client:
            return await client.wait(ID)

    with serve_in_thread(MixedUpHandler) as server:
        if client_kind == "sync":
            with Replicate(TOKEN, base_url=server.url) as client:
                job = client.wait(ID)
        else:
            job = asyncio.run(wait())
    assert job.output == "yours"
    assert server.received == [["GET"], ["GET"]]
