"""The aiohttp transport behaves like httpx's own: same bodies, same exceptions, no secrets in their messages."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from conftest import TOKEN, wrap_output
from raw_server import ConnectionHandler, keep_open, respond_in_parts, serve
from replicate_ext import APIConnectionError, AsyncReplicate
from replicate_ext._backends.aiohttp import AiohttpTransport

SECRET = "X-Signature=s3cret"
MakeTransport = Callable[[], httpx.AsyncBaseTransport]
DEFAULT_TIMEOUTS = {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0}


@pytest.fixture(params=["httpx", "aiohttp"])
def make_transport(request: pytest.FixtureRequest) -> MakeTransport:
    """Run the test with httpx's own async transport, and with ours."""
    if request.param == "httpx":
        return lambda: httpx.AsyncHTTPTransport(verify=False)
    return lambda: AiohttpTransport(False, None, 5.0)


def fetch(
    make_transport: MakeTransport,
    handler: ConnectionHandler,
    content: Any = None,
    path: str = f"/f?{SECRET}",
    **timeouts: float,
) -> bytes | httpx.HTTPError:
    """Send a request to a server with this handler; return the body of the response, or the exception.

    The timeouts are `connect`, `read`, `write` and `pool`, in seconds.
    """

    async def main() -> bytes:
        async with serve(handler) as base_url, make_transport() as transport:
            url = path if "//" in path else base_url + path
            method = "GET" if content is None else "POST"
            request = httpx.Request(method, url, content=content, extensions={"timeout": DEFAULT_TIMEOUTS | timeouts})
            response = await transport.handle_async_request(request)
            try:
                return await response.aread()
            finally:
                await response.aclose()

    try:
        return asyncio.run(main())
    except httpx.HTTPError as error:
        return error


def reset_connection(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a TCP reset."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    asyncio.get_running_loop().call_later(0.01, writer.transport.abort)


BROKEN_RESPONSES = {
    "no response": (respond_in_parts(""), httpx.RemoteProtocolError),
    "incomplete header": (respond_in_parts("HTTP/1.1 200 OK\r\nX-Key: s3cret\r\n"), httpx.RemoteProtocolError),
    "not HTTP": (respond_in_parts("what?\r\n\r\n"), httpx.RemoteProtocolError),
    "incomplete body": (
        respond_in_parts("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
        httpx.RemoteProtocolError,
    ),
    "incomplete chunk": (
        respond_in_parts("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha"),
        httpx.RemoteProtocolError,
    ),
    "reset": (respond_in_parts("HTTP/1.1 200 OK\r\n\r\nhalf", then=reset_connection), httpx.ReadError),
    "read timeout": (respond_in_parts("", then=keep_open), httpx.ReadTimeout),
    "read timeout in the body": (
        respond_in_parts("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", then=keep_open),
        httpx.ReadTimeout,
    ),
}


@pytest.mark.parametrize("case", BROKEN_RESPONSES)
def test_broken_response_raises_the_httpx_exception_without_secrets(make_transport: MakeTransport, case: str) -> None:
    handler, exception = BROKEN_RESPONSES[case]
    error = fetch(make_transport, handler, read=0.05)
    assert type(error) is exception
    assert "s3cret" not in "".join(traceback.format_exception(error))


def test_unsupported_scheme_is_rejected(make_transport: MakeTransport) -> None:
    assert type(fetch(make_transport, respond_in_parts(""), path="ftp://example.com/x")) is httpx.UnsupportedProtocol


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example", "h.example:99999"])
def test_invalid_host_raises_a_map_exception_without_secrets(async_backend: None, host: str) -> None:
    async def main() -> None:
        async with AsyncReplicate(TOKEN, max_retries=0) as client:
            await wrap_output(client, f"http://{host}/f?{SECRET}").read()

    with pytest.raises(APIConnectionError) as caught:
        asyncio.run(main())
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_connect_timeout_message_has_no_url() -> None:
    def make_aiohttp_transport() -> httpx.AsyncBaseTransport:
        return AiohttpTransport(False, None, 5.0)

    with socket.socket() as busy:  # its backlog is full, and connections are never accepted
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(busy.getsockname())
        url = f"http://127.0.0.1:{busy.getsockname()[1]}/f?{SECRET}"
        error = fetch(make_aiohttp_transport, respond_in_parts(""), path=url, connect=0.05)
        for sock in waiting:
            sock.close()
    assert type(error) is httpx.ConnectTimeout
    assert "s3cret" not in "".join(traceback.format_exception(error))


def test_userinfo_in_the_url_is_ignored(make_transport: MakeTransport) -> None:
    headers: list[bytes] = []

    async def main() -> bytes:
        async def record_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            headers.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
            writer.close()

        async with serve(record_headers) as base_url, make_transport() as transport:
            url = base_url.replace("//", "//me:secret@") + "/x"
            request = httpx.Request(
                "GET", url, headers={"Authorization": "Bearer t"}, extensions={"timeout": DEFAULT_TIMEOUTS}
            )
            return await (await transport.handle_async_request(request)).aread()

    assert asyncio.run(main()) == b"ok"
    assert b"\r\nauthorization: bearer t\r\n" in headers[0].lower()
    assert b"Basic" not in headers[0]


def test_body_delimited_by_connection_close(make_transport: MakeTransport) -> None:
    assert fetch(make_transport, respond_in_parts("HTTP/1.1 200 OK\r\n\r\nall of it")) == b"all of it"


CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"


def test_invalid_chunk_size_raises_a_protocol_error(make_transport: MakeTransport) -> None:
    error = fetch(make_transport, respond_in_parts(CHUNKED, "zzz\r\n", pause=0.01), read=1)
    assert type(error) is httpx.RemoteProtocolError


def test_500_response_header_lines(make_transport: MakeTransport) -> None:
    lines = "".join(f"X-{number}: y\r\n" for number in range(500))
    assert fetch(make_transport, respond_in_parts(f"HTTP/1.1 200 OK\r\n{lines}Content-Length: 2\r\n\r\nok")) == b"ok"


async def chunked_upload() -> AsyncIterator[bytes]:
    for _ in range(64):
        yield b"x" * 1_000_000


@pytest.mark.parametrize("content", ["bytes", "chunks"])
def test_large_upload_is_complete(make_transport: MakeTransport, content: str) -> None:
    async def count_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"chunked" in head:
            size, length = -1, 0
            while size:
                size = int(await reader.readline(), 16)
                length += size
                await reader.readexactly(size + 2)
        else:
            length = len(await reader.readexactly(64_000_000))
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{length}".encode())
        await writer.drain()
        writer.close()

    body = b"x" * 64_000_000 if content == "bytes" else chunked_upload()
    assert fetch(make_transport, count_body, body) == b"64000000"


@pytest.mark.parametrize("content", ["bytes", "chunks"])
def test_stalled_upload_raises_write_timeout(make_transport: MakeTransport, content: str) -> None:
    async def never_read(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(0.04)

    body = b"x" * 64_000_000 if content == "bytes" else chunked_upload()
    assert type(fetch(make_transport, never_read, body, write=0.05)) is httpx.WriteTimeout


def test_upload_stalled_at_its_end_raises_a_timeout(make_transport: MakeTransport) -> None:
    async def never_read(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(1)

    for size in range(3_976_000, 3_992_000, 4_000):  # about what the socket buffers hold, plus a little for aiohttp

        async def chunks(remaining: int = size) -> AsyncIterator[bytes]:
            while remaining > 0:
                yield b"x" * min(10_000, remaining)
                remaining -= 10_000

        error = fetch(make_transport, never_read, chunks(), write=0.03, read=0.03)
        assert type(error) in (httpx.WriteTimeout, httpx.ReadTimeout)


def test_response_before_the_end_of_the_upload(make_transport: MakeTransport) -> None:
    async def respond_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        while await reader.read(1 << 20):
            pass
        writer.close()

    async def slow_upload() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"x" * 100_000
            await asyncio.sleep(0.01)

    assert fetch(make_transport, respond_first, slow_upload(), write=0.04) == b"ok"


def test_upload_shorter_than_its_content_length_raises(make_transport: MakeTransport) -> None:
    class ShortUpload(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"x" * 10

    async def main() -> None:
        async with serve(respond_in_parts("", then=keep_open)) as base_url, make_transport() as transport:
            timeouts = DEFAULT_TIMEOUTS | {"read": 1.0, "write": 1.0}
            headers = {"Content-Length": "20"}
            request = httpx.Request(
                "POST", base_url, headers=headers, stream=ShortUpload(), extensions={"timeout": timeouts}
            )
            await transport.handle_async_request(request)

    with pytest.raises(httpx.LocalProtocolError):
        asyncio.run(main())


def test_error_while_reading_the_upload_is_raised(make_transport: MakeTransport) -> None:
    async def failing_upload() -> AsyncIterator[bytes]:
        yield b"x"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        fetch(make_transport, respond_in_parts("", then=keep_open), failing_upload())


def test_request_that_waits_while_the_transport_is_closed_is_not_sent() -> None:
    async def main() -> None:
        transport = AiohttpTransport(False, None, 5.0)
        request = httpx.Request("POST", "http://127.0.0.1:9/", extensions={"timeout": DEFAULT_TIMEOUTS})
        task = asyncio.ensure_future(transport.handle_async_request(request))
        await asyncio.sleep(0)
        await transport.aclose()
        await task

    with pytest.raises(httpx.ConnectError, match="the client was closed"):
        asyncio.run(main())
