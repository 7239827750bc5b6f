"""A small Replicate on raw sockets, which does to its clients what networks, proxies and servers do.

Everything that it does follows from the seed of the sequence and from the inputs of the predictions: an input says how
long its prediction runs, how it ends and what it returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any, NamedTuple

from soak_faults import FaultPlan

TOKEN = "r8_soak567890123456789012345678901234567"
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
OFFICIAL, COMMUNITY, DEPLOYMENT = "acme/official", "acme/community", "deployments/acme/private"
INPUTS = ("prompt", "seconds", "end", "tokens", "files", "stream", "unknown_status", "file")
PAGE_SIZE = 3
MAX_HOLD = 0.03
"""Seconds after which a held create is answered although the prediction is still running."""

TOKEN_INTERVAL = 0.002
"""Seconds between two output tokens."""


class SoakRequest(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class SoakResponse(NamedTuple):
    status: int = 200
    body: bytes = b"{}"
    type: str = "application/json"
    headers: tuple[str, ...] = ()


def json_reply(value: object, status: int = 200) -> SoakResponse:
    return SoakResponse(status, json.dumps(value).encode())


def page_of(status: int) -> SoakResponse:
    return SoakResponse(status, f"<html><title>{status} | proxy</title>Sorry</html>".encode(), "text/html")


class SoakJob:
    """A prediction; its state follows from its input and the time."""

    def __init__(self, world: SoakWorld, id: str, ref: str, input: dict[str, Any], is_foreign: bool) -> None:
        self.world, self.id, self.ref, self.input, self.is_foreign = world, id, ref, input, is_foreign
        self.created = world.now()
        self.canceled_at: float | None = None
        self.cancel_requests = self.failed_cancel_requests = 0
        self.was_requested = False
        """Whether it was polled or streamed, so that the caller's client surely knows its id."""

        self.listed_from = self.created
        count = int(input.get("tokens", 3))
        self.tokens = [f"{id}-{number} " for number in range(count)]
        self.files = {
            f"/files/{id}-{n}.bin": Random(f"{id}{n}").randbytes(70_000) for n in range(input.get("files", 0))
        }
        self.output: list[str] = [world.other_url + path for path in self.files] if self.files else self.tokens

    @property
    def ends_at(self) -> float:
        return self.created + (3600 if self.is_foreign else float(self.input.get("seconds", 0)))

    @property
    def status(self) -> str:
        now = self.world.now()
        if self.canceled_at is not None:
            return "canceled"
        if now >= self.ends_at:
            return str(self.input.get("end", "succeeded"))
        if self.input.get("unknown_status") and now < self.created + 0.02:
            return "hibernating"
        return "starting" if now < self.created + 0.002 else "processing"

    @property
    def is_finished(self) -> bool:
        return self.canceled_at is not None or self.world.now() >= self.ends_at

    def finished_tokens(self) -> list[str]:
        if self.files:
            return []
        if self.is_finished and self.canceled_at is None:
            return self.tokens
        return self.tokens[: int(((self.canceled_at or self.world.now()) - self.created) / TOKEN_INTERVAL)]

    def document(self, **fields: object) -> dict[str, Any]:
        status, world = self.status, self.world
        has_output = status in ("succeeded", "archived")
        model = self.ref.removeprefix("deployments/")
        urls = {"get": f"{world.url}/v1/predictions/{self.id}"}
        if stream := self.input.get("stream"):
            urls["stream"] = f"{world.url if stream == 'api' else world.other_url}/stream/{self.id}"
        document = {
            "id": self.id,
            "model": model,
            "version": VERSION if self.ref == COMMUNITY else "hidden",
            "deployment": model if self.ref == DEPLOYMENT else None,
            "input": self.input,
            "status": status,
            "output": self.output if has_output else self.finished_tokens() or None,
            "error": "it failed" if status == "failed" else None,
            "logs": "",
            "created_at": world.server_time(self.created).isoformat(),
            "urls": urls,
        }
        if self.is_finished:
            ended = min(self.ends_at, world.now()) if self.canceled_at is None else self.canceled_at
            document["completed_at"] = world.server_time(ended).isoformat()
        return document | fields


class SoakWorld:
    """One sequence's server: its predictions, its faults, and all that its clients did."""

    def __init__(self, seed: int, *, rate: float, twins: bool, late_list: bool, skew: float) -> None:
        self.plan = FaultPlan(seed, rate, twins)
        self.random = Random(f"{seed}/world")
        self.has_twins, self.late_list, self.skew = twins, late_list, skew
        self.jobs: dict[str, SoakJob] = {}
        self.uploads: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.tokens_astray: list[str] = []
        self.was_down = self.has_timed_out = False
        self.url = self.other_url = ""
        self._started = datetime.now(UTC)
        self._zero = time.monotonic()
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[Any]] = set()
        self._port = 0

    def now(self) -> float:
        return time.monotonic() - self._zero

    def server_time(self, moment: float) -> datetime:
        """Return a moment on the server's clock, which is ahead of ours or behind."""
        return self._started + timedelta(seconds=moment + self.skew)

    # Connections

    async def start(self, max_seconds: float) -> None:
        await self._listen()
        other = await asyncio.start_server(self._handler(self._serve_other), "127.0.0.1", 0)
        self._servers.append(other)
        self.other_url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}"
        self.url = f"http://127.0.0.1:{self._port}"
        self._watchdog = asyncio.get_running_loop().call_later(max_seconds, self._time_out)

    async def _listen(self) -> None:
        api = await asyncio.start_server(self._handler(self._serve_api), "127.0.0.1", self._port, reuse_address=True)
        self._port = api.sockets[0].getsockname()[1]
        self._servers.append(api)

    def _time_out(self) -> None:
        self.has_timed_out = True
        for job in self.jobs.values():  # so that nobody waits for them any longer
            job.canceled_at = job.canceled_at or self.now()
        self._reset_connections()

    def _reset_connections(self) -> None:
        for writer in list(self._writers):
            reset(writer)

    async def stop(self) -> None:
        self._watchdog.cancel()
        for server in self._servers:
            server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        for task in list(self._handlers):
            task.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()

    async def _go_down(self) -> None:
        """Reset all connections, and refuse new ones for a few milliseconds."""
        self.was_down = True
        [api] = [
            server for server in self._servers if server.sockets and server.sockets[0].getsockname()[1] == self._port
        ]
        api.close()
        self._reset_connections()
        await asyncio.sleep(0.004)
        await self._listen()

    def _handler(
        self, serve: Callable[[SoakRequest, asyncio.StreamWriter], Awaitable[bool]]
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            self._writers.add(writer)
            self._handlers.add(task)
            try:
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    while await serve(await read_request(reader), writer):
                        pass
            finally:
                self._writers.discard(writer)
                self._handlers.discard(task)
                writer.close()

        return handle

    # Requests

    async def _serve_other(self, request: SoakRequest, writer: asyncio.StreamWriter) -> bool:
        """Serve a request to the host of files and streams, which must not see the token."""
        if "authorization" in request.headers or TOKEN in str(request):
            self.tokens_astray.append(f"{request.method} {request.path}")
        return await self._serve(request, writer)

    async def _serve_api(self, request: SoakRequest, writer: asyncio.StreamWriter) -> bool:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            await self._write(writer, page_of(401))
            return True
        return await self._serve(request, writer)

    async def _serve(self, request: SoakRequest, writer: asyncio.StreamWriter) -> bool:
        """Serve a request, with or without a fault, and return whether the connection is kept."""
        step, key = step_of(request)
        fault, random = self.plan.draw(step, key)
        self.requests.append(f"{request.method} {request.path}: {fault or 'ok'}")
        if fault and (rejection := self._rejection(fault, request.path if step == "download" else "/elsewhere")):
            await self._write(writer, rejection)
            return True
        if fault == "reset before":
            self._count_failed_cancel(step, request)
            reset(writer)
            return False
        if step == "stream":
            return await self._serve_stream(request, writer, fault, random)
        response, job = await self._respond(step, request, fault)
        return await self._send(writer, response, fault, random, job)

    def _count_failed_cancel(self, step: str, request: SoakRequest) -> None:
        if step == "cancel" and (job := self.jobs.get(request.path.split("/")[3])):
            job.failed_cancel_requests += 1

    def _rejection(self, fault: str, redirected_to: str) -> SoakResponse | None:
        """Return the response to a request that is not carried out."""
        match fault:
            case "429":
                return SoakResponse(429, b"{}")
            case "429 with a hint":
                return SoakResponse(429, b"{}", headers=("Retry-After: 0.01",))
            case "429 with a hint in the body":
                return json_reply({"detail": "Request was throttled.", "retry_after": 0.012}, 429)
            case "429 with a long hint":
                return SoakResponse(429, b"{}", headers=("Retry-After: 5",))
            case "503 with a hint":
                return SoakResponse(503, b"{}", headers=("Retry-After: 0.01",))
            case "404":
                return json_reply({"detail": "not found"}, 404)
            case "redirect":
                return SoakResponse(302, b"", headers=(f"Location: {self.other_url}{redirected_to}",))
        status = re.fullmatch(r"(\d+) before", fault)
        return page_of(int(status[1])) if status else None

    async def _respond(self, step: str, request: SoakRequest, fault: str | None) -> tuple[SoakResponse, SoakJob | None]:
        """Carry a request out, and return the correct response, and the prediction that it is about."""
        path = request.path.partition("?")[0]
        match step:
            case "create" | "held create":
                return await self._create(path, json.loads(request.body), step == "held create", fault)
            case "upload":
                id = f"file{len(self.uploads)}"
                self.uploads[id] = request.body
                return json_reply({"id": id, "urls": {"get": f"{self.url}/v1/files/{id}"}}, 201), None
            case "model":
                return self._model(path), None
            case "poll" | "cancel":
                job = self.jobs.get(path.split("/")[3])
                if job is None:
                    return json_reply({"detail": "not found"}, 404), None
                if step == "cancel":
                    job.cancel_requests += 1
                    if not job.is_finished:
                        job.canceled_at = self.now()
                else:
                    job.was_requested = True
                return json_reply(job.document()), job
            case "list":
                return self._list(request.path), None
            case "download":
                return self._download(path, request.headers), None
        return json_reply({"detail": "not found"}, 404), None

    async def _create(
        self, path: str, body: dict[str, Any], is_held: bool, fault: str | None
    ) -> tuple[SoakResponse, SoakJob | None]:
        if path.startswith(f"/v1/models/{COMMUNITY}"):
            return json_reply({"detail": "not found"}, 404), None
        ref = OFFICIAL if "/models/" in path else DEPLOYMENT if "/deployments/" in path else COMMUNITY
        if self.has_twins and self.random.random() < 0.5:
            self.add_job(ref, body["input"], is_foreign=True)
        job = self.add_job(ref, body["input"])
        if self.has_twins and self.random.random() < 0.5:
            self.add_job(ref, body["input"], is_foreign=True)
        if is_held and fault == "no output yet":
            return json_reply(job.document(status="processing", output=[], completed_at=None), 201), job
        if is_held and fault != "hold expired":
            await asyncio.sleep(min(MAX_HOLD, max(0.0, job.ends_at - self.now())))
        status = 201 if job.is_finished else 202 if is_held else 201
        return json_reply(job.document(), status), job

    def add_job(self, ref: str, input: dict[str, Any], *, is_foreign: bool = False) -> SoakJob:
        kind = "foreign" if is_foreign else "job"
        job = SoakJob(self, f"{kind}{len(self.jobs):x}", ref, input, is_foreign)
        if self.late_list:
            job.listed_from += self.random.random() * 0.04
        self.jobs[job.id] = job
        return job

    def _model(self, path: str) -> SoakResponse:
        name = path.removeprefix("/v1/models/")
        if name not in (OFFICIAL, COMMUNITY):
            return json_reply({"detail": "not found"}, 404)
        schema = {
            "Input": {"type": "object", "properties": {name: {} for name in INPUTS}},
            "Output": {"type": "array", "items": {}},
        }
        version = {"id": VERSION, "openapi_schema": {"components": {"schemas": schema}}}
        owner, _, short = name.partition("/")
        latest = version if name == COMMUNITY else None
        return json_reply({"owner": owner, "name": short, "is_official": name == OFFICIAL, "latest_version": latest})

    def _list(self, path: str) -> SoakResponse:
        newest_first = [job for job in reversed(self.jobs.values()) if job.listed_from <= self.now()]
        match = re.search(r"cursor=(\w+)", path)
        ids = [job.id for job in newest_first]
        # Like Replicate's, a cursor is a place in time: what is created meanwhile does not shift the pages.
        start = ids.index(match[1]) + 1 if match and match[1] in ids else 0
        page = newest_first[start : start + PAGE_SIZE]
        has_more = len(newest_first) > start + PAGE_SIZE
        documents = [job.document() for job in page]
        if documents and self.random.random() < 0.2:
            documents.append(documents[0])
        next_url = f"{self.url}/v1/predictions?cursor={page[-1].id}" if has_more else None
        return json_reply({"next": next_url, "previous": None, "results": documents})

    def _download(self, path: str, headers: dict[str, str]) -> SoakResponse:
        content = next((job.files[path] for job in self.jobs.values() if path in job.files), None)
        if content is None:
            return json_reply({"detail": "not found"}, 404)
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        byte_range = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        if not byte_range or headers.get("if-range", etag) != etag:
            return SoakResponse(200, content, "application/octet-stream", (f"ETag: {etag}",))
        start = int(byte_range[1])
        content_range = f"Content-Range: bytes {start}-{len(content) - 1}/{len(content)}"
        return SoakResponse(206, content[start:], "application/octet-stream", (f"ETag: {etag}", content_range))

    # Responses

    async def _write(self, writer: asyncio.StreamWriter, response: SoakResponse) -> None:
        writer.write(self._head(response) + response.body)
        await writer.drain()

    def _head(self, response: SoakResponse, length: int | None = None) -> bytes:
        lines = [
            f"HTTP/1.1 {response.status} Status",
            f"Date: {format_datetime(self.server_time(self.now()).replace(microsecond=0), usegmt=True)}",
            f"Content-Type: {response.type}",
            f"Content-Length: {len(response.body) if length is None else length}",
            *response.headers,
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        response: SoakResponse,
        fault: str | None,
        random: Random,
        job: SoakJob | None,
    ) -> bool:
        """Send the response to a request that was carried out, and return whether the connection is kept."""
        half = random.randrange(len(response.body) or 1)
        match fault:
            case "reset":
                reset(writer)
                return False
            case "no response":
                await asyncio.sleep(0.4)
                reset(writer)
                return False
            case "interrupted body":
                writer.write(self._head(response) + response.body[:half])
                await writer.drain()
                return False
            case "interrupted headers":
                writer.write(self._head(response)[: random.randrange(5, 60)])
                await writer.drain()
                return False
            case "truncated JSON":
                response = response._replace(body=response.body[:half])
            case "HTML page":
                response = page_of(200)
            case "wrong JSON":
                wrong = [[], "text", 5, {}, {"id": None}, {"id": 5}, None, {"detail": "maintenance"}]
                response = json_reply(random.choice(wrong), response.status)
            case "408" | "500" | "502" | "503" | "520":
                response = page_of(int(fault))
            case "another Content-Type":
                response = response._replace(type="text/plain; charset=utf-16")
            case "slow":
                await asyncio.sleep(random.random() * 0.03)
            case "trickle":
                await self._trickle(writer, self._head(response) + response.body)
                return True
            case "stale response":
                await self._write(writer, self._stale_response(job))
        await self._write(writer, response)
        if fault == "outage":
            await self._go_down()
        return fault not in ("outage", "connection closed afterwards", "stale response")

    def _stale_response(self, job: SoakJob | None) -> SoakResponse:
        """Return the response to another request, which arrives too late, on a connection that is used again."""
        input = dict(job.input) if job else {}
        document = {"id": "stale", "status": "succeeded", "output": ["stolen"], "input": {**input, "prompt": "stale"}}
        return json_reply({**document, "created_at": self.server_time(self.now()).isoformat(), "urls": {}})

    async def _trickle(self, writer: asyncio.StreamWriter, content: bytes) -> None:
        size = max(1, len(content) // 8)
        for start in range(0, len(content), size):
            writer.write(content[start : start + size])
            await writer.drain()
            await asyncio.sleep(0.001)

    async def _serve_stream(
        self, request: SoakRequest, writer: asyncio.StreamWriter, fault: str | None, random: Random
    ) -> bool:
        """Send the events of a prediction as they happen."""
        job = self.jobs.get(request.path.rpartition("/")[2])
        if job is None or fault in ("404", "500", "HTML page"):
            await self._write(writer, page_of(404 if job is None else 200 if fault == "HTML page" else int(str(fault))))
            return True
        job.was_requested = True
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        last = re.fullmatch(r"1:(\d+)", request.headers.get("last-event-id", ""))
        position = int(last[1]) + 1 if last and fault != "restart" else 0
        end = random.randrange(4) if fault == "cut" else None
        sent = 0
        while True:
            is_finished, outputs = job.is_finished, job.finished_tokens()
            if is_finished and job.status in ("succeeded", "archived"):
                outputs = job.output
            for token in outputs[position:]:
                if sent == end:
                    return self._cut(writer, random)
                has_id = fault != "few ids" or position % 2 == 0
                await self._write_event(writer, "output", token, f"1:{position}" if has_id else None, fault)
                position, sent = position + 1, sent + 1
            if sent == end or (end is not None and is_finished):
                return self._cut(writer, random)
            if is_finished:
                if fault == "no done":
                    return False
                if fault != "no done, alive":
                    reason = {"canceled": '{"reason": "canceled"}', "failed": '{"reason": "error"}'}.get(
                        job.status, "{}"
                    )
                    await self._write_event(writer, "done", reason, f"1:{position}", fault)
                    return False
            writer.write(b": hi\n\n")
            await writer.drain()
            await asyncio.sleep(0.003)

    def _cut(self, writer: asyncio.StreamWriter, random: Random) -> bool:
        if random.random() < 0.5:
            reset(writer)
        return False

    async def _write_event(
        self, writer: asyncio.StreamWriter, name: str, data: str, id: str | None, fault: str | None
    ) -> None:
        id_line = "" if id is None else f"id: {id}\n"
        event = f"event: {name}\n{id_line}data: {data}\n\n".encode()
        if fault == "trickle":
            await self._trickle(writer, event)
        else:
            writer.write(event)
            await writer.drain()
            await asyncio.sleep(0.005 if fault == "slow" else 0)


async def read_request(reader: asyncio.StreamReader) -> SoakRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    method, path, _ = first.split(" ")
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return SoakRequest(method, path, headers, body)


def step_of(request: SoakRequest) -> tuple[str, str]:
    """Return the kind of a request, and what it is about."""
    path = request.path.partition("?")[0]
    if path.endswith("/cancel"):
        return "cancel", path
    if path.startswith("/stream/"):
        return "stream", path
    if path.startswith("/files/"):
        return "download", path
    if path == "/v1/files":
        return "upload", ""
    if path.endswith("/predictions"):
        if request.method == "GET":
            return "list", ""
        prompt = str(json.loads(request.body)["input"].get("prompt"))
        return ("held create" if "prefer" in request.headers else "create"), prompt
    if path.startswith("/v1/models/"):
        return "model", path
    return ("poll" if path.startswith("/v1/predictions/") else "elsewhere"), path


def reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class ServerThread:
    """The event loop of the servers, in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="soak server", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
