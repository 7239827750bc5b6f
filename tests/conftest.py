"""What the tests share: a clock that costs no time, a scripted server, and one client at a time of each kind."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from replicate_ext import AsyncReplicate, Replicate
from replicate_ext.emulator import Emulator

TOKEN = "r8_0123456789012345678901234567890123456"
API = "https://api.replicate.com/v1"


def shared(name: str) -> Path:
    """Return a folder beside the repository with material that is not ours to commit; skip where it is absent."""
    root = Path(os.environ.get("REPLICATE_EXT_SHARED") or Path(__file__).parents[2] / "shared")
    if not (root / name).exists():
        pytest.skip(f"{name} is not on this machine")
    return root / name


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="record tests/cassettes anew")


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0, "time.sleep takes no less"
        self.sleeps.append(seconds)
        self.time += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)
        await asyncio.sleep(0)


Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Server:
    """Answers with what was put on its list, in that order; the last one stays. Remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[httpx.Request] = []

    def will(self, *answers: Answer) -> Server:
        self.answers += answers
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        assert self.answers, f"nobody expected {request.method} {request.url}"
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.url.path.removeprefix('/v1')}" for request in self.requests]

    def body(self, index: int = -1) -> Any:
        return json.loads(self.requests[index].content)


class Harness:
    """A client over the scripted server and the free clock; `do` and `collect` hide whether it is async."""

    def __init__(self, kind: str, server: Server, clock: Clock, **settings: Any) -> None:
        self.kind, self.server, self.clock = kind, server, clock
        cls: Any = {"sync": Replicate, "async": AsyncReplicate}[kind]
        self.client: Any = cls(**{"api_token": TOKEN, "transport": httpx.MockTransport(server), **settings})
        self.client._wire.now = clock.now
        self.client._wire._sleep = clock.sleep if kind == "sync" else clock.asleep

    def do(self, result: Any) -> Any:
        """Return what a call returns, awaited where it must be."""
        return asyncio.run(_awaited(result)) if inspect.isawaitable(result) else result

    def collect(self, items: Any) -> list[Any]:
        """Return all items of an iterator of either kind."""
        collected: list[Any] = []
        self.each(items, collected.append)
        return collected

    def each(self, items: Any, see: Callable[[Any], object]) -> None:
        """Show all items of an iterator of either kind, one by one."""
        if hasattr(items, "__aiter__"):
            asyncio.run(_shown(items, see))
        else:
            for item in items:
                see(item)


async def _awaited(result: Any) -> Any:
    return await result


async def _shown(items: Any, see: Callable[[Any], object]) -> None:
    async for item in items:
        see(item)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sync", "async"])
def both(request: pytest.FixtureRequest, server: Server, clock: Clock) -> Harness:
    """Each test with this fixture runs on both clients."""
    return Harness(request.param, server, clock)


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest, server: Server, clock: Clock) -> Callable[..., Harness]:
    """Like `both`, with settings of the test's own."""
    return lambda **settings: Harness(request.param, server, clock, **settings)


@pytest.fixture
def without_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the async client do as if the extra `fast` were not installed."""
    monkeypatch.setattr("replicate_ext._backends.asyncio.fast_transport", lambda *_: None)


@pytest.fixture(params=["sync", "async", "fast"])
def kind(request: pytest.FixtureRequest) -> str:
    """Return which client it is; the last one is the async client where the extra `fast` is installed."""
    if request.param == "async":
        request.getfixturevalue("without_fast")
    return str(request.param)


@pytest.fixture
def api(replicate_emulator: Emulator) -> Emulator:
    """Return an emulator of the test's own."""
    return replicate_emulator


@pytest.fixture
def client(replicate_client: Replicate) -> Replicate:
    """Return a client of that emulator."""
    return replicate_client


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REPLICATE_API_TOKEN", "REPLICATE_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def prediction(status: str = "succeeded", **fields: Any) -> dict[str, Any]:
    """Return a prediction as the API sends it."""
    job = {
        "id": "x0fmfzfcf5rma0cq65c825tcbm",
        "model": "acme/hello",
        "version": "hidden",
        "input": {"text": "hi"},
        "logs": "",
        "output": None,
        "data_removed": False,
        "error": None,
        "status": status,
        "created_at": "2025-06-02T15:53:20.761Z",
        "urls": {
            "get": f"{API}/predictions/x0fmfzfcf5rma0cq65c825tcbm",
            "cancel": f"{API}/predictions/x0fmfzfcf5rma0cq65c825tcbm/cancel",
            "web": "https://replicate.com/p/x0fmfzfcf5rma0cq65c825tcbm",
        },
    }
    if status in ("succeeded", "failed", "canceled", "aborted"):
        job["completed_at"] = "2025-06-02T15:53:25.5Z"
    return job | fields


def replied(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    """Return an answer with a JSON body."""
    return httpx.Response(status, json=body, headers=headers)
