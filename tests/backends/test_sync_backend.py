"""The sync backend: threads, forked processes, running event loops."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from conftest import TOKEN, ScriptedServer, json_response, prediction
from replicate_ext import Replicate
from replicate_ext._backends.base import MAX_CONCURRENT_TRANSFERS
from replicate_ext._backends.sync import run_sync

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


def run_script(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", script, *arguments]
    process = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert process.stderr == ""
    return process.stdout


SAVE_SCRIPT = """
import atexit, sys, threading, time
import httpx
from replicate_ext import Replicate
from replicate_ext._files.wrap import wrap_files

client = Replicate("r8_x", transport=httpx.MockTransport(lambda request: httpx.Response(200, content=b"PNG")))
output = wrap_files([f"https://replicate.delivery/{number}.png" for number in range(20)], client._session)

def save():
    main = threading.main_thread()
    if threading.current_thread() is not main:
        main.join()
    print(len(client.save(output, sys.argv[1])))

if sys.argv[2] == "thread":
    threading.Thread(target=save).start()
else:
    atexit.register(save)
"""


@pytest.mark.parametrize("when", ["thread", "atexit"])
def test_files_are_saved_after_the_main_thread_has_ended(tmp_path, when: str) -> None:
    assert run_script(SAVE_SCRIPT, str(tmp_path), when) == "20\n"
    assert len(list(tmp_path.iterdir())) == 20


def test_gather_works_without_new_threads(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    done: list[int] = []

    async def work(number: int) -> None:
        done.append(number)

    with Replicate(TOKEN) as client:
        run_sync(client._session.backend.gather([work(number) for number in range(3)]))
    assert done == [0, 1, 2]


@pytest.mark.skipif(sys.platform == "win32", reason="raise_signal does not interrupt a wait")
def test_ctrl_c_does_not_wait_for_transfers() -> None:
    release, started = threading.Event(), threading.Semaphore(0)
    done: list[int] = []

    async def transfer(number: int) -> None:
        started.release()
        release.wait(10)
        done.append(number)

    def interrupt() -> None:
        for _ in range(MAX_CONCURRENT_TRANSFERS):
            started.acquire()
        signal.raise_signal(signal.SIGINT)

    with Replicate(TOKEN) as client:
        interrupter = threading.Thread(target=interrupt)
        interrupter.start()
        before = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            run_sync(client._session.backend.gather([transfer(number) for number in range(20)]))
        assert time.monotonic() - before < 1
        interrupter.join()
        release.set()
        deadline = time.monotonic() + 5  # Python forgets a thread whose `join` was interrupted (bpo-45274)
        while len(done) < MAX_CONCURRENT_TRANSFERS and time.monotonic() < deadline:
            time.sleep(0.005)
    assert sorted(done) == list(range(MAX_CONCURRENT_TRANSFERS))
