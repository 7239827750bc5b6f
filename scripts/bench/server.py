"""A fast stand-in for the API: one process, synthetic payloads, and only what the workloads need.

python server.py FOLDER     prints its two URLs, without and with TLS, and serves until its standard input is closed

It writes two files of CA certificates to FOLDER: its own (`ca.pem`), and its own with the usual ones (`ca-bundle.pem`).

The input of a create request determines what the model does: `seconds` is its duration, `stream` whether it has a
stream, `events` the number of events in that stream, `edge_cases` selects the events of `sse_edge_cases.py`,
`file_size` is the size of the file that it returns, and `hold` the longest time in seconds that the request is held.
Below `/n1234` the list of models has 1,234 items. `GET /_counters` returns the requests (in total and by kind), the new
connections, and the CPU time of the server since the last call.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import gzip
import json
import re
import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import certifi
import jobs
import payloads
import sse_edge_cases
import trustme
import uvloop

HEADERS = (
    "Connection: keep-alive\r\nCF-Cache-Status: DYNAMIC\r\n"
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
FILE_CHUNK_SIZE = 256 * 1024
"""Bytes."""

EVENTS_PER_WRITE = 64

KINDS = re.compile(
    r"(?P<creates>POST /v1/(?:.+/)?predictions$)|(?P<polls>GET /v1/predictions/)|(?P<lists>GET /v1/predictions$)"
    r"|(?P<downloads>GET /files/)"
)
"""The kinds of requests that are counted separately."""


class State:
    """The state that all connections share."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.counters: Counter[str] = Counter()
        self.cpu = time.process_time()
        self.jobs = jobs.Jobs(base_url)
        self.page = payloads.Page(base_url)
        self.sample = json.dumps(payloads.sample_prediction(base_url)).encode()
        self.gzipped_sample = gzip.compress(self.sample, 6, mtime=0)
        self.gzipped_account = gzip.compress(json.dumps(payloads.account()).encode(), 6, mtime=0)

    def read_counters(self) -> dict[str, float]:
        """Return what was counted since the last call."""
        counters, self.counters = self.counters, Counter()
        before, self.cpu = self.cpu, time.process_time()
        kinds = ("requests", "connections", *KINDS.groupindex)
        return {name: counters[name] for name in kinds} | {"server_cpu": self.cpu - before}


@functools.lru_cache(maxsize=1)
def format_date(second: int) -> str:
    """Return the header `Date`, which clients compare with the times of predictions."""
    return f"Date: {formatdate(second, usegmt=True)}\r\n"


def encode_head(status: int, headers: str, type: str = "application/json") -> bytes:
    """Return the status line and the headers of a response."""
    date = format_date(int(time.time()))
    return f"HTTP/1.1 {status} OK\r\n{date}Content-Type: {type}\r\n{HEADERS}{headers}\r\n\r\n".encode()


def encode_response(status: int, body: bytes, headers: str = "") -> bytes:
    """Return a response with a Content-Length, as the API responds to a POST."""
    return encode_head(status, f"{headers}Content-Length: {len(body)}") + body


def encode_gzip_response(body: bytes) -> bytes:
    """Return a compressed and chunked response, as the API responds to a GET."""
    return encode_chunked_response(gzip.compress(body, 6, mtime=0))


def encode_chunked_response(body: bytes) -> bytes:
    """Return a chunked response with a body that is already compressed."""
    return encode_head(200, "Content-Encoding: gzip\r\nTransfer-Encoding: chunked") + encode_chunk(body) + b"0\r\n\r\n"


def encode_chunk(data: bytes) -> bytes:
    """Return one chunk (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Connection(asyncio.Protocol):
    """One connection, which handles its requests one after another."""

    def __init__(self, state: State, loop: asyncio.AbstractEventLoop) -> None:
        self.state, self.loop = state, loop
        self.buffer = b""
        self.is_counted = self.is_closed = False
        self.request: tuple[str, str, bytes] | None = None
        self.remaining = 0  # bytes of the body, or of its current chunk, that have not arrived
        self.body: list[bytes] | None = None  # None if it is discarded
        self.is_chunked = False
        self.size = 0
        self.chunks: Iterator[bytes | memoryview] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(high=1 << 20)
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.is_closed, self.chunks = True, None

    def data_received(self, data: bytes) -> None:
        while data or self.buffer:
            if self.request is not None:
                data, self.buffer = self.buffer + data if self.buffer else data, b""
                data = self._read_body(data)
                if self.request is not None:
                    self.buffer = data  # an incomplete chunk header
                    return
                continue
            data, self.buffer = self.buffer + data if self.buffer else data, b""
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self.buffer = data
                return
            self._start_request(data[:end])
            data = data[end + 4 :]
            if not self.remaining and not self.is_chunked:
                self._respond()

    def _start_request(self, text: bytes) -> None:
        method, path, _ = text[: text.index(b"\r\n")].decode("ascii").split(" ")
        headers = text.lower()
        self.request = method, path, headers
        length = re.search(rb"\r\ncontent-length: *(\d+)", headers)
        self.remaining = int(length[1]) if length else 0
        self.is_chunked = b"\r\ntransfer-encoding: chunked" in headers
        self.body = None if path.endswith("/files") else []
        self.size = 0

    def _read_body(self, data: bytes) -> bytes:
        """Read the body from some data and return what follows it."""
        while data:
            if self.is_chunked and not self.remaining:
                line, found, after = data.partition(b"\r\n")
                if not found:
                    return data
                if not line:  # the CRLF after a chunk
                    data = after
                    continue
                if not int(line, 16):
                    if not after.startswith(b"\r\n"):
                        return data
                    self.is_chunked = False
                    self._respond()
                    return after[2:]
                self.remaining, data = int(line, 16), after
            taken = data[: self.remaining]
            data = data[len(taken) :]
            self.remaining -= len(taken)
            self.size += len(taken)
            if self.body is not None:
                self.body.append(taken)
            if not self.remaining and not self.is_chunked:
                self._respond()
                return data
        return data

    def _respond(self) -> None:
        assert self.request is not None
        (method, path, headers), self.request = self.request, None
        state = self.state
        if path == "/_counters":
            self.transport.write(encode_response(200, json.dumps(state.read_counters()).encode()))
            return
        if path == "/_sse_edge_cases":
            self.transport.write(
                encode_response(200, json.dumps([data for _, data in sse_edge_cases.EDGE_CASES]).encode())
            )
            return
        path, _, query = path.partition("?")
        self._count(f"{method} {path}")
        if method == "POST":
            self._post(path, headers)
        else:
            self._get(path, query, b"gzip" in headers)

    def _count(self, request: str) -> None:
        counters, kind = self.state.counters, KINDS.match(request)
        counters["requests"] += 1
        if kind:
            counters[str(kind.lastgroup)] += 1
        if not self.is_counted:
            self.is_counted = True
            counters["connections"] += 1

    def _get(self, path: str, query: str, accepts_gzip: bool) -> None:
        total, prefix = 20_000, ""
        if path.startswith("/n"):
            prefix, _, path = path[1:].partition("/")
            total, prefix, path = int(prefix[1:]), f"/{prefix}", f"/{path}"
        if path.startswith("/v1/predictions/"):
            self._prediction(path[16:], accepts_gzip)
        elif path == "/v1/predictions":
            self._write_json(self.state.jobs.page(query), accepts_gzip)
        elif path.startswith("/stream/"):
            self._stream(path[8:])
        elif path == "/v1/models":
            self._list_models(total, prefix, query, accepts_gzip)
        elif path.startswith("/v1/models/acme/model-"):
            self._write_json(payloads.model(self.state.base_url, path[16:]), accepts_gzip)
        elif path == "/v1/account":
            self.transport.write(encode_chunked_response(self.state.gzipped_account))
        elif path.startswith("/files/"):
            self._file(int(path.split("/")[2]))
        else:
            self.transport.write(
                encode_response(404, b'{"detail": "The requested resource could not be found.", "status": 404}')
            )

    def _write_json(self, value: Any, accepts_gzip: bool) -> None:
        body = json.dumps(value).encode()
        self.transport.write(encode_gzip_response(body) if accepts_gzip else encode_response(200, body))

    def _post(self, path: str, headers: bytes) -> None:
        state = self.state
        if path == "/v1/files":
            self.transport.write(encode_response(201, json.dumps(payloads.file(state.base_url, self.size)).encode()))
            return
        if path.endswith("/cancel"):
            self._prediction(path[16:-7], False)
            return
        body = json.loads(b"".join(self.body or []))
        model = body.get("version") or path.removeprefix("/v1/models/").removesuffix("/predictions")
        job = state.jobs.create(model, body.get("input") or {})
        prefer = re.search(rb"\r\nprefer: *(wait(?:=(\d+))?)", headers)
        if not prefer:
            self.transport.write(encode_response(201, json.dumps(job.create("starting")).encode()))
            return
        seconds, created = job.hold(float(prefer[2] or jobs.MAX_HOLD))
        applied = f"Preference-Applied: {prefer[1].decode()}\r\n"
        response = encode_response(201, json.dumps(created).encode(), applied)
        self._call_later(seconds, lambda: self.transport.write(response))

    def _call_later(self, seconds: float, callback: Callable[[], object]) -> None:
        if seconds <= 0:
            callback()
        else:
            self.loop.call_later(seconds, lambda: None if self.is_closed else callback())

    def _prediction(self, id: str, accepts_gzip: bool) -> None:
        state = self.state
        job = state.jobs.get(id)
        if job is not None:
            self._write_json(job.get(), accepts_gzip)
        elif accepts_gzip:
            self.transport.write(encode_chunked_response(state.gzipped_sample))
        else:
            self.transport.write(encode_response(200, state.sample))

    def _list_models(self, total: int, prefix: str, query: str, accepts_gzip: bool) -> None:
        end = int(query.removeprefix("cursor=") or 0) + payloads.PAGE_SIZE
        next = f"{self.state.base_url}{prefix}/v1/models?cursor={end}" if end < total else None
        page = self.state.page
        self.transport.write(
            encode_chunked_response(page.encode_gzip(next)) if accepts_gzip else encode_response(200, page.encode(next))
        )

    def _stream(self, id: str) -> None:
        job = self.state.jobs.get(id)
        assert job
        self.transport.write(
            encode_head(200, STREAM_HEADERS, type="x").replace(b"Content-Type: x\r\n", b"") + encode_chunk(b": hi\n\n")
        )
        if job.input.get("edge_cases"):
            text = sse_edge_cases.encode()
            chunks = [encode_chunk(text[start : start + 7]) for start in range(0, len(text), 7)]
            self._send_chunks(iter([*chunks, *_events([], "case:18")]))
        elif "events" in job.input:
            self._send_chunks(_events(job.output, f"1690212292:{len(job.output)}"))
        else:
            self._call_later(
                max(0.0, job.seconds - (time.monotonic() - job.started)),
                lambda: self._send_chunks(_events(["".join(job.output)], "1690212292:1")),
            )

    def _file(self, size: int) -> None:
        headers = f'Content-Length: {size}\r\nAccept-Ranges: bytes\r\nETag: "{size:032x}"'
        self.transport.write(encode_head(200, headers, "application/octet-stream"))
        zeros = memoryview(ZEROS)
        self._send_chunks(zeros[: size - start] for start in range(0, size, FILE_CHUNK_SIZE))

    def _send_chunks(self, chunks: Iterator[bytes | memoryview]) -> None:
        """Send chunks as fast as the client reads them."""
        self.chunks, self.is_paused = chunks, False
        self.resume_writing()

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        self.is_paused = False
        while self.chunks is not None and not self.is_paused:
            chunk = next(self.chunks, None)
            if chunk is None:
                self.chunks = None
            else:
                self.transport.write(chunk)


ZEROS = bytes(FILE_CHUNK_SIZE)


def _events(output: list[str], last: str) -> Iterator[bytes]:
    """Yield the output events, each in its own HTTP chunk, in batches, and then the `done` event."""
    batch = []
    for number, data in enumerate(output):
        batch.append(encode_chunk(f"event: output\nid: 1690212292:{number}\ndata: {data}\n\n".encode()))
        if len(batch) == EVENTS_PER_WRITE:
            yield b"".join(batch)
            batch = []
    yield b"".join([*batch, encode_chunk(f"event: done\nid: {last}\ndata: {{}}\n\n".encode()), b"0\r\n\r\n"])


def create_ssl_context(folder: Path) -> ssl.SSLContext:
    """Create a CA and a certificate. `ca-bundle.pem` has all usual CAs, so that loading it takes a realistic time."""
    ca, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    own = ca.cert_pem.bytes()
    (folder / "ca.pem").write_bytes(own)
    (folder / "ca-bundle.pem").write_bytes(Path(certifi.where()).read_bytes() + own)
    return context


async def serve() -> None:
    """Print the URLs and serve until standard input is closed."""
    loop = asyncio.get_running_loop()
    plain, secure = (socket.create_server(("127.0.0.1", 0), backlog=4096) for _ in range(2))
    state = State(f"http://127.0.0.1:{plain.getsockname()[1]}")
    await loop.create_server(lambda: Connection(state, loop), sock=plain, backlog=4096)
    await loop.create_server(lambda: Connection(state, loop), sock=secure, ssl=create_ssl_context(Path(sys.argv[1])))
    gc.collect()
    gc.disable()
    print(state.base_url, f"https://127.0.0.1:{secure.getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


uvloop.run(serve())
