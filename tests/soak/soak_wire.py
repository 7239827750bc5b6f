"""HTTP on raw sockets, and the event loop of the servers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, NamedTuple


class SoakRequest(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class SoakResponse(NamedTuple):
    status: int = 200
    body: bytes = b"{}"
    type: str = "application/json"
    headers: tuple[str, ...] = ()


def json_reply(value: object, status: int = 200) -> SoakResponse:
    return SoakResponse(status, json.dumps(value).encode())


def page_of(status: int) -> SoakResponse:
    return SoakResponse(status, f"<html><title>{status} | proxy</title>Sorry</html>".encode(), "text/html")


async def read_request(reader: asyncio.StreamReader) -> SoakRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    method, path, _ = first.split(" ")
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return SoakRequest(method, path, headers, body)


def reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def report_unless_connection_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report a defect of the server; its connections are meant to break."""
    if not isinstance(context.get("exception"), ConnectionError):
        loop.default_exception_handler(context)


class ServerThread:
    """The event loop of the servers, in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(report_unless_connection_error)
        self._thread = threading.Thread(target=self.loop.run_forever, name="soak server", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
