"""The asyncio backend: several event loops, clients that are never closed."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import time
import weakref
from pathlib import Path

import httpx
import pytest

from conftest import TOKEN, AccountServer, ScriptedServer, json_response, prediction
from replicate_ext import AsyncReplicate, FileInput
from replicate_ext._backends.asyncio import ConnectionPool


def test_async_client_is_reused_in_several_event_loops(server: ScriptedServer) -> None:
    server.respond_with(json_response(prediction(output="x"), 201))
    client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(server))
    assert [asyncio.run(client.run("acme/hello")) for _ in range(3)] == ["x"] * 3


def test_connections_of_a_closed_event_loop_are_released() -> None:
    client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(lambda _: json_response({"username": "me"})))
    references: list[weakref.ref[ConnectionPool]] = []

    async def main() -> None:
        await asyncio.gather(*(client.account.get() for _ in range(3)))
        references.append(weakref.ref(client._session.backend.pool))  # type: ignore[attr-defined]

    for _ in range(3):
        asyncio.run(main())
    gc.collect()
    assert [reference() is None for reference in references] == [True, True, False]


UNCLOSED_SCRIPT = """
import asyncio, gc, sys
import replicate_ext._default_client
from replicate_ext import AsyncReplicate, FileInput

async def main():
    client = AsyncReplicate("r8_x", base_url=sys.argv[1])
    await client.account.get()
    del client
    gc.collect()
    return (await replicate_ext._default_client._async_client().account.get()).username

print(asyncio.run(main()), asyncio.run(main()))
"""


@pytest.mark.parametrize("has_aiohttp", [True, False])
def test_unclosed_client_is_collected_without_warnings(account_server: AccountServer, has_aiohttp: bool) -> None:
    prefix = "" if has_aiohttp else "import sys; sys.modules['aiohttp'] = None\n"
    url = account_server.url
    command = [sys.executable, "-c", prefix + UNCLOSED_SCRIPT, url]
    environment = {**os.environ, "REPLICATE_BASE_URL": url, "REPLICATE_API_TOKEN": TOKEN}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (process.stdout, process.stderr) == ("me me\n", "")


@pytest.mark.parametrize("operation", ["get", "run", "upload", "uploads", "save"])
def test_another_event_loop_than_asyncio_is_named(async_backend: None, operation: str, tmp_path: Path) -> None:
    client = AsyncReplicate(TOKEN)
    file = FileInput(b"bytes", inline=False)
    coroutine = {
        "get": lambda: client.account.get(),
        "run": lambda: client.run("acme/hello"),
        "upload": lambda: client.run("acme/hello", {"file": file}),
        "uploads": lambda: client.run("acme/hello", {"files": [file, FileInput(b"others", inline=False)]}),
        "save": lambda: client.save(["https://example.com/a.png", "https://example.com/b.png"], tmp_path),
    }[operation]()
    with pytest.raises(RuntimeError, match="AsyncReplicate needs asyncio: it does not run on trio"):
        coroutine.send(None)


def test_task_waits_for_its_thread_when_the_event_loop_ends() -> None:
    events: list[str] = []

    def work() -> None:
        time.sleep(0.03)
        events.append("the thread ended")

    async def use(client: AsyncReplicate) -> None:
        try:
            await client._session.backend.to_thread(work)
        finally:
            events.append("the task ended")

    async def main() -> None:
        task = asyncio.ensure_future(use(AsyncReplicate(TOKEN)))
        await asyncio.sleep(0.005)
        assert not task.done()

    asyncio.run(main())
    assert events == ["the thread ended", "the task ended"]
