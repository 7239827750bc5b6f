"""A local server that speaks Replicate's API, with models that really compute: no token, no internet, no cost.

    with Emulator() as api:
        client = Replicate(api.token, base_url=api.url)
        client.run("acme/hello", {"text": "Ada"})

Needs the extra: `pip install 'replicate-ext[emulator]'`. From the command line: `python -m replicate_ext.emulator`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from urllib.parse import urlencode

import uvicorn

from .app import Entry, Service
from .catalog import Catalog, F
from .clock import Clock
from .faults import Faults
from .https import certificates
from .models import built_in
from .operations.files import signature
from .runner import log, now, sleep
from .schema import Field
from .state import State
from .store import Store
from .webhooks import Delivery

__all__ = [
    "TOKEN",
    "Catalog",
    "Clock",
    "Delivery",
    "Emulator",
    "Entry",
    "Faults",
    "Field",
    "log",
    "model",
    "now",
    "sleep",
]

model = built_in.model
"""The decorator that makes a model of a typed function, for all emulators that begin after it: as `Catalog.model`."""

TOKEN = "r8_" + "emulator".ljust(37, "0")
"""The token that an emulator takes, unless it is told another."""


class Emulator:
    """A server on this machine, for as long as the `with` block lasts.

    Args:
        port: The port; by default any that is free.
        host: Who can reach it; by default only this machine.
        models: What can be run; by default the models that the emulator brings along.
        token: The API token that it takes.
        limited: Whether the API's rate limits are enforced, rather than only told in the headers.
        boot: Seconds that a prediction is `starting`, on the emulator's clock.
        chaos: The share of requests that go wrong by chance, 0 to 1.
        seed: What the chance depends on.
        https: Whether to speak HTTPS, with a throw-away certificate.
        state: A file in which everything is kept (SQLite), to go on with it the next time.

    Attributes:
        authority: The file with the authority behind that certificate, for clients to trust.
        clock: The emulator's time: `api.clock.advance(3600)`.
        faults: What is to go wrong: `api.faults.next(status=429, retry_after=2)`.
    """

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        models: Catalog = built_in,
        token: str = TOKEN,
        limited: bool = False,
        boot: float = 0.0,
        chaos: float = 0.0,
        seed: int | None = None,
        https: bool = False,
        state: str | os.PathLike[str] | None = None,
    ) -> None:
        self._store_path = state
        self.token = token
        self._scheme = "https" if https else "http"
        self.authority: Path | None = None
        self.clock = Clock()
        self.faults = Faults(chaos, seed)
        self._boot = boot
        self._address = (host, port)
        self._models, self._limited = models, limited
        self._service: Service | None = None

    @property
    def url(self) -> str:
        """The base URL for clients, with `/v1`."""
        host, port = self._address
        return f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1"

    @property
    def requests(self) -> list[Entry]:
        """The requests so far, without their tokens, the latest last."""
        return list(self._running.journal)

    @property
    def model(self) -> Callable[..., Callable[[F], F]]:
        """The decorator that makes a model of a typed function, for this emulator: as `Catalog.model`.

        with Emulator() as api:
            @api.model("me/shout")
            def shout(text: str) -> str:
                return text.upper()
        """
        return self._running.state.catalog.model

    @property
    def deliveries(self) -> list[Delivery]:
        """The attempts to deliver webhooks so far, the latest last."""
        return list(self._running.webhooks.log)

    def download_url(self, file_id: str, seconds: float = 3600) -> str:
        """Return a signed address of an uploaded file's content, good for some seconds on the emulator's clock.

        On Replicate people make these themselves, with the account's secret for files.
        """
        state, expiry = self._running.state, str(int(self.clock.time() + seconds))
        signed = signature(state.signing_secret, state.username, file_id, expiry)
        query = urlencode({"owner": state.username, "expiry": expiry, "signature": signed})
        return f"{self.url}/files/{file_id}/download?{query}"

    def _drop(self, scope: object) -> None:
        """Drop the connection of a request, without a word."""
        for connection in self._server.server_state.connections:
            if getattr(connection, "scope", None) is scope:
                connection.transport.abort()

    @property
    def connections(self) -> int:
        """How many connections there are just now; each client keeps some for its next request."""
        return len(self._server.server_state.connections)

    @property
    def _running(self) -> Service:
        if self._service is None:
            raise RuntimeError("the emulator is not running; use it in a `with` block")
        return self._service

    def __enter__(self) -> Emulator:
        listener = _listener(*self._address)
        self._address = listener.getsockname()[:2]
        state = State(self._models)
        self._store = Store(Path(self._store_path)) if self._store_path else None
        if self._store is not None:
            self._store.load(state)
        self._service = Service(
            state, self.clock, self.token, self._limited, self._boot, self.faults, drop=self._drop, store=self._store
        )
        own: Path | None = None
        if self._scheme == "https":
            self.authority, own = certificates(state.folder, self._address[0])
        config = uvicorn.Config(
            self._service.app(),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            ssl_certfile=own,
        )
        self._server = uvicorn.Server(config)
        self._loop = self.clock.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, args=[listener], name="replicate-emulator")
        self._thread.start()
        return self

    def _serve(self, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner, listener:
            runner.run(self._server.serve([listener]))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._running.runner.close)  # so that no request is waited for
        self._server.should_exit = True
        self._thread.join()
        self.clock.loop = None
        self._running.state.close()
        if self._store is not None:
            self._store.close()


def _listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens, and that knows its protocol: asyncio turns off Nagle's algorithm only for those."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    if sys.platform != "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(2048)
    return listener
