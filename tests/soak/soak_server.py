"""A small Replicate on raw sockets, which does to its clients what networks, proxies and servers do.

Everything that it does follows from the seed of the sequence and from the inputs of the predictions: an input says how
long its prediction runs, how it ends and what it returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Coroutine
from email.utils import format_datetime
from random import Random
from typing import Any

from soak_api import SoakApi, SoakJob, step_of
from soak_caller import CLIENT_OPTIONS
from soak_faults import FaultPlan
from soak_program import Program
from soak_wire import SoakRequest, SoakResponse, json_reply, page_of, read_request, reset

TOKEN = "r8_soak567890123456789012345678901234567"


class SoakWorld(SoakApi):
    """One sequence's server: its predictions, its faults, and all that its clients did."""

    def __init__(self, seed: int, program: Program) -> None:
        super().__init__(seed, has_twins=program.has_twins, has_late_list=program.has_late_list, skew=program.skew)
        self.plan = FaultPlan(seed, program.rate, program.has_twins)
        self.requests: list[str] = []
        self.tokens_astray: list[str] = []
        self.was_down = self.has_timed_out = False
        self._servers: list[asyncio.Server] = []
        self._api: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._spoiled: set[asyncio.StreamWriter] = set()
        """Connections with a response that no request has asked for."""
        self._handlers: set[asyncio.Task[Any]] = set()
        self._port = 0

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
        self._api = api

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
        self._reset_connections()
        if self._api is None:  # two outages overlap
            return
        self._api.close()
        self._api = None
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
        response, job = await self.respond(step, request, fault)
        is_intact = fault is None and writer not in self._spoiled
        if step == "cancel" and job and job.canceled_at is not None and is_intact:
            # On a busy machine the client may retry after its timeout; that is no second cancel.
            job.intact_cancels += self.now() - job.canceled_at < CLIENT_OPTIONS["timeout"] / 2
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

    # Responses

    async def _write(self, writer: asyncio.StreamWriter, *responses: SoakResponse) -> None:
        writer.write(b"".join(self._head(response) + response.body for response in responses))
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
            case "unasked response":
                self._spoiled.add(writer)
                # In one packet: one that arrives after the next request was sent looks like its response.
                await self._write(writer, response, self._stale_response(job))
                return True
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
