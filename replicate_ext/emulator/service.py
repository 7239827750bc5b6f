"""One emulator without its socket: its state, and what all requests share (token, rate limits, faults, journal)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send

from . import spec, streams
from .clock import Clock
from .faults import BEFORE_PROCESSING, Faults
from .formats import new_job_id
from .http import get_origin, json_response, read_json, wait_for_disconnect
from .operations.context import Context, Handler
from .problems import Problem, not_found, throttled, unauthenticated, validate
from .rate_limit import TokenBucket
from .runner import Runner
from .state import State
from .store import Store
from .webhooks import WebhookSender

MAX_JOURNAL_ENTRIES = 10_000
"""Requests that the journal keeps; older ones are dropped."""

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass
class RecordedRequest:
    """A request that an emulator has received, and the status of its response.

    Attributes:
        method: The HTTP method.
        path: The path of the URL, such as `/v1/account`.
        query: The parameters of the query.
        headers: The headers with names in lower case, without `authorization`.
        operation: The operationId; None for streams and output files.
        body: The parsed JSON body; None for other bodies.
        status: The status code of the response; None until there is one.
        seconds: Seconds on the emulator's clock until there was a response; None until then.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    operation: str | None = None
    body: Any = None
    status: int | None = None
    seconds: float | None = None


@dataclass
class Service:
    """State and behaviour of one emulator."""

    state: State
    clock: Clock
    token: str
    enforce_rate_limits: bool = False
    boot_time: float = 0.0
    faults: Faults = field(default_factory=Faults)
    journal: list[RecordedRequest] = field(default_factory=list)
    drop_connection: Callable[[Any], None] = lambda scope: None
    """Aborts the connection of a request, given its ASGI scope; set by the server, which knows the connections."""

    store: Store | None = None

    def __post_init__(self) -> None:
        self.webhooks = WebhookSender(self.state, self.clock, self.faults)
        self.runner = Runner(self.state, self.clock, self.webhooks, self.boot_time)
        self.runner.persist = self._persist
        # https://replicate.com/docs/topics/predictions/rate-limits, and docs/api-facts.md, section 6
        self.create_limit = TokenBucket(600, 10, self.clock.time)
        self.default_limit = TokenBucket(3000, 50, self.clock.time)

    def _persist(self) -> None:
        if self.store is not None:
            self.store.save()

    def wrap(self, endpoint: Endpoint, operation_id: str | None = None) -> Endpoint:
        """Return an endpoint that also keeps the journal, applies faults, and turns problems into responses."""

        async def wrapped(request: Request) -> Response:
            headers = {name: value for name, value in request.headers.items() if name != "authorization"}
            recorded = RecordedRequest(
                request.method, request.url.path, dict(request.query_params), headers, operation_id
            )
            self.journal.append(recorded)
            del self.journal[:-MAX_JOURNAL_ENTRIES]
            request.state.recorded = recorded
            started_at = self.clock.time()
            self.state.expire(self.clock.now())
            fault = self.faults.take_request_fault(request.url.path)
            if fault.drop_after == BEFORE_PROCESSING:
                self.drop_connection(request.scope)
                return _NoResponse()
            await self.clock.sleep(fault.delay)
            try:
                if fault.problem is not None and not fault.is_processed:
                    raise fault.problem
                response = await endpoint(request)
                if fault.problem is not None:
                    raise fault.problem
            except Problem as problem:
                response = problem.response()
            except ClientDisconnect:
                return _NoResponse()
            recorded.status, recorded.seconds = response.status_code, self.clock.time() - started_at
            if request.method not in ("GET", "HEAD", "QUERY"):
                self._persist()
            if fault.replace_id:
                _replace_id(response, new_job_id(self.clock.now()))
            if fault.drop_after is None:
                return response
            return _TruncatedResponse(response, fault.drop_after, self.drop_connection)

        return wrapped

    def operation_endpoint(self, operation: spec.Operation, handler: Handler | None) -> Endpoint:
        """Return an operation's endpoint: check token, rate limit and body, then call the handler; without one, 501."""
        is_create = operation.id.endswith("predictions.create")
        is_limited = not operation.id.startswith("files.")
        limit = self.create_limit if is_create else self.default_limit

        async def endpoint(request: Request) -> Response:
            if operation.id == "files.get" and request.url.path in self.runner.streams:
                return await self.stream(request)
            if operation.requires_token and operation.id != "files.download":  # a signature authorizes it
                self._authenticate(request)
            if handler is None:
                raise Problem(501, f"The emulator does not implement {operation.id}.")
            if not is_limited:
                return await respond(request)
            retry_after, headers = limit.take(), limit.headers()  # of the moment when the request arrives
            try:
                if retry_after is not None and self.enforce_rate_limits:
                    raise throttled(retry_after)
                response = await respond(request)
            except Problem as problem:
                response = problem.response()
            response.headers.update(headers)
            return response

        async def respond(request: Request) -> Response:
            assert handler is not None
            context = Context(request, self.state, self.runner, self.clock, query=dict(request.query_params))
            if operation.body_validator is not None:
                context.body = request.state.recorded.body = await read_json(request)
                validate(context.body, operation.body_validator)
            result = await handler(context, *request.path_params.values())
            return result if isinstance(result, Response) else json_response(result)

        return endpoint

    def _authenticate(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if token != self.token or scheme not in ("Bearer", "Token"):
            raise unauthenticated(bool(token))

    async def openapi_document(self, request: Request) -> Response:
        """Serve the OpenAPI document, with this server as its only server."""
        server = {"url": f"{get_origin(request)}/v1"}
        return json_response({**spec.document(), "servers": [server]})

    async def stream(self, request: Request) -> Response:
        """Serve the event stream of a job."""
        max_events = self.faults.take_stream_interruption()
        return await streams.stream_events(request, self.runner, self.clock, max_events)

    async def output_file(self, request: Request) -> Response:
        """Serve a file that a model produced."""
        file = self.state.outputs.get(request.path_params["secret"])
        if file is None or request.path_params["name"] != file.name:
            raise not_found()
        headers = {
            "cache-control": "public,max-age=3600",
            "access-control-allow-origin": "*",
            "content-security-policy": "sandbox",  # browsers must not run scripts in files that models produced
            "x-content-type-options": "nosniff",
        }
        return FileResponse(file.path, media_type=file.content_type, headers=headers)


def _replace_id(response: Response, id: str) -> None:
    """Replace the id of a prediction or training in a response, and in its URLs."""
    job = json.loads(bytes(response.body)) if response.media_type == "application/json" else None
    if isinstance(job, dict) and "id" in job:
        response.body = bytes(response.body).replace(job["id"].encode(), id.encode())
        response.headers["content-length"] = str(len(response.body))


class _NoResponse(Response):
    """Sends nothing: the connection is lost, or about to be."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await wait_for_disconnect(receive)  # otherwise uvicorn logs that there is no response


class _TruncatedResponse(Response):
    """Sends the first bytes of a response's body, then aborts the connection."""

    def __init__(self, response: Response, max_bytes: int, drop_connection: Callable[[Any], None]) -> None:
        super().__init__()
        self._response, self._max_bytes, self._drop_connection = response, max_bytes, drop_connection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        remaining = self._max_bytes

        async def send_truncated(message: Message) -> None:
            nonlocal remaining
            body = message.get("body", b"")
            if message["type"] == "http.response.body" and len(body) > remaining:
                await send({**message, "body": body[:remaining], "more_body": True})
                self._drop_connection(scope)
                remaining = 0
            else:
                remaining -= len(body)
                await send(message)

        await self._response(scope, receive, send_truncated)
        await wait_for_disconnect(receive)
