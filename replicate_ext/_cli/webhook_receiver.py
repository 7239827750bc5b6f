"""A server on this machine that receives webhooks and verifies them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from queue import SimpleQueue
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from ..errors import ReplicateError, WebhookError

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training

Verify = Callable[[bytes, list[tuple[str, str]]], "Prediction | Training"]
"""Returns the content of a delivery, given its body and headers; or raises WebhookError, if it is not authentic."""

HOST = "127.0.0.1"

MAX_SIZE = 64 * 2**20
"""Bytes of a body, which has the input and output of a prediction, perhaps as data URIs."""

MAX_LINE = 65536
"""Bytes of a line between the chunks of a body; as of a header in `http.client`."""

POLL_INTERVAL = 0.1
"""Seconds within which the server stops."""


class WebhookReceiver(ThreadingTCPServer):
    """Yields the predictions and trainings of authentic deliveries, and lines of text about refused requests.

    Not an HTTPServer, which resolves its own host name before it listens.

    Args:
        port: The port on 127.0.0.1, or 0 for a free one.
        path: The path of its URL.
        verify: Verifies each delivery.

    Raises:
        OSError: It cannot listen on the port.
    """

    allow_reuse_address = sys.platform != "win32"  # there it would share the port with another process
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, path: str, verify: Verify) -> None:
        self.path, self.verify = path, verify
        self.deliveries: SimpleQueue[Prediction | Training | str] = SimpleQueue()
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            text = f"cannot listen on {HOST}, port {port}: {error.strerror}; without --port, a free one is chosen"
            raise OSError(error.errno, text) from error
        self.url = f"http://{HOST}:{self.server_address[1]}{path}"

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=[POLL_INTERVAL], daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self.server_close()

    def __iter__(self) -> Iterator[Prediction | Training | str]:
        while True:
            yield self.deliveries.get()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report a connection that failed."""
        self.deliveries.put(f"a request failed: {sys.exception()!r}")


class _Handler(BaseHTTPRequestHandler):
    server: WebhookReceiver  # pyright: ignore[reportIncompatibleVariableOverride]  # socketserver sets it
    timeout = 30
    """Seconds for which a sender may pause."""

    def do_POST(self) -> None:
        body = self._read_body()  # before any response: closing a connection with unread bytes would reset it
        if body is None:
            self._refuse(413, f"the body is larger than {MAX_SIZE:,} bytes")
        elif self.path.partition("?")[0] != self.server.path:
            self._refuse(404, "no such path")
        else:
            self._receive(body)

    def _read_body(self) -> bytes | None:
        """Return the body, or None if it is too large; ValueError if its framing is invalid (RFC 9112, 6 and 7.1)."""
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self._read(int(self.headers.get("content-length", 0)))
        body = b""  # a tunnel may forward it in chunks
        while size := int(self.rfile.readline(MAX_LINE).partition(b";")[0], 16):
            chunk = self._read(size) if len(body) + size <= MAX_SIZE else None
            if chunk is None:
                return None
            body += chunk
            self.rfile.readline(MAX_LINE)  # the end of the chunk
        while self.rfile.readline(MAX_LINE).strip():
            pass  # trailer fields
        return body

    def _read(self, size: int) -> bytes | None:
        if size < 0:
            raise ValueError(f"a size of {size} bytes")
        return self.rfile.read(size) if size <= MAX_SIZE else None

    def _receive(self, body: bytes) -> None:
        try:
            delivery = self.server.verify(body, self.headers.items())
        except WebhookError as error:
            self._refuse(400, str(error))
        except ReplicateError as error:  # the secret could not be fetched; after a 5xx the delivery is repeated
            self._refuse(503, str(error))
        else:
            self._respond(200)
            self.server.deliveries.put(delivery)

    def _refuse(self, status: int, reason: str) -> None:
        self._respond(status)
        self.server.deliveries.put(f"refused with {status}: {self.command} {self.path}: {reason}")

    def _respond(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: what arrives is printed."""
