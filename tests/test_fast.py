"""The transport of the extra `fast`: what breaks there has the same name as elsewhere, and no secret in its text.

That it sends the same to the byte is in test_wire, with all kinds side by side.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import socketserver
import threading
import time
import traceback
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import TOKEN, replied
from replicate_ext import AsyncReplicate, ConnectionFailed, TimedOut
from replicate_ext._backends.aiohttp import FastTransport
from replicate_ext._backends.asyncio import Connections
from replicate_ext._files.outputs import files

SECRET = "X-Signature=s3cret"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Give the address of a server that answers each connection so."""
    writers: list[asyncio.StreamWriter] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await handler(reader, writer)

    async with await asyncio.start_server(one, "127.0.0.1", 0) as server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            for writer in writers:  # since 3.12 the server waits for them
                writer.transport.abort()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()


@pytest.fixture(params=["plain", "fast"])
def transport(request: pytest.FixtureRequest) -> Callable[[], httpx.AsyncBaseTransport]:
    """Return what makes httpx's own transport, and ours: both have to do the same."""
    if request.param == "plain":
        return lambda: httpx.AsyncHTTPTransport(verify=False)
    return lambda: FastTransport(False, None, 5.0)


@pytest.fixture(params=["async", "fast"])
def async_kind(request: pytest.FixtureRequest) -> None:
    """Run with and without the extra."""
    if request.param == "async":
        request.getfixturevalue("without_fast")


def asked(
    transport: Callable[[], httpx.AsyncBaseTransport],
    handler: Handler,
    content: Any = None,
    path: str = f"/f?{SECRET}",
    limits: dict[str, float] | None = None,
) -> bytes | BaseException:
    """Return the body that a server's answer has, or what it fails with."""

    async def main() -> bytes:
        async with serving(handler) as base, transport() as sending:
            url = path if "//" in path else base + path
            patience = {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0} | (limits or {})
            method = "GET" if content is None else "POST"
            request = httpx.Request(method, url, content=content, extensions={"timeout": patience})
            response = await sending.handle_async_request(request)
            try:
                return await response.aread()
            finally:
                await response.aclose()

    try:
        return asyncio.run(main())
    except httpx.HTTPError as broken:
        return broken


def answering(
    *parts: str, ending: Callable[[asyncio.StreamWriter], object] = lambda writer: writer.close(), pause: float = 0
) -> Handler:
    """Answer in parts; with a pause after each it is a packet of its own."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part.encode())
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        ending(writer)

    return handler


def reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection off."""
    found: socket.socket = writer.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    asyncio.get_running_loop().call_later(0.01, writer.transport.abort)


BROKEN = {
    "no answer": (answering(""), httpx.RemoteProtocolError),
    "half a head": (answering("HTTP/1.1 200 OK\r\nX-Key: s3cret\r\n"), httpx.RemoteProtocolError),
    "no head": (answering("what?\r\n\r\n"), httpx.RemoteProtocolError),
    "half a body": (answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), httpx.RemoteProtocolError),
    "half a chunk": (
        answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha"),
        httpx.RemoteProtocolError,
    ),
    "reset": (answering("HTTP/1.1 200 OK\r\n\r\nhalf", ending=reset), httpx.ReadError),
    "silence": (answering("", ending=lambda _: None), httpx.ReadTimeout),
    "silence in the body": (
        answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", ending=lambda _: None),
        httpx.ReadTimeout,
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_breaks_has_its_name_and_no_secret(transport: Callable[[], httpx.AsyncBaseTransport], how: str) -> None:
    handler, name = BROKEN[how]
    broken = asked(transport, handler, limits={"read": 0.05})
    assert type(broken) is name
    assert "s3cret" not in "".join(traceback.format_exception(broken))


def test_what_is_no_address_is_not_sent(transport: Callable[[], httpx.AsyncBaseTransport]) -> None:
    assert type(asked(transport, answering(""), path="ftp://example.com/x")) is httpx.UnsupportedProtocol


def test_a_body_that_ends_with_its_connection_is_whole(transport: Callable[[], httpx.AsyncBaseTransport]) -> None:
    assert asked(transport, answering("HTTP/1.1 200 OK\r\n\r\nall of it")) == b"all of it"


def test_a_connection_that_does_not_come_about_is_named_without_the_address() -> None:
    def full() -> httpx.AsyncBaseTransport:
        return FastTransport(False, None, 5.0)

    with socket.socket() as busy:  # its backlog is full: nobody accepts
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(busy.getsockname())
        url = f"http://127.0.0.1:{busy.getsockname()[1]}/f?{SECRET}"
        broken = asked(full, answering(""), path=url, limits={"connect": 0.05})
        for one in waiting:
            one.close()
    assert type(broken) is httpx.ConnectTimeout
    assert "s3cret" not in "".join(traceback.format_exception(broken))


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(64):
        yield b"x" * 1_000_000


@pytest.mark.parametrize("content", ["there", "chunks"])
def test_an_upload_that_nobody_takes_ends(transport: Callable[[], httpx.AsyncBaseTransport], content: str) -> None:
    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(0.04)

    body = b"x" * 64_000_000 if content == "there" else _chunks()
    assert type(asked(transport, deaf, body, limits={"write": 0.05})) is httpx.WriteTimeout


@pytest.mark.parametrize("content", ["there", "chunks"])
def test_an_upload_arrives_whole(transport: Callable[[], httpx.AsyncBaseTransport], content: str) -> None:
    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"chunked" in head:
            size, found = -1, 0
            while size:
                size = int(await reader.readline(), 16)
                found += size
                await reader.readexactly(size + 2)
        else:
            found = len(await reader.readexactly(64_000_000))
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{found}".encode())
        await writer.drain()
        writer.close()

    body = b"x" * 64_000_000 if content == "there" else _chunks()
    assert asked(transport, counting, body) == b"64000000"


def test_an_answer_may_come_before_the_end_of_an_upload(transport: Callable[[], httpx.AsyncBaseTransport]) -> None:
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        while await reader.read(1 << 20):
            pass
        writer.close()

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"x" * 100_000
            await asyncio.sleep(0.01)

    assert asked(transport, hasty, slowly(), limits={"write": 0.04}) == b"ok"


def test_userinfo_in_an_address_is_not_looked_at(transport: Callable[[], httpx.AsyncBaseTransport]) -> None:
    heads: list[bytes] = []

    async def main() -> bytes:
        async def noting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
            writer.close()

        patience = {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0}
        headers = {"Authorization": "Bearer t"}
        async with serving(noting) as base, transport() as sending:
            url = base.replace("//", "//me:secret@") + "/x"
            request = httpx.Request("GET", url, headers=headers, extensions={"timeout": patience})
            return await (await sending.handle_async_request(request)).aread()

    assert asyncio.run(main()) == b"ok"
    assert b"\r\nauthorization: bearer t\r\n" in heads[0].lower()
    assert b"Basic" not in heads[0]


def test_waiting_for_a_connection_has_an_end(async_kind: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicate_ext._backends.asyncio.most_connections", lambda: 1)
    sent: list[str] = []

    async def main() -> None:
        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while head := await reader.readuntil(b"\r\n\r\n"):
                sent.append(head.decode().split("\r\n")[0])
                await asyncio.sleep(0.04)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()

        limits = httpx.Timeout(5, pool=0.01)
        async with serving(slow) as base, AsyncReplicate(TOKEN, base_url=base, max_retries=0, timeout=limits) as client:
            first = asyncio.ensure_future(client.account.get())
            await asyncio.sleep(0.01)
            with pytest.raises(TimedOut, match="PoolTimeout"):
                await client.predictions.create(version="acme/hello", input={})
            await first

    asyncio.run(main())
    assert sent == ["GET /v1/account HTTP/1.1"]


def test_whoever_waits_while_the_client_is_closed_is_told_or_served(
    async_kind: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replicate_ext._backends.asyncio.most_connections", lambda: 1)

    async def main() -> list[Any]:
        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.02)
            writer.close()

        async with serving(slow) as base:
            client = AsyncReplicate(TOKEN, base_url=base, max_retries=0)
            calls = [asyncio.ensure_future(client.account.get()) for _ in range(3)]
            await asyncio.sleep(0.01)
            await client.aclose()
            return await asyncio.gather(*calls, return_exceptions=True)

    assert [type(result) for result in asyncio.run(main())] == [ConnectionFailed] * 3


def test_an_error_that_breaks_off_gives_its_connection_back(async_kind: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicate_ext._backends.asyncio.most_connections", lambda: 1)
    handler = answering("HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nhalf")

    async def main() -> None:
        async with serving(handler) as base, AsyncReplicate(TOKEN, base_url=base, max_retries=0) as client:
            for _ in range(2):
                with pytest.raises(ConnectionFailed):
                    await asyncio.wait_for(files(f"{base}/out.png", client._wire).read(), 1)

    asyncio.run(main())


def test_a_loop_that_is_closed_is_let_go() -> None:
    client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(lambda _: replied({"username": "me"})))
    seen: list[weakref.ref[Connections]] = []

    async def main() -> None:
        await asyncio.gather(*(client.account.get() for _ in range(3)))
        seen.append(weakref.ref(client._wire.connections))  # type: ignore[attr-defined]

    for _ in range(3):
        asyncio.run(main())
    gc.collect()
    assert [found() is None for found in seen] == [True, True, False]


@pytest.mark.parametrize("canceled", [1, 2])
def test_a_call_that_was_canceled_does_not_hold_up_the_next(async_kind: None, canceled: int) -> None:
    async def quick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"username":"me"}')
            await writer.drain()

    async def main() -> None:
        async with serving(quick) as base:
            for ticks in range(24):
                async with AsyncReplicate(TOKEN, base_url=base, max_retries=0) as client:
                    task = asyncio.ensure_future(client.account.get())
                    for _ in range(ticks):
                        await asyncio.sleep(0)
                    for _ in range(canceled):
                        task.cancel()
                        await asyncio.sleep(0)
                    await asyncio.gather(task, return_exceptions=True)
                    assert (await asyncio.wait_for(client.account.get(), 1)).username == "me", ticks

    asyncio.run(main())


CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhallo\r\n"


def test_a_body_that_makes_no_sense_ends(transport: Callable[[], httpx.AsyncBaseTransport]) -> None:
    broken = asked(transport, answering(CHUNKED, "zzz\r\n", pause=0.01), limits={"read": 1})
    assert type(broken) is httpx.RemoteProtocolError


@pytest.mark.parametrize("head", ["Content-Length: 10\r\n", ""])
def test_whoever_reads_while_the_client_is_closed_is_told(async_kind: None, head: str, tmp_path: Path) -> None:
    async def main() -> None:
        sent = asyncio.Event()
        handler = answering(f"HTTP/1.1 200 OK\r\n{head}\r\nhello", ending=lambda _: sent.set(), pause=0.01)
        async with serving(handler) as base, AsyncReplicate(TOKEN, base_url=base, max_retries=0) as client:
            saving = asyncio.ensure_future(files(f"{base}/out.txt", client._wire).save(tmp_path / "out.txt"))
            await sent.wait()
            await client.aclose()
            with pytest.raises(ConnectionFailed):
                await asyncio.wait_for(saving, 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("replicate_ext._files.download.RESUME_DELAY", 0.0)
        asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


class _Once(socketserver.StreamRequestHandler):
    """Answers one request, and closes the connection without having said so."""

    def handle(self) -> None:
        while self.rfile.readline() != b"\r\n":
            pass
        self.wfile.write(b'HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{"id":"x"}')


def test_a_create_does_not_go_out_on_a_connection_that_was_closed(async_kind: None) -> None:
    async def main(base: str) -> None:
        async with AsyncReplicate(TOKEN, base_url=base, max_retries=0) as client:
            for _ in range(2):
                await client.predictions.create(version="acme/hello", input={})
                time.sleep(0.03)  # the loop does not hear of it

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Once) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        asyncio.run(main(f"http://127.0.0.1:{server.server_address[1]}"))
        server.shutdown()


def test_an_upload_that_shrank_is_told(transport: Callable[[], httpx.AsyncBaseTransport]) -> None:
    class Shrunk(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"x" * 10

    async def main() -> None:
        async with serving(answering("", ending=lambda _: None)) as base, transport() as sending:
            patience = {"connect": 5.0, "read": 1.0, "write": 1.0, "pool": 5.0}
            headers = {"Content-Length": "20"}
            request = httpx.Request("POST", base, headers=headers, stream=Shrunk(), extensions={"timeout": patience})
            await sending.handle_async_request(request)

    with pytest.raises(httpx.LocalProtocolError):
        asyncio.run(main())


def test_an_upload_whose_file_cannot_be_read_says_so(transport: Callable[[], httpx.AsyncBaseTransport]) -> None:
    async def gone() -> AsyncIterator[bytes]:
        yield b"x"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        asked(transport, answering("", ending=lambda _: None), gone())


def test_an_upload_that_stalls_at_its_very_end_ends(transport: Callable[[], httpx.AsyncBaseTransport]) -> None:
    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(1)

    for size in range(3_976_000, 3_992_000, 4_000):  # about what the system takes, and aiohttp a little more

        async def chunks(left: int = size) -> AsyncIterator[bytes]:
            while left > 0:
                yield b"x" * min(10_000, left)
                left -= 10_000

        broken = asked(transport, deaf, chunks(), limits={"write": 0.03, "read": 0.03})
        assert type(broken) in (httpx.WriteTimeout, httpx.ReadTimeout)


def test_as_many_header_lines_as_h11_takes(transport: Callable[[], httpx.AsyncBaseTransport]) -> None:
    lines = "".join(f"X-{number}: y\r\n" for number in range(500))
    assert asked(transport, answering(f"HTTP/1.1 200 OK\r\n{lines}Content-Length: 2\r\n\r\nok")) == b"ok"


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example", "h.example:99999"])
def test_a_host_that_cannot_be_is_named(async_kind: None, host: str) -> None:
    async def main() -> None:
        async with AsyncReplicate(TOKEN, max_retries=0) as client:
            await files(f"http://{host}/f?{SECRET}", client._wire).read()

    with pytest.raises(ConnectionFailed) as caught:
        asyncio.run(main())
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
