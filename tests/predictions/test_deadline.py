"""`timeout` bounds everything that a call does: uploads, look-ups, the create, and every byte of every response."""

import asyncio
import socketserver
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conftest import TOKEN, Harness, json_response, prediction
from raw_server import serve_in_thread
from replicate_ext import AsyncReplicate, Replicate, WaitTimeoutError

TIMEOUT = 0.25


@pytest.fixture(autouse=True)
def _short_minimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give requests near the deadline less than the usual second."""
    monkeypatch.setattr("replicate_ext._send.MIN_TIMEOUT", 0.05)


def trickle(head: str) -> type[socketserver.BaseRequestHandler]:
    """Return a handler that sends a byte every 20 ms, for ever, after the beginning of a response."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.server.received.append(self.request.recv(65536))  # type: ignore[attr-defined]
            try:
                self.request.sendall(head.encode())
                while True:
                    self.request.sendall(b"x")
                    time.sleep(0.02)
            except OSError:
                pass

    return Handler


def call(client_kind: str, base_url: str, use: Callable[[Any], Any]) -> None:
    """Make a call on one kind of client, without retries."""
    if client_kind == "sync":
        with Replicate(TOKEN, base_url=base_url, max_retries=0) as client:
            use(client)
        return

    async def main() -> None:
        async with AsyncReplicate(TOKEN, base_url=base_url, max_retries=0) as client:
            await use(client)

    asyncio.run(main())


HEADERS = "HTTP/1.1 200 OK\r\nX-Slow: "
BODY = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
ERROR_BODY = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"


@pytest.mark.parametrize("head", [HEADERS, BODY, ERROR_BODY], ids=["headers", "body", "error body"])
@pytest.mark.parametrize("verb", ["run", "wait"])
def test_trickling_response_ends_with_the_timeout(client_kind: str, head: str, verb: str) -> None:
    def use(client: Any) -> Any:
        if verb == "wait":
            return client.wait("abc", timeout=TIMEOUT, cancel_on_exit=False)
        return client.run("acme/hello", timeout=TIMEOUT, cancel_on_exit=False)

    with serve_in_thread(trickle(head)) as server:
        started = time.monotonic()
        with pytest.raises(WaitTimeoutError):
            call(client_kind, server.url, use)
        assert time.monotonic() - started < 2
        assert len(server.received) <= 1  # on a busy machine the timeout may come first


def test_trickling_upload_response_ends_with_the_timeout_and_creates_nothing(client_kind: str) -> None:
    def use(client: Any) -> Any:
        return client.run("acme/hello", {"file": b"x" * 300_000}, timeout=TIMEOUT, check=False)

    with serve_in_thread(trickle(BODY)) as server:
        with pytest.raises(WaitTimeoutError, match="no prediction was created"):
            call(client_kind, server.url, use)
        assert [request.partition(b" HTTP")[0] for request in server.received] == [b"POST /v1/files"]


def test_nothing_is_created_after_the_deadline(harness: Harness) -> None:
    def upload_slowly(request: httpx.Request) -> httpx.Response:
        harness.clock.time += 10
        return json_response({"id": "f", "urls": {"get": "https://x.example/f"}}, 201)

    harness.server.respond_with(upload_slowly, json_response(prediction(), 201))
    with pytest.raises(WaitTimeoutError, match="no prediction was created"):
        harness.call(harness.client.run("acme/hello", {"file": b"x" * 300_000}, timeout=5))
    assert harness.server.requested == ["POST /files"]


def test_hold_and_lifetime_are_what_is_left_after_the_uploads(harness: Harness) -> None:
    def upload_slowly(request: httpx.Request) -> httpx.Response:
        harness.clock.time += 10
        return json_response({"id": "f", "urls": {"get": "https://x.example/f"}}, 201)

    harness.server.respond_with(upload_slowly, json_response(prediction(output="x"), 201))
    harness.call(harness.client.run("acme/hello", {"file": b"x" * 300_000}, timeout=30))
    headers = harness.server.requests[-1].headers
    assert (headers["prefer"], headers["cancel-after"]) == ("wait=20", "25s")


def test_timeout_during_the_look_up_of_the_version_creates_nothing(harness: Harness) -> None:
    def time_out(request: httpx.Request) -> httpx.Response:
        harness.clock.time += 10
        raise httpx.ReadTimeout("late")

    harness.server.respond_with(json_response({}, 404), time_out)
    with pytest.raises(WaitTimeoutError, match="no prediction was created"):
        harness.call(harness.client.run("acme/poet", timeout=5))
    assert harness.server.requested == ["POST /models/acme/poet/predictions", "GET /models/acme/poet"]


def test_files_of_a_result_have_no_deadline(harness: Harness) -> None:
    output = "https://replicate.delivery/a.txt"
    harness.server.respond_with(json_response(prediction(output=output), 201), httpx.Response(200, content=b"late"))
    file = harness.call(harness.client.run("acme/hello", timeout=7))
    harness.clock.time += 60
    assert harness.call(file.read()) == b"late"
