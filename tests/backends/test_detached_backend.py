"""A backend for the event loop of another thread: the transport of the client is called where it belongs."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from conftest import TOKEN, AccountServer, ByteStream, json_response, prediction
from replicate_api.types import Request
from replicate_ext import APIConnectionError, AsyncReplicate, Replicate
from replicate_ext._backends.asyncio import AsyncBackend
from replicate_ext._backends.detached import detached_backend
from replicate_ext._backends.loop_thread import LoopThread
from replicate_ext._send import Session


class RecordingTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport of the caller's, of either kind, which records where it is called."""

    def __init__(self, respond: Callable[[httpx.Request], httpx.Response], seconds: float = 0.0) -> None:
        self._respond, self._seconds = respond, seconds
        self.requests: list[tuple[str, bytes]] = []
        self.threads: list[threading.Thread] = []
        self.is_closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._record(request.method, request.read())
        time.sleep(self._seconds)
        return self._respond(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._record(request.method, await request.aread())
        await asyncio.sleep(self._seconds)
        return self._respond(request)

    def _record(self, method: str, body: bytes) -> None:
        self.requests.append((method, body))
        self.threads.append(threading.current_thread())

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


def make_client(kind: str, transport: Any = None, **options: Any) -> Any:
    return (Replicate if kind == "sync" else AsyncReplicate)(TOKEN, transport=transport, **options)


def use_detached(client: Any, use: Callable[[Session[AsyncBackend]], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine function with a session in a loop thread, while the loop of an async client runs."""
    results: list[Any] = []

    def run(wait: Callable[[LoopThread], Any]) -> Any:
        session: Session[AsyncBackend] = Session(detached_backend(client._session.backend))

        async def main() -> None:
            try:
                results.append(await use(session))
            except BaseException as error:
                results.append(error)
            await session.backend.close()

        thread = LoopThread(main, "detached")
        thread.start()
        return wait(thread)

    async def run_async() -> None:
        await run(lambda thread: asyncio.to_thread(thread.join, 5))

    if isinstance(client, AsyncReplicate):
        asyncio.run(run_async())
    else:
        run(lambda thread: thread.join(5))
    [result] = results
    if isinstance(result, BaseException):
        raise result
    return result


async def get_account(session: Session[AsyncBackend]) -> Any:
    return (await session.send(Request("GET", "/account"), httpx.Response.json)).value


async def create(session: Session[AsyncBackend]) -> Any:
    return (await session.send(Request("POST", "/predictions", json={"input": {}}), httpx.Response.json)).value


KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


@KINDS
def test_detached_backend_has_the_configuration_and_connections_of_its_own(
    kind: str, account_server: AccountServer, async_backend: None
) -> None:
    client = make_client(kind, base_url=account_server.url)
    assert use_detached(client, get_account)["username"] == "me"
    assert account_server.received == [("/v1/account", f"Bearer {TOKEN}")]
    assert not getattr(client._session.backend, "_pools", None)


@KINDS
def test_mock_transport_is_used_as_it_is(kind: str) -> None:
    threads: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        threads.append(threading.current_thread().name)
        return json_response({"username": "mock"})

    transport = httpx.MockTransport(respond)
    client = make_client(kind, transport)
    assert use_detached(client, get_account) == {"username": "mock"}
    assert threads == ["detached"]
    assert client._session.config.transport is transport


def test_sync_transport_is_called_in_threads_concurrently() -> None:
    barrier = threading.Barrier(20, timeout=5)

    def respond(request: httpx.Request) -> httpx.Response:
        barrier.wait()
        return json_response({})

    async def use(session: Session[AsyncBackend]) -> None:
        await asyncio.gather(*(get_account(session) for _ in range(20)))

    transport = RecordingTransport(respond)
    use_detached(make_client("sync", transport), use)
    assert len({*transport.threads} - {threading.current_thread()}) == 20


def test_threads_of_a_sync_transport_end_with_the_backend() -> None:
    transport = RecordingTransport(lambda _: json_response({}))
    use_detached(make_client("sync", transport), get_account)
    gc.collect()
    [thread] = transport.threads
    thread.join(5)
    assert not thread.is_alive()


def test_async_transport_is_called_in_the_loop_of_the_caller() -> None:
    transport = RecordingTransport(lambda _: json_response({}))
    use_detached(make_client("async", transport), get_account)
    assert transport.threads == [threading.current_thread()]


@KINDS
def test_bodies_are_read_in_chunks_and_the_transport_stays_open(kind: str) -> None:
    body = ByteStream(b"first ", b"second")
    transport = RecordingTransport(lambda _: httpx.Response(200, stream=body))

    async def use(session: Session[AsyncBackend]) -> list[bytes]:
        response = await session.fetch("https://files.example/x")
        return [chunk async for chunk in session.backend.aiter_bytes(response)]

    assert use_detached(make_client(kind, transport), use) == [b"first ", b"second"]
    assert body.is_closed
    assert not transport.is_closed


@KINDS
def test_request_bodies_arrive(kind: str) -> None:
    transport = RecordingTransport(lambda _: json_response(prediction(), 201))
    use_detached(make_client(kind, transport), create)
    assert transport.requests == [("POST", b'{"input":{}}')]


@KINDS
def test_error_of_the_transport_passes_and_the_create_counts_as_sent(kind: str) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset by peer", request=request)

    transport = RecordingTransport(respond)
    with pytest.raises(APIConnectionError, match="ReadError: reset by peer") as caught:
        use_detached(make_client(kind, transport), create)
    assert caught.value.maybe_created_after
    assert len(transport.requests) == 1, "a create that may have been accepted is not repeated"


@KINDS
def test_error_in_a_body_passes(kind: str) -> None:
    body = ByteStream(b"{", httpx.ReadError("reset by peer"))
    transport = RecordingTransport(lambda _: httpx.Response(200, stream=body))
    with pytest.raises(APIConnectionError, match="reset by peer"):
        use_detached(make_client(kind, transport, max_retries=0), get_account)
    assert body.is_closed


def test_late_response_of_a_sync_transport_is_closed() -> None:
    body, sent, released = ByteStream(b"late"), threading.Event(), threading.Event()

    def respond(request: httpx.Request) -> httpx.Response:
        sent.set()
        released.wait(5)
        return httpx.Response(200, stream=body)

    async def use(session: Session[AsyncBackend]) -> None:
        task = asyncio.ensure_future(get_account(session))
        await session.backend.to_thread(sent.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    transport = RecordingTransport(respond)
    use_detached(make_client("sync", transport), use)
    released.set()
    gc.collect()
    [thread] = transport.threads
    thread.join(5)
    assert body.is_closed


def test_canceled_request_is_canceled_in_the_loop_of_the_caller() -> None:
    transport = RecordingTransport(lambda _: json_response({}), seconds=30)
    handle, canceled = transport.handle_async_request, threading.Event()

    async def record(request: httpx.Request) -> httpx.Response:
        try:
            return await handle(request)
        except asyncio.CancelledError:
            canceled.set()
            raise

    transport.handle_async_request = record  # type: ignore[method-assign]

    async def use(session: Session[AsyncBackend]) -> bool:
        task = asyncio.ensure_future(get_account(session))
        while not transport.requests:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await session.backend.to_thread(canceled.wait, 5)

    assert use_detached(make_client("async", transport), use)


def test_async_transport_needs_the_loop_of_the_caller() -> None:
    client = make_client("async", RecordingTransport(lambda _: json_response({})))
    with pytest.raises(RuntimeError, match="needs asyncio"):
        detached_backend(client._session.backend)


@pytest.mark.parametrize(
    ("moment", "error", "is_maybe_created"),
    [
        ("before the request", "ConnectError", False),
        ("during the request", "ReadError", True),
        ("in the body", "ReadError", True),
    ],
)
def test_end_of_the_loop_of_the_caller_is_a_connection_error(moment: str, error: str, is_maybe_created: bool) -> None:
    reached, closed = threading.Event(), threading.Event()
    threads: list[LoopThread] = []
    failures: list[APIConnectionError] = []

    async def reach(this: str) -> None:
        if this == moment:
            reached.set()
            await asyncio.sleep(30)

    class Body(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield b'{"id": '
            await reach("in the body")

    class Transport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await reach("during the request")
            return httpx.Response(201, stream=Body())

    async def call() -> None:
        client = make_client("async", Transport(), max_retries=0)
        session: Session[AsyncBackend] = Session(detached_backend(client._session.backend))

        async def main() -> None:
            if moment == "before the request":
                reached.set()
                await session.backend.to_thread(closed.wait, 5)
            with pytest.raises(APIConnectionError) as caught:
                await create(session)
            failures.append(caught.value)

        threads.append(LoopThread(main, "detached"))
        threads[0].start()
        await asyncio.to_thread(reached.wait, 5)

    asyncio.run(call())
    closed.set()
    assert threads[0].join(5)
    [failure] = failures
    assert f"{error}: the event loop that the transport of the client belongs to was closed" in str(failure)
    assert bool(failure.maybe_created_after) == is_maybe_created


def test_body_that_is_read_after_the_end_of_the_loop_of_the_caller_is_interrupted() -> None:
    transport = RecordingTransport(lambda _: httpx.Response(200, stream=ByteStream(b"never read")))
    fetched, closed = threading.Event(), threading.Event()
    threads: list[LoopThread] = []
    failures: list[str] = []

    async def call() -> None:
        session: Session[AsyncBackend] = Session(detached_backend(make_client("async", transport)._session.backend))

        async def main() -> None:
            response = await session.fetch("https://files.example/x")
            fetched.set()
            await session.backend.to_thread(closed.wait, 5)
            with pytest.raises(APIConnectionError) as caught:
                await anext(session.backend.aiter_bytes(response))
            failures.append(str(caught.value))

        threads.append(LoopThread(main, "detached"))
        threads[0].start()
        await asyncio.to_thread(fetched.wait, 5)

    asyncio.run(call())
    closed.set()
    assert threads[0].join(5)
    assert failures == [
        "GET https://files.example/x was interrupted: ReadError: the event loop that the transport of the client "
        "belongs to was closed"
    ]
