"""The sockets of the sync backend: they respect the deadline of the whole call, and can be closed from other threads.

httpcore's own sockets have a timeout per read, so a response that trickles in never times out, and closing a socket
does not wake a thread that reads from it. https://www.encode.io/httpcore/network-backends/
"""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
import threading
import time
from types import CodeType
from typing import Any, TypeVar

import httpcore
import httpx


class _Current(threading.local):
    deadline: float | None = None
    """The moment, on `time.monotonic`, at which the request of this thread has to be complete."""


_current = _Current()


class enforce_deadline:
    """Let all reads and writes of this thread in the block time out after so many seconds in total."""

    __slots__ = ("_deadline", "_previous")

    def __init__(self, seconds: float | None) -> None:
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def __enter__(self) -> None:
        self._previous, _current.deadline = _current.deadline, self._deadline

    def __exit__(self, *_: object) -> None:
        _current.deadline = self._previous


def _limit(timeout: float | None, error: type[Exception]) -> float | None:
    """Return the timeout of one read or write; raise if the deadline has passed."""
    if _current.deadline is None:
        return timeout
    remaining = _current.deadline - time.monotonic()
    if remaining <= 0:
        raise error("the deadline of the call has passed")
    return remaining if timeout is None else min(timeout, remaining)


MAX_WAKE_TIME = 1.0
"""Seconds for which closing a connection waits for the thread that reads from it to wake up."""


class _Watched:
    """What is known of a connected socket, of either client."""

    _stream: Any
    has_read = False
    """Whether anything was read since the latest write."""

    is_dropped = False
    """Whether no further request may use it."""

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self.is_dropped:  # to httpcore, an idle connection that is readable has ended
            return True
        return self._stream.get_extra_info(info)


class _Stream(_Watched, httpcore.NetworkStream):
    """A connected socket."""

    _stream: httpcore.NetworkStream

    def __init__(self, stream: httpcore.NetworkStream, network: _NetworkBackend) -> None:
        self._stream, self._network = stream, network
        self._in_use = threading.RLock()  # a signal handler may close it in the middle of a read
        self._has_written = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.has_read = True
        with self._in_use:
            return self._stream.read(max_bytes, _limit(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._network.is_closed and not self._has_written:  # it was being opened, and could not be closed
            raise httpcore.ConnectError("the client was closed")  # httpcore ignores a WriteError
        self._has_written, self.has_read = True, False
        with self._in_use:
            self._stream.write(buffer, _limit(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        connection = self._stream.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):  # it may be closed already
                connection.shutdown(socket.SHUT_RDWR)  # wakes a thread that reads from it
        # Until it has woken up, the number of the socket must not be given to another one, which it would wait for.
        is_free = self._in_use.acquire(timeout=MAX_WAKE_TIME)
        try:
            self._stream.close()
        finally:
            if is_free:
                self._in_use.release()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limited = _limit(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, limited), self._network)


class _NetworkBackend(httpcore.NetworkBackend):
    """Opens connections."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()
        self.is_closed = False
        """Whether its transport was closed: nothing more is written to connections that it opens."""

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any) -> _Stream:
        limited = _limit(timeout, httpcore.ConnectTimeout)
        return _Stream(self._backend.connect_tcp(host, port, limited, *args, **kwargs), self)

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class _AsyncStream(_Watched, httpcore.AsyncNetworkStream):
    """A connected socket of the async client, whose deadlines are asyncio's."""

    _stream: httpcore.AsyncNetworkStream

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.has_read = True
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.has_read = False
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))


class _AsyncNetworkBackend(httpcore.AsyncNetworkBackend):
    """Opens connections of the async client."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(self, *args: Any, **kwargs: Any) -> _AsyncStream:
        return _AsyncStream(await self._backend.connect_tcp(*args, **kwargs))

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


TransportT = TypeVar("TransportT", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


def watch_connections(transport: TransportT) -> TransportT:
    """Let a transport open its connections through this module. httpx has no argument for that."""
    pool: Any = getattr(transport, "_pool", None)
    if pool is not None:  # a test of this project shows that it is there
        is_async = isinstance(transport, httpx.AsyncHTTPTransport)
        pool._network_backend = _AsyncNetworkBackend(pool._network_backend) if is_async else _NetworkBackend()
    return transport


def close_connections(transport: httpx.BaseTransport) -> None:
    """Close a transport, and the connections that other threads are opening."""
    network = getattr(getattr(transport, "_pool", None), "_network_backend", None)
    if isinstance(network, _NetworkBackend):
        network.is_closed = True
    transport.close()


def is_unasked(response: httpx.Response) -> bool:
    """Whether a response had arrived before its request was sent: it belongs to an earlier one, or to nobody."""
    stream = response.extensions.get("network_stream")
    return isinstance(stream, _Watched) and not stream.has_read


def drop_connection(response: httpx.Response) -> None:
    """Let no other request use the connection of a response that was not meant for its request.

    What still arrives there would be taken for the response to the next one.
    """
    stream = response.extensions.get("network_stream")
    if isinstance(stream, _Watched):
        stream.is_dropped = True
    elif stream is not None and hasattr(stream, "is_closing"):  # asyncio's transport, of aiohttp
        stream.close()


UNASKED = "the connection had a response before the request was sent"


def foreign_cause(error: BaseException) -> BaseException | None:
    """Return the exception that a signal handler raised during a read, if that is what `error` was made of.

    httpcore takes a TimeoutError or OSError for one of the socket's. A handler's exception has the handler's frame in
    its traceback.
    """
    root = error
    while cause := root.__cause__ or next((arg for arg in root.args if isinstance(arg, BaseException)), None):
        root = cause  # httpcore removes the cause of its errors, but keeps it as their argument
    if not isinstance(root, OSError) or threading.current_thread() is not threading.main_thread():
        return None
    handlers = {_code(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    traceback = root.__traceback__
    while traceback:
        if traceback.tb_frame.f_code in handlers:
            return root
        traceback = traceback.tb_next
    return None


def _code(handler: object) -> CodeType | None:
    """Return the code of a Python function, method or callable object."""
    called = handler if hasattr(handler, "__code__") or hasattr(handler, "__func__") else type(handler).__call__
    code = getattr(getattr(called, "__func__", called), "__code__", None)
    return code if isinstance(code, CodeType) else None
