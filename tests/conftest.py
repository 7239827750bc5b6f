"""Shared by all tests: a fake clock, a scripted server, a harness that runs a test on the sync and the async client."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from replicate_ext import AsyncReplicate, Replicate
from replicate_ext._files.wrap import wrap_files
from replicate_ext.emulator import Emulator

TOKEN = "r8_0123456789012345678901234567890123456"
BASE_URL = "https://api.replicate.com/v1"


def shared(name: str) -> Path:
    """Return a folder with material that must not be committed; skip the test on machines without it."""
    root = Path(os.environ.get("REPLICATE_EXT_SHARED") or Path(__file__).parents[2] / "shared")
    if not (root / name).exists():
        pytest.skip(f"{name} is not on this machine")
    return root / name


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C raise KeyboardInterrupt: the shell lets jobs in its background ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare every garbage collection the thousands of collected tests: it took a second in the end."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="record tests/recordings again")


# The private parts of a client that tests use: its clock, its configuration, its backend.


class FakeClock:
    """A clock that only advances when the client sleeps, or when a test sets `time`."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0, "time.sleep rejects negative numbers"
        self.sleeps.append(seconds)
        self.time += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)
        await asyncio.sleep(0)


def use_fake_clock(client: Any, clock: FakeClock) -> None:
    client._session.backend.monotonic = clock.monotonic
    replace_sleep(client, clock.sleep_async if isinstance(client, AsyncReplicate) else clock.sleep)


def replace_sleep(client: Any, sleep: Callable[[float], object]) -> None:
    client._session.backend._sleep = sleep


def config_of(client: Any) -> Any:
    return client._session.config


def wrap_output(client: Any, output: object, schema: dict[str, Any] | None = None) -> Any:
    """Wrap the files of an output as `client.run` does."""
    return wrap_files(output, client._session, schema)


# The scripted server


Response = httpx.Response | BaseException | Callable[[httpx.Request], httpx.Response]


class ScriptedServer:
    """Sends its `responses` in order, and the last one to all further requests. Records the requests."""

    def __init__(self) -> None:
        self.responses: list[Response] = []
        self.requests: list[httpx.Request] = []

    def respond_with(self, *responses: Response) -> ScriptedServer:
        """Append responses: responses to send, exceptions to raise, or functions of the request."""
        self.responses += responses
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        assert self.responses, f"unexpected request: {request.method} {request.url}"
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(response, BaseException):
            raise response
        if isinstance(response, httpx.Response):
            return httpx.Response(response.status_code, headers=response.headers, content=response.content)
        return response(request)

    @property
    def requested(self) -> list[str]:
        """Method and path, without `/v1`, of every request."""
        return [f"{request.method} {request.url.path.removeprefix('/v1')}" for request in self.requests]

    @property
    def cancels(self) -> list[str]:
        """Those of `requested` that cancel."""
        return [request for request in self.requested if request.endswith("/cancel")]

    def request_json(self, index: int = -1) -> Any:
        """Return the parsed body of a request, by default of the last one."""
        return json.loads(self.requests[index].content)


class ByteStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A response body in pieces; a piece that is an exception is raised."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self):
        for piece in self:
            yield piece

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


def json_response(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def prediction(status: str = "succeeded", **fields: Any) -> dict[str, Any]:
    """Return a prediction as the API sends it."""
    job = {
        "id": "x0fmfzfcf5rma0cq65c825tcbm",
        "model": "acme/hello",
        "version": "hidden",
        "input": {"text": "hi"},
        "logs": "",
        "output": None,
        "data_removed": False,
        "error": None,
        "status": status,
        "created_at": "2025-06-02T15:53:20.761Z",
        "urls": {
            "get": f"{BASE_URL}/predictions/x0fmfzfcf5rma0cq65c825tcbm",
            "cancel": f"{BASE_URL}/predictions/x0fmfzfcf5rma0cq65c825tcbm/cancel",
            "web": "https://replicate.com/p/x0fmfzfcf5rma0cq65c825tcbm",
        },
    }
    if status in ("succeeded", "failed", "canceled", "aborted"):
        job["completed_at"] = "2025-06-02T15:53:25.5Z"
    return job | fields


def delayed(clock: FakeClock, seconds: float, response: httpx.Response) -> Callable[[httpx.Request], httpx.Response]:
    """Return a response that takes some seconds of the fake clock."""

    def respond(request: httpx.Request) -> httpx.Response:
        clock.time += seconds
        return response

    return respond


def serve_ranges(content: bytes, interruptions: list[int], **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """Serve a file with range requests (RFC 9110, section 14).

    Each response is interrupted after the next number of bytes in `interruptions`; when none is left, the responses
    are complete.
    """

    def respond(request: httpx.Request) -> httpx.Response:
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        start = int(match[1]) if match else 0
        stop = int(match[2]) + 1 if match and match[2] else len(content)
        rest = content[start:stop]
        if match and start >= len(content):
            return httpx.Response(416)
        all_headers = {"content-length": str(len(rest)), **headers}
        if match:
            all_headers["content-range"] = f"bytes {start}-{start + len(rest) - 1}/{len(content)}"
        pieces = [rest[: interruptions.pop(0)], httpx.ReadError("reset")] if interruptions else [rest]
        return httpx.Response(206 if match else 200, stream=ByteStream(*pieces), headers=all_headers)

    return respond


def folder_contents(folder: Path) -> dict[str, bytes]:
    """Return the content of each file in a folder by its name."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# The harness


class Harness:
    """A client over the scripted server and the fake clock; `call` and `collect` hide whether it is async."""

    def __init__(
        self, server: ScriptedServer, clock: FakeClock, *, is_async: bool, checks_inputs: bool = False, **options: Any
    ) -> None:
        self.server, self.clock, self.is_async = server, clock, is_async
        cls: Any = AsyncReplicate if is_async else Replicate
        self.client: Any = cls(**{"api_token": TOKEN, "transport": httpx.MockTransport(server), **options})
        use_fake_clock(self.client, clock)
        if not checks_inputs:  # most tests script the requests of a run without the look-up of the schema
            self.client._predictions.known_models.check = _do_not_check

    def call(self, result: Any) -> Any:
        """Return the result of a call, which the async client returns as a coroutine."""
        return asyncio.run(_await(result)) if inspect.isawaitable(result) else result

    def collect(self, items: Any) -> list[Any]:
        """Return all items of an iterator of either kind."""
        collected: list[Any] = []
        self.for_each(items, collected.append)
        return collected

    def for_each(self, items: Any, function: Callable[[Any], object]) -> None:
        """Call a function with each item of an iterator of either kind."""
        if hasattr(items, "__aiter__"):
            asyncio.run(_async_for_each(items, function))
        else:
            for item in items:
                function(item)

    def wrap(self, output: object, schema: dict[str, Any] | None = None) -> Any:
        """Wrap the files of an output as `client.run` does."""
        return wrap_output(self.client, output, schema)


async def _do_not_check(session: object, ref: object, values: Any) -> Any:
    return values


async def _await(result: Any) -> Any:
    return await result


async def _async_for_each(items: Any, function: Callable[[Any], object]) -> None:
    async for item in items:
        function(item)


@pytest.fixture
def server() -> ScriptedServer:
    return ScriptedServer()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["sync", "async"])
def make_harness(request: pytest.FixtureRequest, server: ScriptedServer, clock: FakeClock) -> Callable[..., Harness]:
    """Return a function that makes a harness with options of the client; the test runs on both clients."""
    return lambda **options: Harness(server, clock, is_async=request.param == "async", **options)


@pytest.fixture
def harness(make_harness: Callable[..., Harness]) -> Harness:
    """Return a harness with the default options; the test runs on both clients."""
    return make_harness()


# Backends


@pytest.fixture
def without_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the async client use httpx's transport, as if the extra `fast` were not installed."""
    monkeypatch.setattr("replicate_ext._backends.pool.aiohttp_transport", lambda *_: None)


@pytest.fixture(params=["httpx", "aiohttp"])
def async_backend(request: pytest.FixtureRequest) -> None:
    """Run the test with both transports of the async client."""
    if request.param == "httpx":
        request.getfixturevalue("without_aiohttp")


@pytest.fixture(params=["sync", "async", "async-aiohttp"])
def client_kind(request: pytest.FixtureRequest) -> str:
    """Run the test with the sync client, and with both transports of the async client."""
    if request.param == "async":
        request.getfixturevalue("without_aiohttp")
    return str(request.param)


class AccountServer(ThreadingHTTPServer):
    """A real HTTP server on the loopback interface that responds to every GET with an account."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _AccountHandler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.received: list[tuple[str, str | None]] = []
        """Path and Authorization header of every request."""


class _AccountHandler(BaseHTTPRequestHandler):
    server: AccountServer

    def do_GET(self) -> None:
        self.server.received.append((self.path, self.headers.get("Authorization")))
        body = b'{"type": "user", "username": "me"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def account_server() -> Iterator[AccountServer]:
    server = AccountServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


# The emulator


@pytest.fixture
def emulator(replicate_emulator: Emulator) -> Emulator:
    """Return an emulator for one test."""
    return replicate_emulator


@pytest.fixture
def emulator_client(replicate_client: Replicate) -> Replicate:
    """Return a client of that emulator."""
    return replicate_client


@pytest.fixture
def api(emulator: Emulator) -> Emulator:
    """Return the emulator, under the name that its own tests use."""
    return emulator


@pytest.fixture
def client(emulator_client: Replicate) -> Replicate:
    """Return a client of the emulator, under the name that the emulator's tests use."""
    return emulator_client


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Remove the environment variables that configure a client, and give each test a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / f"cache-{uuid4()}"))
    for name in ("REPLICATE_API_TOKEN", "REPLICATE_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
