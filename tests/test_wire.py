"""Sending: promises 1, 4 (as far as one client goes) and 5."""

import asyncio
import logging
import os
import pickle
import re
import socketserver
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import API, TOKEN, Harness, Server, prediction, replied
from replicate_api.api.predictions import predictions_create, predictions_get
from replicate_api.models import VersionPredictionRequest
from replicate_ext import (
    APIStatusError,
    AsyncReplicate,
    ConnectionFailed,
    FileOutput,
    NotFound,
    RateLimited,
    Replicate,
    ReplicateError,
    ResponseError,
    ServerError,
    TimedOut,
    Upload,
    __version__,
)
from replicate_ext._backends.asyncio import fast_transport
from replicate_ext._config import Settings
from replicate_ext._files.outputs import files
from replicate_ext.emulator import Emulator

UNSENT = [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("full")]
CUT = [httpx.ReadError("reset"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut"), httpx.WriteError("x")]


@pytest.mark.parametrize(
    "failure", [*UNSENT, *CUT, *[replied({}, status) for status in (429, 500, 502, 503, 504, 520)]]
)
def test_reads_are_repeated(both: Harness, failure) -> None:
    both.server.will(failure, failure, replied(prediction()))
    assert both.do(both.client.predictions.get("x")).status == "succeeded"
    assert len(both.server.requests) == 3
    assert len(both.clock.sleeps) == 2


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (httpx.ConnectError("refused"), ConnectionFailed),
        (httpx.ReadTimeout("late"), TimedOut),
        (replied({}, 502), ServerError),
        (httpx.Response(200, text="<html>not JSON</html>"), ResponseError),
        (replied([1, 2, 3]), ResponseError),
        (replied(None), ResponseError),
    ],
)
def test_what_lasts_is_raised_after_max_retries(make, failure, error: type) -> None:
    both = make(max_retries=3)
    both.server.will(failure)
    with pytest.raises(error, match="GET /predictions/x") as caught:
        both.do(both.client.predictions.get("x"))
    assert len(both.server.requests) == 4
    assert caught.value.maybe_created_after is None


@pytest.mark.parametrize("failure", [*UNSENT, replied({}, 429), replied({}, 503, **{"retry-after": "1"})])
def test_a_create_that_cannot_have_been_accepted_is_repeated(both: Harness, failure) -> None:
    both.server.will(failure, replied(prediction("starting"), 201))
    assert both.do(both.client.predictions.create(version="acme/hello", input={})).status == "starting"
    assert len(both.server.requests) == 2


@pytest.mark.parametrize("failure", [*CUT, *[replied({}, status) for status in (500, 502, 503, 504, 520)]])
def test_a_create_that_may_have_been_accepted_is_sent_once(both: Harness, failure) -> None:
    both.server.will(failure)
    with pytest.raises((ConnectionFailed, ServerError)) as caught:
        both.do(both.client.predictions.create(version="acme/hello", input={}))
    assert len(both.server.requests) == 1
    assert caught.value.maybe_created_after


def test_a_create_whose_answer_cannot_be_read_says_that_it_happened(both: Harness) -> None:
    both.server.will(httpx.Response(201, text='{"id": "x0fm'))
    with pytest.raises(ResponseError, match="cannot read the answer") as caught:
        both.do(both.client.predictions.create(version="acme/hello", input={}))
    assert len(both.server.requests) == 1
    assert caught.value.maybe_created_after


def test_a_refusal_leaves_no_doubt(both: Harness) -> None:
    both.server.will(replied({"title": "Invalid version"}, 422))
    with pytest.raises(Exception, match="Invalid version") as caught:
        both.do(both.client.predictions.create(version="acme/hello", input={}))
    assert caught.value.maybe_created_after is None


def test_the_server_says_how_long_to_wait(both: Harness) -> None:
    both.server.will(replied({"retry_after": 7}, 429), replied({}, 429, **{"retry-after": "3"}), replied(prediction()))
    both.do(both.client.predictions.get("x"))
    assert [int(pause) for pause in both.clock.sleeps] == [7, 3]


def test_too_long_a_wait_is_told_with_the_servers_words(both: Harness) -> None:
    both.server.will(replied({"detail": "reduced to 6 requests per minute", "retry_after": 300}, 429))
    with pytest.raises(RateLimited, match="6 requests per minute") as caught:
        both.do(both.client.predictions.create(version="acme/hello", input={}))
    assert caught.value.retry_after == 300
    assert both.clock.sleeps == []


def test_the_low_credit_limit_is_named_and_waited_for(both: Harness) -> None:
    words = "reduced to 6 requests per minute with a burst of 1 requests while you have less than $5.0 in credit"
    limited = replied({"detail": words, "status": 429, "retry_after": 10}, 429)
    both.server.will(*[limited] * 8, replied(prediction(), 201))
    assert both.do(both.client.predictions.create(version="acme/hello", input={})).id
    assert 80 < both.clock.time - 1000 < 90
    both.server.answers = [limited]
    with pytest.raises(RateLimited, match=r"less than \$5.0 in credit"):
        both.do(both.client.predictions.create(version="acme/hello", input={}))


def test_tasks_of_one_client_wait_together(server: Server, clock) -> None:
    harness = Harness("async", server, clock)
    sent: list[float] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(clock.time)
        return replied({"retry_after": 7}, 429) if len(sent) == 2 else replied(prediction(), 201)

    server.will(respond)

    async def main() -> None:
        creates = (harness.client.predictions.create(version="acme/hello", input={}) for _ in range(20))
        await asyncio.gather(*creates, harness.client.predictions.get("x"))

    asyncio.run(main())
    assert len(sent) == 22
    early = [moment for moment in sent if moment < 1007]
    assert len(early) == 2, "the read, which has a limit of its own, and the create that was told"


def test_a_limit_longer_than_the_timeout_is_told_at_once(both: Harness) -> None:
    both.server.will(replied({"retry_after": 30}, 429))
    with pytest.raises(RateLimited) as caught:
        both.do(both.client.run("acme/hello", timeout=10))
    assert caught.value.retry_after == 30
    with pytest.raises(RateLimited, match="another call of this client"):
        both.do(both.client.run("acme/hello", timeout=10))
    assert len(both.server.requests) == 1
    assert both.clock.sleeps == []


def test_another_host_has_limits_of_its_own(both: Harness) -> None:
    both.server.will(
        replied(prediction(output="https://x.example/y"), 201),
        httpx.Response(429, headers={"retry-after": "100"}),
        httpx.Response(200, content=b"file"),
    )
    assert both.do(both.do(both.client.run("acme/hello")).read()) == b"file"
    both.server.answers = [replied(prediction())]
    before = both.clock.time
    both.do(both.client.predictions.get("x"))
    assert both.clock.time == before


def test_the_token_goes_to_the_api(both: Harness) -> None:
    both.server.will(replied(prediction()))
    both.do(both.client.predictions.get("x"))
    assert both.server.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert both.server.requests[0].headers["User-Agent"].startswith("replicate-ext/")


def test_the_token_and_the_callers_headers_go_nowhere_else(make) -> None:
    both = make(headers={"X-Secret": "s3cret"})
    elsewhere = "https://replicate.delivery/out.png"
    both.server.will(
        replied(prediction(output=elsewhere), 201),
        httpx.Response(302, headers={"location": "https://storage.example/out.png?sig=1"}),
        httpx.Response(302, headers={"location": f"{API}/files/x"}),
        httpx.Response(302, headers={"location": "https://storage.example/final"}),
        httpx.Response(200, content=b"PNG"),
    )
    assert both.do(both.do(both.client.run("acme/hello")).read()) == b"PNG"
    by_host = [(r.url.host, "Authorization" in r.headers, "X-Secret" in r.headers) for r in both.server.requests]
    assert by_host == [
        ("api.replicate.com", True, True),
        ("replicate.delivery", False, False),
        ("storage.example", False, False),
        ("api.replicate.com", True, True),
        ("storage.example", False, False),
    ]


@pytest.mark.parametrize(
    "near",
    ["http://api.replicate.com/x", "https://api.replicate.com:444/x", "https://api.replicate.com.evil.example/x"],
)
def test_a_near_miss_is_another_origin(both: Harness, near: str) -> None:
    both.server.will(replied(prediction(output=near), 201), httpx.Response(200, content=b""))
    both.do(both.do(both.client.run("acme/hello")).read())
    assert "Authorization" not in both.server.requests[1].headers


def test_a_redirect_of_an_api_call_is_not_followed(both: Harness) -> None:
    both.server.will(httpx.Response(307, headers={"location": "https://evil.example/"}))
    with pytest.raises(Exception, match="307"):
        both.do(both.client.predictions.create(version="a/b", input={}))
    assert len(both.server.requests) == 1


def test_the_token_is_in_no_repr_text_log_or_pickle(both: Harness, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    both.server.will(replied({"detail": "no"}, 404), replied(prediction(output="https://x.example/y"), 201))
    with pytest.raises(NotFound) as caught:
        both.do(both.client.predictions.get("x"))
    file = both.do(both.client.run("acme/hello"))
    shown = [
        repr(both.client),
        repr(both.client._wire.settings),
        repr(caught.value),
        str(vars(caught.value)),
        repr(file),
    ]
    shown += [pickle.dumps(caught.value).decode("latin-1"), pickle.dumps(file).decode("latin-1"), caplog.text]
    assert not any(TOKEN in text for text in shown)


def test_signatures_stay_out_of_error_texts(both: Harness) -> None:
    both.server.will(replied({"detail": "File not found"}, 404))
    with pytest.raises(NotFound) as caught:
        both.do(both.client.files.download("f", owner="me", expiry=1, signature="s1gned"))
    assert "s1gned" not in str(caught.value)
    both.server.answers = [replied({}, 403)]
    with pytest.raises(Exception, match="403") as caught:
        both.do(FileOutputOf(both)("https://x.example/y?signature=s1gned").read())
    assert "s1gned" not in str(caught.value)


def FileOutputOf(both: Harness):
    from replicate_ext._files.outputs import files

    return lambda url: files(url, both.client._wire)


def test_a_file_is_sent_from_its_first_byte_on_every_attempt(both: Harness, tmp_path) -> None:
    path = tmp_path / "cat.txt"
    path.write_bytes(b"content")
    both.server.will(replied({}, 429), replied({"id": "f"}, 201))
    with path.open("rb") as file:
        file.read(4)  # where it stands does not matter: a part of a file is nobody's wish
        both.do(both.client.files.create(content=file))
    bodies = [request.content for request in both.server.requests]
    assert all(b"\r\n\r\ncontent\r\n" in body and b'filename="cat.txt"' in body for body in bodies)
    assert all(b"Content-Type: text/plain" in body for body in bodies)
    boundaries = {request.headers["Content-Type"].partition("boundary=")[2] for request in both.server.requests}
    assert len(boundaries) == 2


def test_a_file_that_cannot_be_read_twice_is_sent_once(both: Harness) -> None:
    class Pipe:
        def __init__(self) -> None:
            self.left = [b"data", b""]

        def seekable(self) -> bool:
            return False

        def read(self, size: int = -1) -> bytes:
            return self.left.pop(0)

    both.server.will(replied({}, 429))
    with pytest.raises(RateLimited):
        both.do(both.client.files.create(content=Upload(Pipe(), "x.bin")))
    assert len(both.server.requests) == 1


def test_the_low_level_client_has_the_same_token_retries_and_errors(both: Harness) -> None:
    both.server.will(replied({}, 502), replied(prediction()), replied({"detail": "gone"}, 404))
    get = predictions_get.sync if both.kind == "sync" else predictions_get.asyncio
    assert both.do(get("x", client=both.client.api)).status == "succeeded"
    with pytest.raises(NotFound, match="gone"):
        both.do(get("x", client=both.client.api))
    assert all(request.headers["Authorization"] for request in both.server.requests)


def test_a_held_low_level_create_has_its_long_read_timeout_too(make) -> None:
    both = make(timeout=3)
    both.server.will(replied(prediction("starting"), 201))
    create = predictions_create.sync if both.kind == "sync" else predictions_create.asyncio
    body = VersionPredictionRequest(version="a/b", input={})
    both.do(create(client=both.client.api, body=body, prefer="wait=30"))
    assert both.server.requests[0].extensions["timeout"] == {"connect": 3, "read": 45, "write": 3, "pool": None}


def test_timeouts_are_separate(make) -> None:
    both = make(timeout=httpx.Timeout(connect=1, read=2, write=3, pool=4))
    both.server.will(replied(prediction()))
    both.do(both.client.predictions.get("x"))
    assert both.server.requests[0].extensions["timeout"] == {"connect": 1, "read": 2, "write": 3, "pool": 4}


def test_any_request_can_be_sent(both: Harness) -> None:
    both.server.will(replied({"new": True}), httpx.Response(204))
    assert both.do(both.client.request("post", "/new/thing", params={"a": 1}, json={"b": 2})) == {"new": True}
    assert str(both.server.requests[0].url) == f"{API}/new/thing?a=1"
    assert both.server.body() == {"b": 2}
    assert both.do(both.client.request("DELETE", "/new/thing")) is None
    with pytest.raises(ValueError, match="must begin with a slash"):
        both.do(both.client.request("GET", "https://evil.example/"))


@pytest.mark.parametrize("status", [503, 404])
def test_only_a_429_holds_the_other_calls_back(make, status: int) -> None:
    both = make(max_retries=0)
    both.server.will(replied({}, status, **{"retry-after": "3600"}), replied(prediction()))
    with pytest.raises(APIStatusError):
        both.do(both.client.search(query="x"))
    assert both.do(both.client.predictions.get("x")).status == "succeeded"


LOW_CREDIT = (
    "Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst "
    "of 1 requests while you have less than $5.0 in credit. Your rate limit resets in ~700s."
)


def test_low_credit_is_named_to_all_who_wait_for_it(both: Harness) -> None:
    both.server.will(replied({"detail": LOW_CREDIT, "status": 429, "retry_after": 700}, 429))
    for _ in range(2):  # the second is not even sent
        with pytest.raises(RateLimited, match=r"less than \$5\.0 in credit.*low credit") as caught:
            both.do(both.client.models.predictions.create("acme", "hello", input={}))
        assert caught.value.is_low_credit
        assert caught.value.retry_after == 700
    assert len(both.server.requests) == 1
    assert not RateLimited(429, detail="Request was throttled.").is_low_credit


def test_headers_of_the_caller_replace_ours_whatever_their_case(make) -> None:
    both = make(headers={"USER-agent": "mine", "authorization": "Bearer other", "X-Team": "a"})
    both.server.will(replied(prediction()))
    both.do(both.client.predictions.get("x"))
    headers = both.server.requests[0].headers
    assert headers.get_list("user-agent") == ["mine"]
    assert headers.get_list("authorization") == [f"Bearer {TOKEN}"]
    assert headers["x-team"] == "a"


def test_a_success_nested_too_deeply_is_an_ambiguous_error(both: Harness) -> None:
    both.server.will(httpx.Response(201, content=b"[" * 100_000))
    with pytest.raises(ResponseError) as caught:
        both.do(both.client.run("acme/hello"))
    assert caught.value.maybe_created_after is not None


# Logging


def test_one_line_for_each_attempt_and_nothing_that_is_nobodys_business(both: Harness, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    both.server.will(
        replied({}, 502),
        replied({"type": "user", "username": "me"}),
        replied(prediction("succeeded", output=["https://replicate.delivery/s3cret/out.png?signature=s1gned"]), 201),
        httpx.Response(302, headers={"location": "https://elsewhere.example/s3cret?signature=s1gned"}),
        httpx.Response(200, content=b"PNG"),
        httpx.ReadTimeout("late"),
        httpx.Response(200, content=b"x"),
    )
    both.do(both.client.account.get())
    [file] = both.do(both.client.run("acme/hello", {"prompt": "my s3cret diary"}, webhook="https://x.example/s3cret"))
    both.do(file.read())
    both.do(both.client.files.download("f", owner="me", expiry=1, signature="s1gned"))
    ours = [record.getMessage() for record in caplog.records if record.name == "replicate_ext"]
    assert [re.sub(r"in \d+ ms", "in N ms", line) for line in ours] == [
        "GET /account -> 502 in N ms, attempt 1",
        "GET /account -> 200 in N ms, attempt 2",
        "POST /models/acme/hello/predictions -> 201 in N ms, attempt 1",
        "GET replicate.delivery/… -> 302 in N ms, attempt 1",
        "GET elsewhere.example/… -> 200 in N ms, attempt 1",
        "GET /files/f/download -> ReadTimeout in N ms, attempt 1",
        "GET /files/f/download -> 200 in N ms, attempt 2",
    ]
    everything = " ".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    for secret in (TOKEN, "s3cret", "s1gned", "diary"):
        assert secret not in everything
    assert all(record.levelno == logging.DEBUG for record in caplog.records if record.name == "replicate_ext")


def test_logging_is_silent_by_default() -> None:
    code = f"""
import httpx
from replicate_ext import Replicate
transport = httpx.MockTransport(lambda request: httpx.Response(200, json={{}}))
Replicate("{TOKEN}", transport=transport).account.get()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""


def test_other_users_of_httpx_keep_their_log(caplog) -> None:
    caplog.set_level(logging.INFO)
    with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200))) as http:
        http.get("https://x.example/")
    assert "x.example" in caplog.text


# Threads, loops, processes


FORKING = """
import httpx, os
from replicate_ext import Replicate

client, url = Replicate("r8_x"), httpx.URL("https://x.example/")
mine = client._wire.transport(url)
assert client._wire.transport(url) is mine
client._wire._lock.acquire()  # by another thread, say, at the moment of the fork
child = os.fork()
if not child:
    os._exit(0 if client._wire.transport(url) is not mine else 1)
client._wire._lock.release()
assert os.waitpid(child, 0)[1] == 0
assert client._wire.transport(url) is mine
print("fine")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_process_makes_connections_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, timeout=30)
    assert done.stdout == "fine\n", done.stderr


def test_one_client_serves_many_threads(server: Server) -> None:
    server.will(replied(prediction(output="x"), 201))
    with Replicate(TOKEN, transport=httpx.MockTransport(server)) as client, ThreadPoolExecutor(32) as pool:
        assert list(pool.map(lambda i: client.run("acme/hello", {"i": i}), range(320))) == ["x"] * 320


def test_a_thousand_runs_at_once_share_a_bounded_number_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicate_ext._backends.asyncio.CONNECTIONS", 100)

    async def main(api: Emulator) -> None:
        async with AsyncReplicate(api.token, base_url=api.url) as client:

            async def run(number: int) -> object:
                output = await client.run("acme/hello", {"text": str(number)})
                most.append(api.connections)
                return output

            outputs = await asyncio.gather(*(run(number) for number in range(1000)))
            assert outputs == [f"Hello, {number}!" for number in range(1000)]

    most: list[int] = []
    with Emulator() as api:
        asyncio.run(main(api))
        assert len(api.requests) == 1000
    assert 1 < max(most) < 1.5 * 100  # the server may still count some that are just being closed


@pytest.mark.parametrize("leave", ["read", "close", "fail"])
def test_whoever_leaves_a_stream_gives_its_place_back(leave: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicate_ext._backends.asyncio.CONNECTIONS", 1)

    def answer(request: httpx.Request) -> httpx.Response:
        if leave == "fail":
            raise httpx.ReadError("reset")
        return httpx.Response(200, stream=Later())

    class Later(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield b"PNG"

    async def main() -> None:
        client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(answer), max_retries=0)
        for _ in range(3):
            file = files("https://x.example/y", client._wire)
            if leave == "fail":
                with pytest.raises(ConnectionFailed):
                    await file.read()
            elif leave == "read":
                assert await file.read() == b"PNG"
            else:
                chunks = aiter(file)
                await anext(chunks)
                await chunks.aclose()

    asyncio.run(asyncio.wait_for(main(), 5))


UNCLOSED = """
import asyncio, gc, sys
import replicate_ext._default_client
from replicate_ext import AsyncReplicate

async def main():
    client = AsyncReplicate("r8_x", base_url=sys.argv[1])
    await client.account.get()
    del client
    gc.collect()
    return (await replicate_ext._default_client._async_client().account.get()).username

print(asyncio.run(main()), asyncio.run(main()))
"""


@pytest.mark.parametrize("is_fast", [True, False])
def test_a_client_that_nobody_closed_goes_without_a_word(loopback, is_fast: bool) -> None:
    without = "import sys; sys.modules['aiohttp'] = None\n"
    url = f"http://127.0.0.1:{loopback.server_port}"
    command = [sys.executable, "-c", ("" if is_fast else without) + UNCLOSED, url]
    environment = {**os.environ, "REPLICATE_BASE_URL": url, "REPLICATE_API_TOKEN": TOKEN}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("me me\n", "")


class _Repeating(socketserver.StreamRequestHandler):
    """Keeps each request to the byte, and answers it with a long header."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            lines = [line]
            while line not in (b"\r\n", b""):
                line = self.rfile.readline()
                lines.append(line)
            head = b"".join(lines).decode()
            length = int((re.search(r"(?i)content-length: (\d+)", head) or [0, 0])[1])
            self.server.seen.append((head, self.rfile.read(length)))  # type: ignore[attr-defined]
            long = "x" * 30_000
            self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nReport-To: {long}\r\n\r\n{{}}".encode())


ODD_ADDRESS = "/a%7Eb%2Fc//d?x=%2B%41&y=a%20b&z=a+b&e=%3D%26"
"""An address of which every character counts: it may be signed."""


def test_all_kinds_send_the_same_to_the_byte(kind: str, tmp_path: Path) -> None:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Repeating)
    server.daemon_threads = True
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    (tmp_path / "in.bin").write_bytes(b"\0\r\n" * 1000)

    def calls(client: Any) -> list[Any]:
        return [
            files(f"{base}{ODD_ADDRESS}", client._wire).read(),
            client.predictions.create(version="acme/hello", input={"text": "ü"}, prefer="wait=5"),
            client.predictions.cancel("x0"),
            client.files.create(content=(tmp_path / "in.bin").read_bytes()),
            client.request("DELETE", "/files/x0"),
        ]

    async def main() -> None:
        async with AsyncReplicate(TOKEN, base_url=base) as client:
            for call in calls(client):
                await call

    if kind == "sync":
        with Replicate(TOKEN, base_url=base) as client:
            calls(client)
    else:
        asyncio.run(main())
    server.shutdown()
    server.server_close()
    usual = {
        "host": base.removeprefix("http://"),
        "accept": "*/*",
        "connection": "keep-alive",
        "user-agent": f"replicate-ext/{__version__}",
        "authorization": f"Bearer {TOKEN}",
    }
    packed = {"accept-encoding": "gzip, deflate"}
    told = []
    for head, body in server.seen:  # type: ignore[attr-defined]
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        assert headers.items() >= usual.items()
        headers = {name: value for name, value in headers.items() if name not in usual}
        if headers.get("content-length") == "0":
            del headers["content-length"]  # says what its absence says, and not every kind says it
        told.append((first, headers, body))
    json_body = b'{"input":{"text":"\xc3\xbc"},"version":"acme/hello"}'
    boundary = re.search(r"boundary=(\w+)", told[3][1]["content-type"])
    assert boundary
    assert (tmp_path / "in.bin").read_bytes() in told[3][2]
    assert told == [
        (f"GET {ODD_ADDRESS} HTTP/1.1", {"accept-encoding": "identity"}, b""),
        (
            "POST /v1/predictions HTTP/1.1",
            {
                **packed,
                "prefer": "wait=5",
                "content-type": "application/json",
                "content-length": str(len(json_body)),
            },
            json_body,
        ),
        ("POST /v1/predictions/x0/cancel HTTP/1.1", packed, b""),
        (
            "POST /v1/files HTTP/1.1",
            {
                **packed,
                "content-type": f"multipart/form-data; boundary={boundary[1]}",
                "content-length": str(len(told[3][2])),
            },
            told[3][2],
        ),
        ("DELETE /v1/files/x0 HTTP/1.1", packed, b""),
    ]


def test_cookies_are_not_kept(both: Harness) -> None:
    both.server.will(replied({"username": "me"}, **{"Set-Cookie": "__cf_bm=x; Path=/"}), replied({"username": "me"}))
    both.do(both.client.account.get())
    both.do(both.client.account.get())
    assert all("cookie" not in request.headers for request in both.server.requests)


def test_one_async_client_serves_several_loops(server: Server) -> None:
    server.will(replied(prediction(output="x"), 201))
    client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(server))
    assert [asyncio.run(client.run("acme/hello")) for _ in range(3)] == ["x"] * 3


def test_the_blocking_client_works_inside_a_running_loop(server: Server) -> None:
    server.will(replied(prediction(output="x"), 201))

    async def notebook() -> object:
        return Replicate(TOKEN, transport=httpx.MockTransport(server)).run("acme/hello")

    assert asyncio.run(notebook()) == "x"


class _Loopback(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Authorization")))  # type: ignore[attr-defined]
        body = b'{"type": "user", "username": "me"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def loopback():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Loopback)
    server.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_proxies_of_the_environment_are_used(loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{loopback.server_port}")
    with Replicate(TOKEN, base_url="http://api.example.invalid") as client:
        assert client.account.get().username == "me"

    async def main() -> None:
        async with AsyncReplicate(TOKEN, base_url="http://api.example.invalid") as client:
            assert (await client.account.get()).username == "me"

    asyncio.run(main())
    assert [path for path, _ in loopback.seen] == ["http://api.example.invalid/v1/account"] * 2


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://api.replicate.com/v1", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://api.replicate.com/v1", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://127.0.0.1:8787/v1", None),
        ({"ALL_PROXY": "p:3128"}, "http://x.example/", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "replicate.com"}, "https://api.replicate.com/v1", None),
        (
            {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "replicate.com"},
            "https://replicate.delivery/x",
            "http://p:3128",
        ),
        ({"ALL_PROXY": "http://p:3128", "NO_PROXY": "localhost,127.0.0.1:8787"}, "http://127.0.0.1:8787/", None),
        ({"ALL_PROXY": "http://p:3128", "NO_PROXY": "*"}, "https://api.replicate.com/v1", None),
    ],
)
def test_which_proxy_a_url_goes_through(environment: dict, url: str, proxy: str | None, monkeypatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings().proxy(httpx.URL(url)) == proxy


class _Proxy(socketserver.StreamRequestHandler):
    """Notes who asks for what, and lets nobody through."""

    def handle(self) -> None:
        head = b"".join(iter(self.rfile.readline, b"\r\n")).decode()
        secret = re.search(r"(?im)^proxy-authorization: (.*?)\r$", head)
        self.server.seen.append((head.split(" HTTP")[0], secret and secret[1]))  # type: ignore[attr-defined]
        self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_hears_who_asks(kind: str, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Proxy)
    server.daemon_threads = True
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://me:p%40ss@127.0.0.1:{server.server_address[1]}")
    settings = {"base_url": f"{scheme}://api.example.invalid", "max_retries": 0}

    async def main() -> None:
        async with AsyncReplicate(TOKEN, **settings) as client:
            await client.account.get()

    def call() -> None:
        if kind != "sync":
            asyncio.run(main())
            return
        with Replicate(TOKEN, **settings) as client:
            client.account.get()

    with pytest.raises(ReplicateError) as caught:
        call()
    server.shutdown()
    server.server_close()
    asked = "CONNECT api.example.invalid:443" if scheme == "https" else "GET http://api.example.invalid/v1/account"
    assert server.seen == [(asked, "Basic bWU6cEBzcw==")]  # type: ignore[attr-defined]
    assert "407" in str(caught.value)


def test_a_proxy_that_aiohttp_does_not_know_is_left_to_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    assert fast_transport(Settings(), httpx.URL("https://api.replicate.com")) is None


def test_verify_reaches_the_connections_and_is_shared_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.create_default_context()
    made = []

    def transport(**arguments: object) -> httpx.BaseTransport:
        made.append(arguments["verify"])
        return httpx.MockTransport(lambda request: httpx.Response(200))

    monkeypatch.setattr(httpx, "HTTPTransport", transport)
    for options in ({"verify": context}, {"verify": False}, {}, {}):
        Replicate(TOKEN, **options).request("GET", "/")
    Replicate(TOKEN, base_url="http://127.0.0.1:1").request("GET", "/")
    assert made[:2] == [context, False]
    assert made[2] is made[3]
    assert made[4] is False  # plain HTTP has no certificates
    assert made[2].verify_mode == ssl.CERT_REQUIRED


def test_a_refused_connection_is_ours_to_name(unused_port: int) -> None:
    with (
        Replicate(TOKEN, base_url=f"http://127.0.0.1:{unused_port}", max_retries=0) as client,
        pytest.raises(ConnectionFailed, match="GET /account: ConnectError"),
    ):
        client.account.get()


@pytest.fixture
def unused_port() -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Loopback)
    server.server_close()
    return server.server_port


def test_an_unpickled_file_reads_without_the_token(loopback) -> None:
    url = f"http://127.0.0.1:{loopback.server_port}/out"
    file = Replicate(TOKEN, base_url=f"http://127.0.0.1:{loopback.server_port}")
    output = pickle.loads(pickle.dumps(FileOutput(url, file._wire)))
    assert output.read().startswith(b"{")
    output._wire.shut()
    assert loopback.seen == [("/out", None)]
