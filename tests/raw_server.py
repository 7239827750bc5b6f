"""Servers that send raw bytes, for responses and connection errors that no HTTP server produces."""

from __future__ import annotations

import asyncio
import contextlib
import socketserver
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

ConnectionHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serve(handler: ConnectionHandler) -> AsyncIterator[str]:
    """Run a server in the current event loop, with one call of the handler per connection; yield its URL."""
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await handler(reader, writer)

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            for writer in writers:  # since Python 3.12 the server waits for its connections
                writer.transport.abort()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()


def keep_open(writer: asyncio.StreamWriter) -> None:
    """Leave the connection open after the last part."""


def respond_in_parts(
    *parts: str, then: Callable[[asyncio.StreamWriter], object] = lambda writer: writer.close(), pause: float = 0
) -> ConnectionHandler:
    """Send a response in parts, then close the connection or do something else with it.

    With a pause after each part, each is a packet of its own.
    """

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part.encode())
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        then(writer)

    return handler


class ThreadedServer(socketserver.ThreadingTCPServer):
    """A server in a thread, with one handler object per connection."""

    daemon_threads = True

    def __init__(self, handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.received: list[Any] = []
        """What the handlers recorded."""


@contextlib.contextmanager
def serve_in_thread(handler: type[socketserver.BaseRequestHandler]) -> Iterator[ThreadedServer]:
    """Run a server for sync and async clients alike."""
    with ThreadedServer(handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()
