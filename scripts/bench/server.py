"""The API, as fast as Python can be: one process, made-up bodies, nothing but what the works need.

python server.py FOLDER     prints its addresses, without and with TLS, and serves until its standard input ends

In FOLDER it leaves the usual authorities and its own (`authorities.pem`), and its own alone (`authority.pem`).

What a create's input says is what its model does: `seconds` it takes, `stream` whether it has a stream, `events` how
many of them, `odd` the odd ones. Below `/n1234` the list of models has 1,234 items. `GET /_count` answers the requests
and the new connections since it was asked last.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import itertools
import json
import re
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bodies
import certifi
import odd
import trustme
import uvloop

HEADERS = (
    "Date: Mon, 02 Jun 2025 15:53:20 GMT\r\nConnection: keep-alive\r\nCF-Cache-Status: DYNAMIC\r\n"
    "CF-Ray: 94981ee0c8a1b2c3-FRA\r\nServer: cloudflare\r\nratelimit-remaining: 2999\r\nratelimit-reset: 1\r\n"
    "replicate-edge-cluster: edge-b-ric1\r\nStrict-Transport-Security: max-age=15552000\r\n"
    "Via: 1.1 vegur, 1.1 google\r\n"
    'NEL: {"success_fraction":0,"report_to":"cf-nel","max_age":604800}\r\n'
    'Report-To: {"endpoints":[{"url":"https:\\/\\/a.nel.cloudflare.com\\/report\\/v4?s=k3"}],"group":"cf-nel"}\r\n'
    "Vary: Accept-Encoding\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: same-origin\r\n"
)
STREAM_HEADERS = (
    "Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked"
)
PIECE = 256 * 1024
BATCH = 64


class Job(NamedTuple):
    """A prediction that was created, and what its model does."""

    since: float
    created: float
    input: dict[str, Any]

    @property
    def seconds(self) -> float:
        return float(self.input.get("seconds", 0))

    @property
    def output(self) -> list[str]:
        if self.input.get("odd"):
            return [data for _, data in odd.ODD]
        return ["word "] * self.input["events"] if "events" in self.input else bodies.OUTPUT


class State:
    """What all connections share."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.requests = self.connections = 0
        self.jobs: dict[str, Job] = {}
        self.numbers = itertools.count(1)
        self.page = bodies.Page(base)
        self.sample = answer(200, json.dumps(bodies.sample(base)).encode())
        self.zipped_sample = zipped(json.dumps(bodies.sample(base)).encode())
        self.account = zipped(json.dumps(bodies.account()).encode())


def head(status: int, more: str, type: str = "application/json") -> bytes:
    """Return the head of an answer."""
    return f"HTTP/1.1 {status} OK\r\nContent-Type: {type}\r\n{HEADERS}{more}\r\n\r\n".encode()


def answer(status: int, body: bytes, more: str = "") -> bytes:
    """Return a whole answer, as the API answers a POST."""
    return head(status, f"{more}Content-Length: {len(body)}") + body


def zipped(body: bytes) -> bytes:
    """Return a whole answer, as the API answers a GET."""
    return chunked(gzip.compress(body, 6, mtime=0))


def chunked(body: bytes) -> bytes:
    """Return a whole answer of compressed bytes."""
    return head(200, "Content-Encoding: gzip\r\nTransfer-Encoding: chunked") + chunk(body) + b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return one chunk of HTTP."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Connection(asyncio.Protocol):
    """One connection: requests in, one after another, answers out."""

    def __init__(self, state: State, loop: asyncio.AbstractEventLoop) -> None:
        self.state, self.loop = state, loop
        self.rest = b""
        self.is_counted = self.is_closed = False
        self.request: tuple[str, str, bytes] | None = None
        self.left = 0  # bytes of the body still to come
        self.body: list[bytes] | None = None  # None where it is not kept
        self.chunked = False
        self.size = 0
        self.pieces: Iterator[bytes | memoryview] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(high=1 << 20)
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.is_closed, self.pieces = True, None

    def data_received(self, data: bytes) -> None:
        while data or self.rest:
            if self.request is not None:
                data, self.rest = self.rest + data if self.rest else data, b""
                data = self._body(data)
                if self.request is not None:
                    self.rest = data  # a part of a chunk's head
                    return
                continue
            data, self.rest = self.rest + data if self.rest else data, b""
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self.rest = data
                return
            self._begin(data[:end])
            data = data[end + 4 :]
            if not self.left and not self.chunked:
                self._respond()

    def _begin(self, text: bytes) -> None:
        method, path, _ = text[: text.index(b"\r\n")].decode("ascii").split(" ")
        headers = text.lower()
        self.request = method, path, headers
        length = re.search(rb"\r\ncontent-length: *(\d+)", headers)
        self.left = int(length[1]) if length else 0
        self.chunked = b"\r\ntransfer-encoding: chunked" in headers
        self.body = None if path.endswith("/files") else []
        self.size = 0

    def _body(self, data: bytes) -> bytes:
        """Take what belongs to the body, and return what does not."""
        while data:
            if self.chunked and not self.left:
                line, found, after = data.partition(b"\r\n")
                if not found:
                    return data
                if not line:  # the end of a chunk
                    data = after
                    continue
                if not int(line, 16):
                    if not after.startswith(b"\r\n"):
                        return data
                    self.chunked = False
                    self._respond()
                    return after[2:]
                self.left, data = int(line, 16), after
            taken = data[: self.left]
            data = data[len(taken) :]
            self.left -= len(taken)
            self.size += len(taken)
            if self.body is not None:
                self.body.append(taken)
            if not self.left and not self.chunked:
                self._respond()
                return data
        return data

    def _respond(self) -> None:
        assert self.request is not None
        (method, path, headers), self.request = self.request, None
        state = self.state
        if path == "/_count":
            counted = {"requests": state.requests, "connections": state.connections}
            state.requests = state.connections = 0
            self.transport.write(answer(200, json.dumps(counted).encode()))
            return
        if path == "/_odd":
            self.transport.write(answer(200, json.dumps([data for _, data in odd.ODD]).encode()))
            return
        state.requests += 1
        if not self.is_counted:
            self.is_counted = True
            state.connections += 1
        path, _, query = path.partition("?")
        total, under = 20_000, ""
        if path.startswith("/n"):
            under, _, path = path[1:].partition("/")
            total, under, path = int(under[1:]), f"/{under}", f"/{path}"
        if method == "POST":
            self._post(path, headers)
        elif path.startswith("/v1/predictions/"):
            self._prediction(path[16:], b"gzip" in headers)
        elif path.startswith("/stream/"):
            self._stream(path[8:])
        elif path == "/v1/models":
            self._page(total, under, query, b"gzip" in headers)
        elif path.startswith("/v1/models/acme/model-"):
            body = json.dumps(bodies.model(state.base, path[16:])).encode()
            self.transport.write(zipped(body) if b"gzip" in headers else answer(200, body))
        elif path == "/v1/account":
            self.transport.write(state.account)
        elif path.startswith("/files/"):
            self._file(int(path[7:]))
        else:
            self.transport.write(
                answer(404, b'{"detail": "The requested resource could not be found.", "status": 404}')
            )

    def _post(self, path: str, headers: bytes) -> None:
        state = self.state
        if path == "/v1/files":
            self.transport.write(answer(201, json.dumps(bodies.file(state.base, self.size)).encode()))
            return
        if path.endswith("/cancel"):
            self._prediction(path[16:-7], False)
            return
        input = json.loads(b"".join(self.body or [])).get("input") or {}
        id = f"{next(state.numbers):026}"
        job = state.jobs[id] = Job(self.loop.time(), time.time(), input)
        is_streamed = any(input.get(name) for name in ("stream", "events", "odd"))
        stream = f"/stream/{id}" if is_streamed else None
        prefer = re.search(rb"\r\nprefer: *(wait\S*)", headers)
        if not prefer:
            created = bodies.prediction(state.base, id, input, "starting", stream, job.created)
            self.transport.write(answer(201, json.dumps(created).encode()))
            return
        done = bodies.prediction(state.base, id, input, "processing", stream, job.created) | {"output": job.output}
        reply = answer(201, json.dumps(done).encode(), f"Preference-Applied: {prefer[1].decode()}\r\n")
        self._later(job.seconds, lambda: self.transport.write(reply))

    def _later(self, seconds: float, call: Callable[[], object]) -> None:
        if seconds <= 0:
            call()
        else:
            self.loop.call_later(seconds, lambda: None if self.is_closed else call())

    def _prediction(self, id: str, gzips: bool) -> None:
        state = self.state
        job = state.jobs.get(id)
        if job is None:
            self.transport.write(state.zipped_sample if gzips else state.sample)
            return
        elapsed = self.loop.time() - job.since
        status = "processing" if elapsed > 0.02 else "starting"
        shown = bodies.prediction(state.base, id, job.input, status, created=job.created)
        if elapsed >= job.seconds:
            shown = bodies.finished(shown, job.output, job.seconds, job.created)
        body = json.dumps(shown).encode()
        self.transport.write(zipped(body) if gzips else answer(200, body))

    def _page(self, total: int, under: str, query: str, gzips: bool) -> None:
        at = int(query.removeprefix("cursor=") or 0) + bodies.PAGE
        next = f"{self.state.base}{under}/v1/models?cursor={at}" if at < total else None
        page = self.state.page
        self.transport.write(chunked(page.gzipped(next)) if gzips else answer(200, page.plain(next)))

    def _stream(self, id: str) -> None:
        job = self.state.jobs[id]
        self.transport.write(
            head(200, STREAM_HEADERS, type="x").replace(b"Content-Type: x\r\n", b"") + chunk(b": hi\n\n")
        )
        if job.input.get("odd"):
            text = odd.wire()
            pieces = [chunk(text[at : at + 7]) for at in range(0, len(text), 7)]
            self._send(iter([*pieces, *_events([], "odd:18")]))
        elif "events" in job.input:
            self._send(_events(job.output, f"1690212292:{len(job.output)}"))
        else:
            self._later(
                max(0.0, job.seconds - (self.loop.time() - job.since)),
                lambda: self._send(_events(["".join(job.output)], "1690212292:1")),
            )

    def _file(self, size: int) -> None:
        more = f'Content-Length: {size}\r\nAccept-Ranges: bytes\r\nETag: "{size:032x}"'
        self.transport.write(head(200, more, "application/octet-stream"))
        piece = memoryview(ZEROS)
        self._send(piece[: min(PIECE, size - at)] for at in range(0, size, PIECE))

    def _send(self, pieces: Iterator[bytes | memoryview]) -> None:
        """Send them as fast as they are read."""
        self.pieces, self.is_paused = pieces, False
        self.resume_writing()

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        self.is_paused = False
        while self.pieces is not None and not self.is_paused:
            piece = next(self.pieces, None)
            if piece is None:
                self.pieces = None
            else:
                self.transport.write(piece)


ZEROS = bytes(PIECE)


def _events(output: list[str], last: str) -> Iterator[bytes]:
    """Yield output events, each in a chunk of its own, some chunks at a time, and the end."""
    batch = []
    for number, data in enumerate(output):
        batch.append(chunk(f"event: output\nid: 1690212292:{number}\ndata: {data}\n\n".encode()))
        if len(batch) == BATCH:
            yield b"".join(batch)
            batch = []
    yield b"".join([*batch, chunk(f"event: done\nid: {last}\ndata: {{}}\n\n".encode()), b"0\r\n\r\n"])


def certificate(folder: Path) -> ssl.SSLContext:
    """Return what TLS needs; whoever reads `authorities.pem` reads as much as those who trust the usual ones do."""
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    own = authority.cert_pem.bytes()
    (folder / "authority.pem").write_bytes(own)
    (folder / "authorities.pem").write_bytes(Path(certifi.where()).read_bytes() + own)
    return context


async def serve() -> None:
    """Print the addresses, and serve until standard input ends."""
    loop = asyncio.get_running_loop()
    plain, secure = (socket.create_server(("127.0.0.1", 0), backlog=4096) for _ in range(2))
    state = State(f"http://127.0.0.1:{plain.getsockname()[1]}")
    await loop.create_server(lambda: Connection(state, loop), sock=plain, backlog=4096)
    await loop.create_server(lambda: Connection(state, loop), sock=secure, ssl=certificate(Path(sys.argv[1])))
    gc.collect()
    gc.disable()
    print(state.base, f"https://127.0.0.1:{secure.getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


uvloop.run(serve())
