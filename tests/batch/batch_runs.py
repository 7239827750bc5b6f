"""What tests of batches have in common: rows, how a batch went, and requests that fail for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx

from conftest import TOKEN
from fake_platform import FILES_URL, FakePlatform, Fault
from replicate_ext import Batch, BatchStoppedError, Item, Replicate
from replicate_ext._batch.progress import Status


def rows(count: int, **input: Any) -> list[dict[str, Any]]:
    return [{"text": f"row {number}", **input} for number in range(count)]


def run(batch: Batch) -> tuple[list[Item], BatchStoppedError | None]:
    """Return the items of a batch, and why it stopped."""
    items = []
    try:
        for item in batch:
            items.append(item)
    except BatchStoppedError as error:
        return items, error
    return items, None


class Monitor:
    """A function for `progress` that keeps each status with its time on the virtual clock."""

    def __init__(self, platform: FakePlatform) -> None:
        self._platform = platform
        self.statuses: list[tuple[float, Status]] = []

    def __call__(self, status: Status) -> None:
        self.statuses.append((self._platform.clock.time, status))

    def notes(self, start: float = 0.0, end: float = float("inf")) -> list[str]:
        """Return the notes of a period, each once where it repeats."""
        return [note for note, _ in groupby(status.note for at, status in self.statuses if start <= at < end)]


def is_create(request: httpx.Request) -> bool:
    return request.method == "POST" and request.url.path.endswith("/predictions")


def is_download(request: httpx.Request) -> bool:
    return request.url.host == "replicate.delivery"


def fail(
    platform: FakePlatform,
    start: float,
    end: float,
    fault: Callable[[], Fault] = lambda: httpx.ConnectError("no route to host"),
    *,
    matches: Callable[[httpx.Request], bool] = lambda request: True,
    late: Callable[[], Fault] = lambda: None,
) -> None:
    """Let requests fail in a period of the virtual clock.

    Args:
        fault: What happens to requests that are sent then.
        late: What happens to the responses that would arrive then.
    """

    def is_affected(request: httpx.Request) -> bool:
        return start <= platform.clock.time < end and matches(request)

    platform.refuse = lambda request: fault() if is_affected(request) else None
    platform.lose = lambda request: late() if is_affected(request) else None


def file_url(platform: FakePlatform, name: str = "out.png") -> str:
    """Return the URL of a file of the next prediction."""
    return f"{FILES_URL}p{len(platform.jobs):025}/{name}"


class Downloads:
    """The transport of a client whose downloads take their time, except the first one, for which batches wait."""

    def __init__(self, platform: FakePlatform, seconds: float) -> None:
        self._platform, self._seconds = platform, seconds
        self.urls: list[str] = []
        self.times: list[float] = []
        self.running = self.max_running = 0

    def client(self) -> Replicate:
        return Replicate(TOKEN, transport=httpx.MockTransport(self._respond))

    def _respond(self, request: httpx.Request) -> Any:
        return self._respond_late(request) if is_download(request) else self._platform.respond(request)

    async def _respond_late(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(str(request.url))
        self.times.append(self._platform.clock.time)
        self.running += 1
        self.max_running = max(self.max_running, self.running)
        await asyncio.sleep(self._seconds if len(self.urls) > 1 else 0)
        self.running -= 1
        response: httpx.Response = await self._platform.respond(request)
        return response


def count_pictures(folder: Path) -> int:
    return sum(path.suffix == ".png" for path in folder.rglob("*"))
