"""All backends send the same requests, byte for byte."""

import asyncio
import re
import socketserver
from pathlib import Path
from typing import Any

from conftest import TOKEN, wrap_output
from raw_server import ThreadedServer, serve_in_thread
from replicate_ext import AsyncReplicate, Replicate, __version__


class RecordingHandler(socketserver.StreamRequestHandler):
    """Records each request byte for byte, and responds with a very long header."""

    server: ThreadedServer

    def handle(self) -> None:
        while line := self.rfile.readline():
            lines = [line]
            while line not in (b"\r\n", b""):
                line = self.rfile.readline()
                lines.append(line)
            head = b"".join(lines).decode()
            length = int((re.search(r"(?i)content-length: (\d+)", head) or [0, 0])[1])
            self.server.received.append((head, self.rfile.read(length)))
            long = "x" * 30_000
            self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nReport-To: {long}\r\n\r\n{{}}".encode())


SIGNED_PATH = "/a%7Eb%2Fc//d?x=%2B%41&y=a%20b&z=a+b&e=%3D%26"
"""A path and query of which no character may be changed: the URL may be signed."""


def test_all_backends_send_identical_requests(client_kind: str, tmp_path: Path) -> None:
    (tmp_path / "in.bin").write_bytes(b"\0\r\n" * 1000)

    def calls(client: Any) -> list[Any]:
        return [
            wrap_output(client, f"{server.url}{SIGNED_PATH}").read(),
            client.predictions.create(version="acme/hello", input={"text": "ü"}, prefer="wait=5"),
            client.predictions.cancel("x0"),
            client.files.create(content=(tmp_path / "in.bin").read_bytes()),
            client.request("DELETE", "/files/x0"),
        ]

    async def main() -> None:
        async with AsyncReplicate(TOKEN, base_url=server.url) as client:
            for call in calls(client):
                await call

    with serve_in_thread(RecordingHandler) as server:
        if client_kind == "sync":
            with Replicate(TOKEN, base_url=server.url) as client:
                calls(client)
        else:
            asyncio.run(main())
    common = {
        "host": server.url.removeprefix("http://"),
        "accept": "*/*",
        "connection": "keep-alive",
        "user-agent": f"replicate-ext/{__version__}",
        "authorization": f"Bearer {TOKEN}",
    }
    encoding = {"accept-encoding": "gzip, deflate"}
    requests = []
    for head, body in server.received:
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        assert headers.items() >= common.items()
        headers = {name: value for name, value in headers.items() if name not in common}
        if headers.get("content-length") == "0":
            del headers["content-length"]  # the same as no header, and only some backends send it
        requests.append((first, headers, body))
    json_body = b'{"input":{"text":"\xc3\xbc"},"version":"acme/hello"}'
    boundary = re.search(r"boundary=(\w+)", requests[3][1]["content-type"])
    assert boundary
    assert (tmp_path / "in.bin").read_bytes() in requests[3][2]
    assert requests == [
        (f"GET {SIGNED_PATH} HTTP/1.1", {"accept-encoding": "identity"}, b""),
        (
            "POST /v1/predictions HTTP/1.1",
            {
                **encoding,
                "prefer": "wait=5",
                "content-type": "application/json",
                "content-length": str(len(json_body)),
            },
            json_body,
        ),
        ("POST /v1/predictions/x0/cancel HTTP/1.1", encoding, b""),
        (
            "POST /v1/files HTTP/1.1",
            {
                **encoding,
                "content-type": f"multipart/form-data; boundary={boundary[1]}",
                "content-length": str(len(requests[3][2])),
            },
            requests[3][2],
        ),
        ("DELETE /v1/files/x0 HTTP/1.1", encoding, b""),
    ]
