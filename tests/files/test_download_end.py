"""Bodies that end early although the connection, or the compressed data, does not show it as an error."""

import asyncio
import contextlib
import gzip
import socketserver
import ssl

import httpx
import pytest
import trustme

from conftest import TOKEN, ByteStream, Harness, folder_contents, wrap_output
from raw_server import serve_in_thread
from replicate_ext import APIConnectionError, AsyncReplicate, Replicate, ResponseDecodeError

URL = "https://replicate.delivery/abc/out-0.png"
CONTENT = bytes(range(256)) * 4
COMPRESSED = gzip.compress(CONTENT, mtime=0)


@pytest.mark.parametrize("cut", [1, 9, len(COMPRESSED) // 2])
def test_compressed_body_that_ends_early_raises(harness: Harness, tmp_path, cut: int) -> None:
    headers = {"content-encoding": "gzip"}
    harness.server.respond_with(
        lambda request: httpx.Response(200, stream=ByteStream(COMPRESSED[:-cut]), headers=headers)
    )
    with pytest.raises(APIConnectionError, match="compressed content ends early"):
        harness.call(harness.wrap(URL).save(tmp_path))
    assert folder_contents(tmp_path) == {}


def test_compressed_body_is_resumed_by_its_compressed_bytes(harness: Harness) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        headers = {"content-encoding": "gzip", "etag": '"a"'}
        if "range" not in request.headers:
            return httpx.Response(200, stream=ByteStream(COMPRESSED[:50], httpx.ReadError("reset")), headers=headers)
        headers["content-range"] = f"bytes 50-{len(COMPRESSED) - 1}/{len(COMPRESSED)}"
        return httpx.Response(206, stream=ByteStream(COMPRESSED[50:]), headers=headers)

    harness.server.respond_with(respond)
    assert harness.call(harness.wrap(URL).read()) == CONTENT
    assert harness.server.requests[1].headers["range"] == "bytes=50-"


def test_invalid_compressed_body_raises(harness: Harness) -> None:
    harness.server.respond_with(
        lambda request: httpx.Response(200, stream=ByteStream(CONTENT), headers={"content-encoding": "gzip"})
    )
    with pytest.raises(ResponseDecodeError):
        harness.call(harness.wrap(URL).read())


AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost")


class TLSHandler(socketserver.BaseRequestHandler):
    """Sends a body without length, and ends the connection with or without a closure alert."""

    sends_alert = True

    def handle(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        CERTIFICATE.configure_cert(context)
        with contextlib.suppress(OSError), context.wrap_socket(self.request, server_side=True) as connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + CONTENT)
            if self.sends_alert:
                connection.settimeout(0.05)
                connection.unwrap()


class CuttingTLSHandler(TLSHandler):
    sends_alert = False


def download(client_kind: str, url: str) -> bytes:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)

    async def download_async() -> bytes:
        async with AsyncReplicate(TOKEN, verify=context) as client:
            return await wrap_output(client, url).read()

    if client_kind == "sync":
        with Replicate(TOKEN, verify=context) as client:
            return wrap_output(client, url).read()
    return asyncio.run(download_async())


def test_body_without_length_is_complete_after_a_closure_alert(client_kind: str) -> None:
    with serve_in_thread(TLSHandler) as server:
        assert download(client_kind, server.url.replace("http://127.0.0.1", "https://localhost")) == CONTENT


def test_body_without_length_and_closure_alert_raises(client_kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicate_ext._files.download.RESUME_DELAY", 0.0)
    with (
        serve_in_thread(CuttingTLSHandler) as server,
        pytest.raises(APIConnectionError, match="was interrupted"),
    ):
        download(client_kind, server.url.replace("http://127.0.0.1", "https://localhost"))
