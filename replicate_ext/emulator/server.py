"""The emulator as a context manager: uvicorn in a thread, with an event loop of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from errno import EACCES, EADDRINUSE
from pathlib import Path
from types import TracebackType
from urllib.parse import urlencode

import uvicorn

from .asgi import create_app
from .builtin_models import builtin_catalog
from .catalog import Catalog, F
from .clock import Clock
from .faults import Faults
from .operations.files import sign_download
from .service import RecordedRequest, Service
from .state import State
from .store import Store
from .tls import create_certificates
from .webhooks import Delivery

TOKEN = "r8_" + "emulator".ljust(37, "0")
"""The default API token."""

LISTEN_BACKLOG = 2048
"""Connections that may wait to be accepted."""


class Emulator:
    """A server on this machine that runs for the duration of the `with` block.

    Args:
        port: Port to listen on; 0 picks a free one.
        host: Interface to listen on; by default only this machine can connect.
        models: The models to offer; by default the built-in ones.
        token: The API token that clients must send.
        enforce_rate_limits: Whether to reject requests beyond the API's rate limits. The headers report the limits
            either way.
        boot_time: Seconds for which a prediction stays `starting`, on the emulator's clock.
        chaos: Probability that a request fails at random, 0 to 1.
        seed: Seed for these failures.
        https: Whether to serve HTTPS, with a throw-away certificate.
        state: SQLite file that keeps all state, so that the next emulator resumes with it.

    Attributes:
        ca_file: PEM file with the CA certificate that clients must trust; None without `https`.
        clock (Clock): The emulator's time: `emulator.clock.advance(3600)`.
        faults (Faults): Faults to inject: `emulator.faults.fail_next(status=429, retry_after=2)`.
        token (str): The API token that clients must send.

    Raises:
        ValueError: An argument is out of range, or `state` is not a state file.
        OSError: It cannot listen on this port.

    Examples:
        >>> from replicate_ext import Replicate
        >>> from replicate_ext.emulator import Emulator
        >>> with Emulator() as emulator, Replicate(emulator.token, base_url=emulator.url) as local:
        ...     print(local.run("acme/hello", {"text": "Ada"}))
        ...     print([request.operation for request in emulator.requests])
        Hello, Ada!
        ['models.get', 'models.predictions.create']
    """

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        models: Catalog = builtin_catalog,
        token: str = TOKEN,
        enforce_rate_limits: bool = False,
        boot_time: float = 0.0,
        chaos: float = 0.0,
        seed: int | None = None,
        https: bool = False,
        state: str | os.PathLike[str] | None = None,
    ) -> None:
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be from 0 to 65535, got {port!r}")
        if not boot_time >= 0:
            raise ValueError(f"boot_time must be 0 or more seconds, got {boot_time!r}")
        self._store_path = state
        self.token = token
        self._scheme = "https" if https else "http"
        self.ca_file: Path | None = None
        self.clock = Clock()
        self.faults = Faults(chaos, seed)
        self._boot_time = boot_time
        self._address = (host, port)
        self._models, self._enforce_rate_limits = models, enforce_rate_limits
        self._service: Service | None = None

    @property
    def url(self) -> str:
        """The base URL for clients, with `/v1` at its end; with port 0, known once it runs."""
        host, port = self._address
        return f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1"

    def __repr__(self) -> str:
        is_running = self._service is not None and self._thread.is_alive()
        return f"<Emulator {self.url}>" if is_running else "<Emulator, not running>"

    @property
    def requests(self) -> list[RecordedRequest]:
        """The last 10,000 requests received, oldest first, without their tokens."""
        return list(self._running_service.journal)

    @property
    def model(self) -> Callable[..., Callable[[F], F]]:
        """Decorator that turns a typed function into a model of this emulator, while it runs; see `Catalog.model`."""
        return self._running_service.state.catalog.model

    @property
    def deliveries(self) -> list[Delivery]:
        """The attempts to deliver webhooks so far, oldest first."""
        return list(self._running_service.webhooks.deliveries)

    @property
    def connections(self) -> int:
        """The number of open connections, idle ones in the pools of clients included."""
        return len(self._server.server_state.connections)

    def download_url(self, file_id: str, seconds: float = 3600) -> str:
        """Return a signed URL for the content of an uploaded file.

        On Replicate, users sign such URLs themselves, with the signing secret of their account.

        Args:
            file_id: The id of the file.
            seconds: For how many seconds on the emulator's clock the URL is valid.

        Returns:
            The URL, which needs no token.

        Examples:
            >>> file = client.files.create(content=b"12345")
            >>> [copy] = client.save([emulator.download_url(file.id)], "copies/")
            >>> copy.read_bytes()
            b'12345'
        """
        state, expiry = self._running_service.state, str(int(self.clock.time() + seconds))
        signature = sign_download(state.signing_secret, state.username, file_id, expiry)
        query = urlencode({"owner": state.username, "expiry": expiry, "signature": signature})
        return f"{self.url}/files/{file_id}/download?{query}"

    @property
    def _running_service(self) -> Service:
        if self._service is None:
            raise RuntimeError("the emulator is not running; use it in a `with` block")
        return self._service

    def __enter__(self) -> Emulator:
        with ExitStack() as stack:
            listener = stack.enter_context(_create_listener(*self._address))
            self._address = listener.getsockname()[:2]
            state = State(self._models)
            stack.callback(state.close)
            store = stack.enter_context(Store(Path(self._store_path), state)) if self._store_path else None
            self._service = Service(
                state,
                self.clock,
                self.token,
                self._enforce_rate_limits,
                self._boot_time,
                self.faults,
                drop_connection=self._drop_connection,
                store=store,
            )
            server_certificate: Path | None = None
            if self._scheme == "https":
                self.ca_file, server_certificate = create_certificates(state.folder, self._address[0])
            config = uvicorn.Config(
                create_app(self._service),
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
                ssl_certfile=server_certificate,
            )
            self._server = uvicorn.Server(config)
            self._loop = self.clock.loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._serve, args=[listener], name="replicate-emulator")
            self._thread.start()
            self._resources = stack.pop_all()
        return self

    def _serve(self, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve([listener]))

    def _drop_connection(self, scope: object) -> None:
        """Abort the connection of the request with this ASGI scope."""
        for connection in self._server.server_state.connections:
            if getattr(connection, "scope", None) is scope:
                connection.transport.abort()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Ends all jobs, and with them the requests that wait for one: the shutdown need not wait for these.
        self._loop.call_soon_threadsafe(self._running_service.runner.close)
        self._server.should_exit = True
        self._thread.join()
        self.clock.loop = None
        self._resources.close()


def _create_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    It is created with an explicit protocol, because asyncio sets TCP_NODELAY only on sockets that have one.
    """
    try:
        family, type_, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with ExitStack() as stack:
            listener = stack.enter_context(socket.socket(family, type_, protocol))
            if sys.platform != "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(LISTEN_BACKLOG)
            stack.pop_all()
    except OSError as error:
        advice = "; port 0 picks a free one" if error.errno in (EADDRINUSE, EACCES) else ""
        raise OSError(error.errno, f"cannot listen on {host}, port {port}: {error.strerror}{advice}") from error
    return listener
