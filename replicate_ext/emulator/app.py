"""The server as an ASGI application: routes from the contract, and what all requests have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Message, Receive, Scope, Send

from . import contract, site, streams
from .clock import Clock
from .faults import Faults
from .limits import Bucket
from .operations import Call, Handler, handlers, origin, parsed, reply
from .problems import Problem, check, not_found, throttled, unauthenticated
from .runner import Runner
from .state import State
from .store import Store
from .webhooks import Webhooks

JOURNAL = 10_000
"""How many requests are remembered."""

LARGEST_BODY = 100 * 1024 * 1024
"""Bytes of JSON that are taken; files beyond that have to be uploaded."""


@dataclass
class Entry:
    """One request that was answered."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    operation: str | None = None
    body: Any = None
    status: int | None = None


@dataclass
class Service:
    """One emulator, without its socket."""

    state: State
    clock: Clock
    token: str
    limited: bool = False
    """Whether rate limits are enforced, rather than only told."""
    boot: float = 0.0
    faults: Faults = field(default_factory=Faults)
    journal: list[Entry] = field(default_factory=list)
    drop: Callable[[Any], None] = lambda scope: None
    """Drops the connection of a request, by its scope; the server knows how."""

    store: Store | None = None

    def __post_init__(self) -> None:
        self.webhooks = Webhooks(self.state, self.clock, self.faults)
        self.runner = Runner(self.state, self.clock, self.webhooks, self.boot)
        self.runner.keep = self._keep
        self.creates = Bucket(600, 10, self.clock.time)
        self.others = Bucket(3000, 50, self.clock.time)

    def _keep(self) -> None:
        if self.store is not None:
            self.store.save(self.state)

    def app(self) -> Starlette:
        """Return the application."""
        known = handlers()
        api = [Route("/streams/{secret}", self._recorded(self._stream, None))]
        by_path: dict[str, dict[str, Callable[[Request], Any]]] = {}
        for operation in contract.operations():
            answer = self._recorded(self._answer(operation, known[operation.id]), operation.id)
            by_path.setdefault(operation.path, {})[operation.method] = answer
        for path, answers in by_path.items():
            api.append(Route(path, _by_method(answers), methods=list(answers)))
        routes = [
            Mount("/v1", routes=api),  # whole, so that nothing below it is taken for a page of the site
            Route("/openapi.json", self._document),
            Route("/outputs/{secret}/{name}", self._recorded(self._output, None), methods=["GET", "HEAD"]),
            *site.routes(self),
        ]
        refuse: Any = {HTTPException: _refused, Exception: _broken}
        app = Starlette(routes=routes, exception_handlers=refuse)
        app.router.redirect_slashes = False  # or the base URL by itself would be sent to its slash
        return app

    def _recorded(self, answer: Callable[[Request], Awaitable[Response]], id: str | None) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            headers = {name: value for name, value in request.headers.items() if name != "authorization"}
            entry = Entry(request.method, request.url.path, dict(request.query_params), headers, id)
            self.journal.append(entry)
            del self.journal[:-JOURNAL]
            request.state.entry = entry
            self.state.expire(self.clock.now())
            fault = self.faults.take(request.url.path)
            if fault.drop_after == -1:
                self.drop(request.scope)
                return _Nothing()
            await self.clock.sleep(fault.seconds)
            try:
                if fault.problem is not None:
                    raise fault.problem
                response = await answer(request)
            except Problem as problem:
                response = problem.response()
            entry.status = response.status_code
            if request.method not in ("GET", "HEAD", "QUERY"):
                self._keep()
            return response if fault.drop_after is None else _Dropped(response, fault.drop_after, self.drop)

        return endpoint

    def _answer(self, operation: contract.Operation, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        is_create = operation.id.endswith("predictions.create")
        has_limit = not operation.id.startswith("files.")

        async def answer(request: Request) -> Response:
            if operation.id == "files.get" and request.url.path in self.runner.streams:
                return await self._stream(request)
            if operation.needs_token and operation.id != "files.download":
                self._authenticate(request)
            bucket = self.creates if is_create else self.others
            wait = bucket.take() if has_limit else None
            if wait is not None and self.limited:
                raise throttled(wait)
            call = Call(request, self.state, self.runner, self.clock, query=dict(request.query_params))
            if operation.body is not None:
                call.body = request.state.entry.body = await _body(request)
                check(call.body, operation.body)
            value = await handler(call, *request.path_params.values())
            response = value if isinstance(value, Response) else reply(value)
            response.headers.update(bucket.headers() if has_limit else {})
            return response

        return answer

    def _authenticate(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if token != self.token or scheme not in ("Bearer", "Token"):
            raise unauthenticated(bool(token))

    async def _document(self, request: Request) -> Response:
        server = {"url": f"{origin(request)}/v1"}
        return reply({**contract.document(), "servers": [server]})

    async def _stream(self, request: Request) -> Response:
        return await streams.stream(request, self.runner, self.clock, self.faults.take_cut())

    async def _output(self, request: Request) -> Response:
        file = self.state.outputs.get(request.path_params["secret"])
        if file is None or request.path_params["name"] != file.name:
            raise not_found()
        headers = {
            "cache-control": "public,max-age=3600",
            "access-control-allow-origin": "*",
            "content-security-policy": "sandbox",  # what a model made is shown, and never run
            "x-content-type-options": "nosniff",
        }
        return FileResponse(file.path, media_type=file.content_type, headers=headers)


def _by_method(answers: dict[str, Callable[[Request], Any]]) -> Callable[[Request], Any]:
    """Return one endpoint for all methods of a path, so that a 405 names all that there are."""

    async def endpoint(request: Request) -> Response:
        answer = answers.get(request.method) or answers["GET"]  # HEAD, which comes along with GET
        response: Response = await answer(request)
        return response

    return endpoint


class _Nothing(Response):
    """No response at all."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pass


class _Dropped(Response):
    """A response of which only the first bytes arrive."""

    def __init__(self, response: Response, after: int, drop: Callable[[Any], None]) -> None:
        super().__init__()
        self._response, self._after, self._drop = response, after, drop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = self._after

        async def send_some(message: Message) -> None:
            nonlocal left
            body = message.get("body", b"")
            if message["type"] == "http.response.body" and len(body) > left:
                await send({**message, "body": body[:left], "more_body": True})
                self._drop(scope)
                left = 0
            else:
                left -= len(body)
                await send(message)

        await self._response(scope, receive, send_some)


async def _body(request: Request) -> Any:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST_BODY:
            raise Problem(413, "Request Entity Too Large")
    try:
        return parsed(bytes(raw))
    except (ValueError, RecursionError) as error:
        words = "EOF" if not raw else str(error)
        raise Problem(400, f"Failed to parse request body as JSON: {words}") from None


async def _refused(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        return not_found().response()
    words = f'Method "{request.method}" not allowed.' if error.status_code == 405 else str(error.detail)
    response = Problem(error.status_code, words).response()
    response.headers.update(error.headers or {})
    return response


async def _broken(request: Request, error: Exception) -> Response:
    """Answer even where the emulator itself is at fault; the traceback is on its standard error."""
    return Problem(500, f"The emulator failed: {error!r}").response()
