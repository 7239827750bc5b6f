"""The connection pool of the async client: limits, timeouts, cancellation, closing, stale connections."""

from __future__ import annotations

import asyncio
import socketserver
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import TOKEN, ByteStream, wrap_output
from raw_server import respond_in_parts, serve, serve_in_thread
from replicate_ext import APIConnectionError, APITimeoutError, AsyncReplicate
from replicate_ext.emulator import Emulator


@pytest.fixture
def limit_connections(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that sets the maximum number of connections of a client."""
    return lambda maximum: monkeypatch.setattr("replicate_ext._backends.pool.MAX_CONNECTIONS", maximum)


def test_concurrent_runs_share_a_bounded_number_of_connections(limit_connections: Callable[[int], None]) -> None:
    limit_connections(100)

    counts: list[int] = []

    async def main(emulator: Emulator) -> None:
        async with AsyncReplicate(emulator.token, base_url=emulator.url) as client:

            async def run(number: int) -> object:
                output = await client.run("acme/hello", {"text": str(number)})
                counts.append(emulator.connections)
                return output

            outputs = await asyncio.gather(*(run(number) for number in range(1000)))
            assert outputs == [f"Hello, {number}!" for number in range(1000)]

    with Emulator() as emulator:
        asyncio.run(main(emulator))
        assert [request.operation for request in emulator.requests].count("models.predictions.create") == 1000
    assert 1 < max(counts) < 1.5 * 100  # the server may still count some that are just being closed


@pytest.mark.parametrize("outcome", ["read", "close", "failure"])
def test_slot_is_released_after_read_close_or_failure(outcome: str, limit_connections: Callable[[int], None]) -> None:
    limit_connections(1)

    def respond(request: httpx.Request) -> httpx.Response:
        if outcome == "failure":
            raise httpx.ReadError("reset")
        return httpx.Response(200, stream=ByteStream(b"PNG"))

    async def main() -> None:
        client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(respond), max_retries=0)
        for _ in range(3):
            file = wrap_output(client, "https://x.example/y")
            if outcome == "failure":
                with pytest.raises(APIConnectionError):
                    await file.read()
            elif outcome == "read":
                assert await file.read() == b"PNG"
            else:
                chunks = file.aiter_bytes()
                await anext(chunks)
                await chunks.aclose()

    asyncio.run(asyncio.wait_for(main(), 5))


def test_interrupted_error_response_releases_its_connection(
    async_backend: None, limit_connections: Callable[[int], None]
) -> None:
    limit_connections(1)
    handler = respond_in_parts("HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nhalf")

    async def main() -> None:
        async with serve(handler) as base_url, AsyncReplicate(TOKEN, base_url=base_url, max_retries=0) as client:
            for _ in range(2):
                with pytest.raises(APIConnectionError):
                    await asyncio.wait_for(wrap_output(client, f"{base_url}/out.png").read(), 1)

    asyncio.run(main())


def test_pool_timeout_while_waiting_for_a_connection(
    async_backend: None, limit_connections: Callable[[int], None]
) -> None:
    limit_connections(1)
    received: list[str] = []

    async def main() -> None:
        async def respond_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while head := await reader.readuntil(b"\r\n\r\n"):
                received.append(head.decode().split("\r\n")[0])
                await asyncio.sleep(0.04)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()

        timeout = httpx.Timeout(5, pool=0.01)
        async with (
            serve(respond_slowly) as base_url,
            AsyncReplicate(TOKEN, base_url=base_url, max_retries=0, timeout=timeout) as client,
        ):
            first = asyncio.ensure_future(client.account.get())
            await asyncio.sleep(0.01)
            with pytest.raises(APITimeoutError, match="PoolTimeout"):
                await client.predictions.create(version="acme/hello", input={})
            await first

    asyncio.run(main())
    assert received == ["GET /v1/account HTTP/1.1"]


@pytest.mark.parametrize("canceled", [1, 2])
def test_canceled_call_does_not_block_the_next_call(async_backend: None, canceled: int) -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"username":"me"}')
            await writer.drain()

    async def main() -> None:
        async with serve(respond) as base_url:
            for ticks in range(24):  # cancel at every step of the call
                async with AsyncReplicate(TOKEN, base_url=base_url, max_retries=0) as client:
                    task = asyncio.ensure_future(client.account.get())
                    for _ in range(ticks):
                        await asyncio.sleep(0)
                    for _ in range(canceled):
                        task.cancel()
                        await asyncio.sleep(0)
                    await asyncio.gather(task, return_exceptions=True)
                    assert (await asyncio.wait_for(client.account.get(), 1)).username == "me", ticks

    asyncio.run(main())


def test_closing_the_client_fails_calls_that_wait_for_a_connection(
    async_backend: None, limit_connections: Callable[[int], None]
) -> None:
    limit_connections(1)

    async def main() -> list[Any]:
        async def respond_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.02)
            writer.close()

        async with serve(respond_slowly) as base_url:
            client = AsyncReplicate(TOKEN, base_url=base_url, max_retries=0)
            calls = [asyncio.ensure_future(client.account.get()) for _ in range(3)]
            await asyncio.sleep(0.01)
            await client.aclose()
            return await asyncio.gather(*calls, return_exceptions=True)

    assert [type(result) for result in asyncio.run(main())] == [APIConnectionError] * 3


@pytest.mark.parametrize("head", ["Content-Length: 10\r\n", ""])
def test_closing_the_client_fails_a_read_in_progress(async_backend: None, head: str, tmp_path: Path) -> None:
    async def main() -> None:
        sent = asyncio.Event()
        handler = respond_in_parts(f"HTTP/1.1 200 OK\r\n{head}\r\nhello", then=lambda _: sent.set(), pause=0.01)
        async with serve(handler) as base_url, AsyncReplicate(TOKEN, base_url=base_url, max_retries=0) as client:
            saving = asyncio.ensure_future(wrap_output(client, f"{base_url}/out.txt").save(tmp_path / "out.txt"))
            await sent.wait()
            await client.aclose()
            with pytest.raises(APIConnectionError):
                await asyncio.wait_for(saving, 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("replicate_ext._files.download.RESUME_DELAY", 0.0)
        asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


class CloseAfterResponseHandler(socketserver.StreamRequestHandler):
    """Responds to one request, then closes the connection without having announced it."""

    def handle(self) -> None:
        while self.rfile.readline() != b"\r\n":
            pass
        self.wfile.write(b'HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{"id":"x"}')


def test_create_is_not_sent_on_a_connection_closed_by_the_server(async_backend: None) -> None:
    async def main(base_url: str) -> None:
        async with AsyncReplicate(TOKEN, base_url=base_url, max_retries=0) as client:
            for _ in range(2):
                await client.predictions.create(version="acme/hello", input={})
                time.sleep(0.03)  # the event loop cannot notice that the connection was closed

    with serve_in_thread(CloseAfterResponseHandler) as server:
        asyncio.run(main(server.url))
