"""The sockets of the sync backend: they respect the deadline of the whole call, and can be closed from other threads.

httpcore's own sockets have a timeout per read, so a response that trickles in never times out, and closing a socket
does not wake a thread that reads from it. https://www.encode.io/httpcore/network-backends/
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

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


class _Stream(httpcore.NetworkStream):
    """A connected socket."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _limit(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _limit(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        connection = self._stream.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):  # it may be closed already
                connection.shutdown(socket.SHUT_RDWR)  # wakes a thread that reads from it
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _NetworkBackend(httpcore.NetworkBackend):
    """Opens connections."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any) -> _Stream:
        limited = _limit(timeout, httpcore.ConnectTimeout)
        return _Stream(self._backend.connect_tcp(host, port, limited, *args, **kwargs))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


def use_deadlines(transport: httpx.HTTPTransport) -> httpx.HTTPTransport:
    """Let a transport open its connections through this module. httpx has no argument for that."""
    pool = getattr(transport, "_pool", None)
    if pool is not None:  # a test of this project shows that it is there
        pool._network_backend = _NetworkBackend()
    return transport


def foreign_cause(error: BaseException) -> BaseException | None:
    """Return the exception that a signal handler raised during a read, if that is what `error` was made of.

    httpcore takes a TimeoutError or OSError for one of the socket's. Those are raised by C code, so that the innermost
    frame of their traceback is httpcore's own or the ssl module's; that of a signal handler's exception is its own.
    """
    root = error
    while cause := root.__cause__ or next((arg for arg in root.args if isinstance(arg, BaseException)), None):
        root = cause  # httpcore removes the cause of its errors, but keeps it as their argument
    traceback = root.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    module = str(traceback.tb_frame.f_globals.get("__name__", "")) if traceback else ""
    is_from_socket = module.partition(".")[0] in ("", "httpcore", "httpx", "ssl", "socket", "h11", "replicate_ext")
    return None if is_from_socket or not isinstance(root, OSError) else root
