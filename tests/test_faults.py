"""The fault matrix: every verb, on both clients and over aiohttp, on real connections, at a server full of faults.

For each cell it is written down what must come of it: the right result, or the right error. Beyond that, in every cell:
no job is created twice, unless the first create was surely refused; no other host sees the token; no file is left half
written.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from conftest import TOKEN, Clock
from replicate_ext import (
    APIStatusError,
    AsyncReplicate,
    ConnectionFailed,
    RateLimited,
    Replicate,
    ReplicateError,
    ResponseError,
    ServerError,
    TimedOut,
    WaitTimeout,
)
from replicate_ext._files.outputs import files

RIGHT = "the right result"
CONTENT = bytes(range(256)) * 64
TOKENS = ["Once ", "upon ", "a ", "time"]


# What a server can do wrong


class Answer(NamedTuple):
    status: int = 200
    body: bytes = b""
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None
    """The Content-Length, if it is not the body's."""

    def raw(self) -> bytes:
        length = len(self.body) if self.length is None else self.length
        lines = [
            f"HTTP/1.1 {self.status} So",
            f"Content-Type: {self.type}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


PAGE = b"<html><head><title>Something is wrong</title></head><body>so it is</body></html>"
PROBLEM = json.dumps({"title": "No", "detail": "not now", "status": 0}).encode()

REPLACED = {
    "an HTML page": Answer(200, PAGE, "text/html"),
    "429": Answer(429, b"{}"),
    "429, Retry-After": Answer(429, b"{}", headers=(("Retry-After", "2"),)),
    "429, hint in the body": Answer(429, b'{"detail": "Request was throttled.", "retry_after": 3}'),
    "500": Answer(500, PROBLEM),
    "502, a page": Answer(502, PAGE, "text/html"),
    "503": Answer(503, PROBLEM),
    "503, Retry-After": Answer(503, PROBLEM, headers=(("Retry-After", "1"),)),
    "520, a page": Answer(520, PAGE, "text/html"),
    "599": Answer(599, b""),
    "418": Answer(418, PROBLEM),
}
FAULTS = [
    "reset before the request is read",
    "reset after the request was read",
    "no answer",
    "slow bytes",
    "a cut body",
    "truncated JSON",
    "another Content-Type",
    "a redirect to another host",
    *REPLACED,
]


class Handler(socketserver.BaseRequestHandler):
    """Speaks just enough HTTP to do it wrong on purpose."""

    server: Misbehaving
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
                    self.server.spend()
                    return self.reset()
                buffer += self.request.recv(len(peeked))
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            length = int((re.search(rb"(?i)content-length: (\d+)", head) or [0, 0])[1])
            while len(buffer) < length:
                buffer += self.request.recv(65536)
            content, buffer = buffer[:length], buffer[length:]
            if not self.answer(head.decode(), content):
                return

    def answer(self, head: str, content: bytes) -> bool:
        """Answer a request, rightly or wrongly, and say whether the connection is still good."""
        step = self.server.step_of(head.encode()) or ""
        self.server.tokens.append("authorization" in head.lower())
        fault = self.server.fault_at(step)
        if fault is not None:
            self.server.spend()
        if fault in REPLACED:
            self.request.sendall(REPLACED[fault].raw())
            return True
        if fault == "a redirect to another host":
            location = ("Location", f"{self.server.elsewhere}{head.split()[1]}")
            self.request.sendall(Answer(302, headers=(location,)).raw())
            return True
        right = self.server.right(step, head, content)
        match fault:
            case "reset after the request was read":
                self.reset()
                return False
            case "no answer":
                self.server.over.wait(5)
                return False
            case "slow bytes":
                raw = right.raw()
                for start in range(0, len(raw), max(1, len(raw) // 50)):
                    self.request.sendall(raw[start : start + max(1, len(raw) // 50)])
                return True
            case "a cut body":
                half = b"" if self.server.always else right.body[: len(right.body) // 2]
                self.request.sendall(right._replace(body=half, length=len(right.body)).raw())
                return False
            case "truncated JSON":
                right = right._replace(body=right.body[: len(right.body) // 2])
            case "another Content-Type":
                right = right._replace(type="text/plain; charset=utf-16")
        self.request.sendall(right.raw())
        return True

    def reset(self) -> None:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.request.close()


class Misbehaving(socketserver.ThreadingTCPServer):
    """A little Replicate with one fault."""

    daemon_threads = True
    request_queue_size = 50

    def __init__(self, elsewhere: Misbehaving | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.elsewhere = elsewhere.url if elsewhere else ""
        self.over = threading.Event()
        self.begin(None, None, False)
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()

    def begin(self, step: str | None, fault: str | None, always: bool) -> None:
        self.step, self.fault, self.always = step, fault, always
        self.is_spent = False
        self.accepted, self.canceled, self.looks, self.ends_after = 0, 0, 0, 2
        self.uploads: list[bytes] = []
        self.tokens: list[bool] = []

    def fault_at(self, step: str) -> str | None:
        return self.fault if step == self.step and (self.always or not self.is_spent) else None

    def spend(self) -> None:
        self.is_spent = True

    def step_of(self, head: bytes) -> str | None:
        match = re.match(rb"(\w+) (/\S*)", head)
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
        if path.startswith("/v1/predictions?") or path == "/v1/predictions":
            return "list"
        return "create" if method == "POST" else "look"

    def right(self, step: str, head: str, content: bytes) -> Answer:
        match step:
            case "create":
                self.accepted += 1
                return Answer(201, self.job("starting"))
            case "look":
                self.looks += 1
                return Answer(200, self.job("succeeded" if self.looks >= self.ends_after else "processing"))
            case "cancel":
                self.canceled += 1
                return Answer(200, self.job("canceled"))
            case "upload":
                self.accepted += 1
                self.uploads.append(content)
                return Answer(201, json.dumps({"id": "f", "urls": {"get": "https://x.example/f"}}).encode())
            case "list" | "second page":
                number = 2 if step == "second page" else 1
                following = f"{self.url}/v1/predictions?cursor=2" if number == 1 else None
                results = [{"id": f"job{number}"}] if self.accepted == 0 else []
                return Answer(200, json.dumps({"next": following, "results": results}).encode())
            case "stream":
                events = [f"event: output\nid: 1:{n}\ndata: {token}\n\n" for n, token in enumerate(TOKENS)]
                events.append("event: done\nid: 1:9\ndata: {}\n\n")
                last = re.search(r"(?i)last-event-id: 1:(\d+)", head)
                skip = int(last[1]) + 1 if last else 0
                return Answer(200, "".join(events[skip:]).encode(), "text/event-stream")
            case "download":
                ranged = re.search(r"(?i)range: bytes=(\d+)-", head)
                start = int(ranged[1]) if ranged else 0
                span = ("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
                headers = (("ETag", '"tag"'), *((span,) if ranged else ()))
                return Answer(206 if ranged else 200, CONTENT[start:], "image/png", headers)
        raise AssertionError(step)

    def job(self, status: str) -> bytes:
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
                "urls": {"stream": f"{self.url}/stream"} if self.step_has_stream else {},
            }
        ).encode()

    step_has_stream = False


# What is done with it


class Verb(NamedTuple):
    name: str
    steps: tuple[str, ...]
    result: object


VERBS = [
    Verb("run", ("create", "look"), TOKENS),
    Verb("wait", ("look",), TOKENS),
    Verb("stream", ("create", "stream", "look"), "".join(TOKENS)),
    Verb("paginate", ("list", "second page"), [["job1"], ["job2"]]),
    Verb("upload", ("upload",), "f"),
    Verb("download", ("download",), CONTENT),
]


async def do(verb: str, client: Any, server: Misbehaving, folder: Path, timeout: float | None) -> object:
    """Do it, on the async client; the sync one is done in `do_blocking`."""
    match verb:
        case "run":
            return await client.run("acme/hello", {"prompt": "x"}, wait=False, timeout=timeout)
        case "wait":
            return (await client.wait("x0fmfzfcf5rma0cq65c825tcbm", timeout=timeout)).output
        case "stream":
            return "".join([str(event) async for event in client.stream("acme/hello", {"prompt": "x"})])
        case "paginate":
            return [[job.id for job in page] async for page in client.paginate(client.predictions.list)]
        case "upload":
            return (await client.files.create(content=b"x" * 1000)).id
        case _:
            path = await files(f"{server.url}/outputs/out.png", client._wire).save(folder / "out.png")
            return path.read_bytes()


def do_blocking(verb: str, client: Any, server: Misbehaving, folder: Path, timeout: float | None) -> object:
    match verb:
        case "run":
            return client.run("acme/hello", {"prompt": "x"}, wait=False, timeout=timeout)
        case "wait":
            return client.wait("x0fmfzfcf5rma0cq65c825tcbm", timeout=timeout).output
        case "stream":
            return "".join(str(event) for event in client.stream("acme/hello", {"prompt": "x"}))
        case "paginate":
            return [[job.id for job in page] for page in client.paginate(client.predictions.list)]
        case "upload":
            return client.files.create(content=b"x" * 1000).id
        case _:
            return files(f"{server.url}/outputs/out.png", client._wire).save(folder / "out.png").read_bytes()


def attempt(
    kind: str,
    verb: str,
    server: Misbehaving,
    folder: Path,
    *,
    base_url: str | None = None,
    timeout: float | None = None,
) -> object:
    """Return the result of a verb, or the error that it raised."""
    clock = Clock()
    try:
        if kind == "sync":
            with Replicate(TOKEN, base_url=base_url or server.url, timeout=0.25) as client:
                client._wire.now, client._wire._sleep = clock.now, clock.sleep
                return do_blocking(verb, client, server, folder, timeout)

        async def main() -> object:
            async with AsyncReplicate(TOKEN, base_url=base_url or server.url, timeout=0.25) as client:
                client._wire.now, client._wire._sleep = clock.now, clock.asleep
                return await do(verb, client, server, folder, timeout)

        return asyncio.run(main())
    except ReplicateError as error:
        return error


# What must come of it

CREATES = ("create", "upload")
"""Steps that must not be repeated unless they were surely refused."""

AMBIGUOUS: dict[str, type[ReplicateError]] = {
    "reset before the request is read": ConnectionFailed,
    "reset after the request was read": ConnectionFailed,
    "no answer": TimedOut,
    "a cut body": ConnectionFailed,
    "truncated JSON": ResponseError,
    "an HTML page": ResponseError,
    "500": ServerError,
    "502, a page": ServerError,
    "503": ServerError,
    "520, a page": ServerError,
    "599": ServerError,
}
"""After these nobody knows whether a create was accepted; a read is repeated."""

REFUSED: dict[str, type[ReplicateError]] = {
    "429": RateLimited,
    "429, Retry-After": RateLimited,
    "429, hint in the body": RateLimited,
    "503, Retry-After": ServerError,
}
"""After these anything is repeated."""

FINAL: dict[str, type[ReplicateError]] = {"418": APIStatusError, "a redirect to another host": APIStatusError}
"""After these nothing is repeated."""


def expected(step: str, fault: str, always: bool) -> type[ReplicateError] | str:
    if step == "stream":
        return RIGHT  # whatever happens to the events, the prediction has them
    if step == "download":
        if fault in ("an HTML page", "truncated JSON"):
            return RIGHT  # it is what the host says the file is
        if fault == "a redirect to another host":
            return RIGHT
    if fault in FINAL:
        return FINAL[fault]
    if fault in AMBIGUOUS:
        return AMBIGUOUS[fault] if always or step in CREATES else RIGHT
    return REFUSED[fault] if fault in REFUSED and always else RIGHT


CELLS = [
    (verb, step, fault, always)
    for verb in VERBS
    for step in verb.steps
    for fault in FAULTS
    for always in (False, True)
    if not (always and fault == "no answer")  # six times a quarter of a second: seen once is enough
    if not (step == "download" and fault in ("an HTML page", "truncated JSON"))  # no fault there
]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Misbehaving, Misbehaving]]:
    other = Misbehaving()
    server = Misbehaving(other)
    yield server, other
    for one in (server, other):
        one.over.set()
        one.shutdown()
        one.server_close()


@pytest.mark.parametrize(
    ("verb", "step", "fault", "always"),
    CELLS,
    ids=[f"{verb.name}-{step}-{fault}{'-always' * always}" for verb, step, fault, always in CELLS],
)
def test_a_cell(servers, tmp_path: Path, kind: str, verb: Verb, step: str, fault: str, always: bool) -> None:
    server, other = servers
    for one in servers:
        one.begin(step if one is server else None, fault, always)
        one.step_has_stream = verb.name == "stream" and step != "look"
    outcome = attempt(kind, verb.name, server, tmp_path)
    wanted = expected(step, fault, always)
    if wanted is RIGHT:
        assert outcome == verb.result
        assert server.accepted <= 1
    else:
        assert isinstance(wanted, type)
        assert isinstance(outcome, wanted), outcome
        assert server.accepted <= 1
        is_unknown = step in CREATES and fault in AMBIGUOUS
        assert (outcome.maybe_created_after is not None) is is_unknown
        assert step != "look" or verb.name == "wait" or outcome.prediction is not None
    assert server.is_spent
    assert not any(other.tokens)
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert left == ({"out.png": CONTENT} if verb.name == "download" and wanted is RIGHT else {})


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_connection_that_is_refused(servers, tmp_path: Path, kind: str, verb: Verb) -> None:
    server, _ = servers
    server.begin(None, None, False)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}"
        living, server.url = server.url, dead
        try:
            outcome = attempt(kind, verb.name, server, tmp_path, base_url=dead)
        finally:
            server.url = living
    assert isinstance(outcome, ConnectionFailed)
    assert outcome.maybe_created_after is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["run", "wait"])
def test_a_prediction_that_never_ends(servers, tmp_path: Path, kind: str, verb: str) -> None:
    server, _ = servers
    server.begin(None, None, False)
    server.ends_after, server.step_has_stream = 10**9, False
    outcome = attempt(kind, verb, server, tmp_path, timeout=30)
    assert isinstance(outcome, WaitTimeout)
    assert outcome.prediction is not None
    assert (server.accepted, server.canceled) == (1 if verb == "run" else 0, 1)


def test_the_number_of_cells(capsys: pytest.CaptureFixture[str]) -> None:
    cells = 3 * (len(CELLS) + len(VERBS) + 2)
    with capsys.disabled():
        print(f"\nfault matrix: {cells} cells", end=" ")
    assert (
        {fault for _, _, fault, _ in CELLS}
        == set(FAULTS)
        == AMBIGUOUS.keys()
        | REFUSED.keys()
        | FINAL.keys()
        | {
            "slow bytes",
            "another Content-Type",
        }
    )
