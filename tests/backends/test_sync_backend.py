"""The sync backend: threads, forked processes, running event loops."""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from conftest import TOKEN, ScriptedServer, json_response, prediction
from replicate_ext import Replicate

FORK_SCRIPT = """
import httpx, os
from replicate_ext import Replicate

client, url = Replicate("r8_x"), httpx.URL("https://x.example/")
transport = client._session.backend.transport(url)
assert client._session.backend.transport(url) is transport
client._session.backend._lock.acquire()  # as another thread may have done at the moment of the fork
child = os.fork()
if not child:
    os._exit(0 if client._session.backend.transport(url) is not transport else 1)
client._session.backend._lock.release()
assert os.waitpid(child, 0)[1] == 0
assert client._session.backend.transport(url) is transport
print("ok")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_forked_process_opens_its_own_connections() -> None:
    process = subprocess.run([sys.executable, "-c", FORK_SCRIPT], capture_output=True, text=True, timeout=30)
    assert process.stdout == "ok\n", process.stderr


def test_sync_client_is_shared_by_threads(server: ScriptedServer) -> None:
    server.respond_with(json_response(prediction(output="x"), 201))
    with Replicate(TOKEN, transport=httpx.MockTransport(server)) as client, ThreadPoolExecutor(32) as pool:
        assert list(pool.map(lambda i: client.run("acme/hello", {"i": i}), range(320))) == ["x"] * 320


def test_sync_client_works_inside_a_running_event_loop(server: ScriptedServer) -> None:
    server.respond_with(json_response(prediction(output="x"), 201))

    async def notebook() -> object:
        return Replicate(TOKEN, transport=httpx.MockTransport(server)).run("acme/hello")

    assert asyncio.run(notebook()) == "x"
