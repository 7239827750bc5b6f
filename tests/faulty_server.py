"""A small Replicate on a real socket that has one fault at a time, for the fault matrix."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import struct
import threading
from typing import NamedTuple

CONTENT = bytes(range(256)) * 64
TOKENS = ["Once ", "upon ", "a ", "time"]


class RawResponse(NamedTuple):
    status: int = 200
    body: bytes = b""
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None
    """The Content-Length, if it differs from the length of the body."""

    def to_bytes(self) -> bytes:
        length = len(self.body) if self.length is None else self.length
        lines = [
            f"HTTP/1.1 {self.status} Status",
            f"Content-Type: {self.type}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


HTML_PAGE = b"<html><head><title>Something is wrong</title></head><body>Try again later.</body></html>"
ERROR_BODY = json.dumps({"title": "No", "detail": "not now", "status": 0}).encode()
RESPONSE_FAULTS = {
    "an HTML page": RawResponse(200, HTML_PAGE, "text/html"),
    "429": RawResponse(429, b"{}"),
    "429, Retry-After": RawResponse(429, b"{}", headers=(("Retry-After", "2"),)),
    "429, retry_after in the body": RawResponse(429, b'{"detail": "Request was throttled.", "retry_after": 3}'),
    "500": RawResponse(500, ERROR_BODY),
    "502, HTML page": RawResponse(502, HTML_PAGE, "text/html"),
    "503": RawResponse(503, ERROR_BODY),
    "503, Retry-After": RawResponse(503, ERROR_BODY, headers=(("Retry-After", "1"),)),
    "520, HTML page": RawResponse(520, HTML_PAGE, "text/html"),
    "599": RawResponse(599, b""),
    "418": RawResponse(418, ERROR_BODY),
}


FAULTS = [
    "reset before the request is read",
    "reset after the request was read",
    "no response",
    "slow bytes",
    "an interrupted body",
    "truncated JSON",
    "another Content-Type",
    "a redirect to another host",
    *RESPONSE_FAULTS,
]


class FaultyHandler(socketserver.BaseRequestHandler):
    """Parses requests, and sends correct or faulty responses byte by byte."""

    server: FaultyServer
    request: socket.socket

    def handle(self) -> None:
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                peeked = self.request.recv(65536, socket.MSG_PEEK)
                if not peeked:
                    return
                step = self.server.step_of(buffer + peeked)
                if step and not buffer and self.server.fault_at(step) == FAULTS[0]:
                    self.server.has_occurred = True
                    return self.reset()
                buffer += self.request.recv(len(peeked))
            headers, _, buffer = buffer.partition(b"\r\n\r\n")
            length = int((re.search(rb"(?i)content-length: (\d+)", headers) or [0, 0])[1])
            while len(buffer) < length:
                buffer += self.request.recv(65536)
            content, buffer = buffer[:length], buffer[length:]
            if not self.respond(headers.decode(), content):
                return

    def respond(self, headers: str, content: bytes) -> bool:
        """Send a correct or a faulty response, and return whether the connection can be reused."""
        step = self.server.step_of(headers.encode())
        if step is None:
            return False
        self.server.token_received.append("authorization" in headers.lower())
        fault = self.server.fault_at(step)
        if fault is not None:
            self.server.has_occurred = True
        if fault in RESPONSE_FAULTS:
            self.request.sendall(RESPONSE_FAULTS[fault].to_bytes())
            return True
        if fault == "a redirect to another host":
            assert self.server.other_host
            location = ("Location", f"{self.server.other_host.url}/{headers.split()[1].split('/', 2)[2]}")
            self.request.sendall(RawResponse(302, headers=(location,)).to_bytes())
            return True
        response = self.server.correct_response(step, headers, content)
        match fault:
            case "reset after the request was read":
                self.reset()
                return False
            case "no response":
                self.server.is_closing.wait(5)
                return False
            case "slow bytes":
                raw = response.to_bytes()
                for start in range(0, len(raw), max(1, len(raw) // 50)):
                    self.request.sendall(raw[start : start + max(1, len(raw) // 50)])
                return True
            case "an interrupted body":
                half = b"" if self.server.is_permanent else response.body[: len(response.body) // 2]
                self.request.sendall(response._replace(body=half, length=len(response.body)).to_bytes())
                return False
            case "truncated JSON":
                response = response._replace(body=response.body[: len(response.body) // 2])
            case "another Content-Type":
                response = response._replace(type="text/plain; charset=utf-16")
        self.request.sendall(response.to_bytes())
        return True

    def reset(self) -> None:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.request.close()


class FaultyServer(socketserver.ThreadingTCPServer):
    """A small Replicate with one fault, at one step, once or permanently."""

    daemon_threads = True
    request_queue_size = 50

    def __init__(self, redirect_target: FaultyServer | None = None) -> None:
        super().__init__(("127.0.0.1", 0), FaultyHandler)
        self.generation = 0
        self.other_host = redirect_target
        self.is_closing = threading.Event()
        self.inject(None, None)
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()

    def inject(
        self, step: str | None, fault: str | None, *, is_permanent: bool = False, has_stream: bool = False
    ) -> None:
        """Reset the server, and let a fault occur at a step, on the first request only unless it is permanent.

        The server has another URL from now on: a late request of a call before this one is not counted.
        """
        self.generation += 1
        self.url = f"http://127.0.0.1:{self.server_address[1]}/{self.generation}"
        self.step, self.fault, self.is_permanent, self.has_stream = step, fault, is_permanent, has_stream
        self.has_occurred = False
        self.created, self.canceled, self.polls, self.polls_until_done = 0, 0, 0, 2
        self.token_received: list[bool] = []
        """For every request, whether it had an Authorization header."""

    def fault_at(self, step: str) -> str | None:
        return self.fault if step == self.step and (self.is_permanent or not self.has_occurred) else None

    def step_of(self, headers: bytes) -> str | None:
        """Return the step that a request belongs to; None if its first line is incomplete, or if it is late."""
        match = re.match(rb"(\w+) /%d(/\S*) " % self.generation, headers)
        if match is None:
            return None
        method, path = match[1].decode(), match[2].decode()
        if path.endswith("/cancel"):
            return "cancel"
        if path.startswith("/stream"):
            return "stream"
        if path.startswith("/outputs"):
            return "download"
        if path == "/v1/files":
            return "upload"
        if "cursor=2" in path:
            return "second page"
        if path.startswith("/v1/models/") and method == "GET":
            return "look-up"
        if path.startswith("/v1/predictions?") or path == "/v1/predictions":
            return "list"
        return "create" if method == "POST" else "poll"

    def correct_response(self, step: str, headers: str, content: bytes) -> RawResponse:
        match step:
            case "create":
                self.created += 1
                return RawResponse(201, self.prediction("starting"))
            case "look-up":
                return RawResponse(200, b'{"owner": "acme", "name": "hello", "is_official": true}')
            case "poll":
                self.polls += 1
                return RawResponse(
                    200, self.prediction("succeeded" if self.polls >= self.polls_until_done else "processing")
                )
            case "cancel":
                self.canceled += 1
                return RawResponse(200, self.prediction("canceled"))
            case "upload":
                self.created += 1
                return RawResponse(201, json.dumps({"id": "f", "urls": {"get": "https://x.example/f"}}).encode())
            case "list" | "second page":
                number = 2 if step == "second page" else 1
                next_url = f"{self.url}/v1/predictions?cursor=2" if number == 1 else None
                results = [{"id": f"job{number}"}] if self.created == 0 else []
                return RawResponse(200, json.dumps({"next": next_url, "results": results}).encode())
            case "stream":
                events = [f"event: output\nid: 1:{n}\ndata: {token}\n\n" for n, token in enumerate(TOKENS)]
                events.append("event: done\nid: 1:9\ndata: {}\n\n")
                last = re.search(r"(?i)last-event-id: 1:(\d+)", headers)
                skip = int(last[1]) + 1 if last else 0
                return RawResponse(200, "".join(events[skip:]).encode(), "text/event-stream")
            case "download":
                byte_range = re.search(r"(?i)range: bytes=(\d+)-", headers)
                start = int(byte_range[1]) if byte_range else 0
                content_range = ("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
                extra = (("ETag", '"tag"'), *((content_range,) if byte_range else ()))
                return RawResponse(206 if byte_range else 200, CONTENT[start:], "image/png", extra)
        raise AssertionError(step)

    def prediction(self, status: str) -> bytes:
        output = TOKENS if status == "succeeded" else None
        return json.dumps(
            {
                "id": "x0fmfzfcf5rma0cq65c825tcbm",
                "model": "acme/hello",
                "version": "hidden",
                "input": {"prompt": "x"},
                "status": status,
                "output": output,
                "error": None,
                "logs": "",
                "created_at": "2026-03-16T10:11:12Z",
                "urls": {"stream": f"{self.url}/stream"} if self.has_stream else {},
            }
        ).encode()
