"""The progress of uploads: bytes that were sent, on all backends; retries, failures, bars."""

from __future__ import annotations

import asyncio
import io
import re
import socketserver
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import TOKEN, FakeClock, Harness, json_response, prediction, use_fake_clock
from raw_server import ThreadedServer, serve_in_thread
from replicate_api import operations as op
from replicate_api.types import Upload
from replicate_ext import AsyncReplicate, RateLimitError, Replicate
from sent_inputs import upload_or_create

CONTENT = bytes(150_000)
STATES = [(0, 150_000), (65_536, 150_000), (131_072, 150_000), (150_000, 150_000)]
"""What a callback gets: httpx sends files in chunks of 64 KiB."""

CREATED = b'HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{"id":"f"}'
UNAVAILABLE = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}"


class UploadServer(socketserver.StreamRequestHandler):
    """Reads uploads, and sends the responses in the list `received`, which it replaces by the bodies."""

    server: ThreadedServer

    def handle(self) -> None:
        while head := self._read_head():
            body = self.rfile.read(int(re.search(r"(?i)content-length: (\d+)", head)[1]))  # type: ignore[index]
            response = next(each for each in self.server.received if each in (CREATED, UNAVAILABLE))
            self.server.received[self.server.received.index(response)] = body
            self.wfile.write(response)

    def _read_head(self) -> str:
        lines = []
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            lines.append(line)
        return b"".join(lines).decode()


@pytest.fixture
def upload_server() -> Iterator[ThreadedServer]:
    with serve_in_thread(UploadServer) as server:
        yield server


def upload(client_kind: str, url: str, **arguments: Any) -> Any:
    """Upload a file with a client of any kind, whose clock is a fake one."""
    cls: Any = Replicate if client_kind == "sync" else AsyncReplicate
    client = cls(TOKEN, base_url=url)
    use_fake_clock(client, FakeClock())
    if client_kind == "sync":
        with client:
            return client.files.create(**arguments)

    async def main() -> Any:
        async with client:
            return await client.files.create(**arguments)

    return asyncio.run(main())


@pytest.mark.parametrize("source", ["path", "file", "bytes", "Upload"])
def test_every_backend_reports_the_bytes_as_they_are_sent(
    client_kind: str, upload_server: ThreadedServer, tmp_path: Path, source: str
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT)
    upload_server.received.append(CREATED)
    seen: list[tuple[int, int | None]] = []
    with path.open("rb") as file:
        file.read(5)  # the whole file is sent, whatever the current position
        content = {"path": path, "file": file, "bytes": CONTENT, "Upload": Upload(file, "a.bin")}[source]
        created = upload(client_kind, upload_server.url, content=content, progress=lambda *state: seen.append(state))
    assert created.id == "f"
    assert seen == STATES
    assert CONTENT in upload_server.received[0]


def test_a_retry_starts_the_count_again(client_kind: str, upload_server: ThreadedServer) -> None:
    upload_server.received += [UNAVAILABLE, CREATED]
    seen: list[tuple[int, int | None]] = []
    upload(client_kind, upload_server.url, content=CONTENT, progress=lambda *state: seen.append(state))
    assert seen == STATES + STATES
    assert all(CONTENT in body for body in upload_server.received)


@pytest.mark.parametrize(
    "error", [RuntimeError("stop"), TimeoutError("stop"), UnicodeError("stop"), httpx.ConnectError("stop"), EOFError()]
)
def test_what_a_callback_raises_ends_the_upload(
    client_kind: str, upload_server: ThreadedServer, error: Exception
) -> None:
    upload_server.received.append(CREATED)

    def stop(sent: int, total: int | None) -> None:
        seen.append(sent)
        if sent:
            raise error

    seen: list[int] = []
    with pytest.raises(type(error)) as raised:
        upload(client_kind, upload_server.url, content=CONTENT, progress=stop)
    assert raised.value is error
    assert error.__context__ is None
    assert seen == [0, 65_536], "it is not retried"


class Pipe(io.RawIOBase):
    """A file that is not seekable."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = list(chunks)

    def read(self, size: int = -1) -> bytes:
        return self._chunks.pop(0) if self._chunks else b""


def test_the_total_of_a_pipe_is_none(harness: Harness) -> None:
    harness.server.respond_with(json_response({"id": "f"}, 201))
    seen: list[tuple[int, int | None]] = []
    pipe: Any = Pipe(b"aaa", b"bb")
    harness.call(harness.client.files.create(content=pipe, progress=lambda *state: seen.append(state)))
    assert seen == [(0, None), (3, None), (5, None)]
    assert b"aaabb" in harness.server.requests[0].content


def test_an_empty_file_is_reported_once(harness: Harness) -> None:
    harness.server.respond_with(json_response({"id": "f"}, 201))
    seen: list[tuple[int, int | None]] = []
    harness.call(harness.client.files.create(content=b"", progress=lambda *state: seen.append(state)))
    assert seen == [(0, 0)]


def test_the_low_level_call_reports_too(harness: Harness) -> None:
    harness.server.respond_with(json_response({"id": "f"}, 201))
    seen: list[tuple[int, int | None]] = []
    call = op.FILES_CREATE(content=CONTENT, progress=lambda *state: seen.append(state))
    send = harness.client.api.asend if harness.is_async else harness.client.api.send
    assert harness.call(send(call.request, call.parse)).id == "f"
    assert seen == STATES


async def async_callback(done: int, total: int | None) -> None: ...


@pytest.mark.parametrize("progress", [1, "x", async_callback])
def test_progress_of_an_upload_that_cannot_be_called_is_rejected(harness: Harness, progress: Any) -> None:
    with pytest.raises(TypeError, match="progress must be a function that takes two numbers of bytes"):
        harness.call(harness.client.files.create(content=b"x", progress=progress))
    assert harness.server.requests == []


@pytest.mark.parametrize("progress", [False, None])
def test_no_progress_shows_nothing(harness: Harness, capsys: pytest.CaptureFixture[str], progress: bool | None) -> None:
    harness.server.respond_with(json_response({"id": "f"}, 201))
    harness.call(harness.client.files.create(content=CONTENT, progress=progress))
    assert capsys.readouterr().err == ""


def test_true_shows_a_bar_of_an_upload(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    harness.server.respond_with(json_response({"id": "f"}, 201))
    harness.call(harness.client.files.create(content=CONTENT, progress=True))
    shown = capsys.readouterr().err
    assert shown.split("\r")[-1].startswith("uploading: 100%")
    assert "150k/150k" in shown
    assert shown.endswith("\n")


@pytest.mark.parametrize("content", [b"", b"x"])
@pytest.mark.parametrize("seekable", [True, False])
def test_the_bar_of_a_small_file_or_a_pipe(
    harness: Harness, capsys: pytest.CaptureFixture[str], content: bytes, seekable: bool
) -> None:
    pytest.importorskip("tqdm")
    harness.server.respond_with(json_response({"id": "f"}, 201))
    source: Any = content if seekable else Pipe(content)
    harness.call(harness.client.files.create(content=source, progress=True))
    shown = capsys.readouterr().err
    assert f"{len(content)}.00" in shown.split("\r")[-1]
    assert shown.endswith("\n")


def test_a_failed_upload_closes_the_bar(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    harness.server.respond_with(json_response({}, 429))
    with pytest.raises(RateLimitError) as raised:  # which keeps the frames, and with them the bar, alive
        harness.call(harness.client.files.create(content=CONTENT, progress=True))
    assert capsys.readouterr().err.endswith("\n"), raised


def test_true_prints_lines_of_an_upload_without_tqdm(
    harness: Harness, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    harness.server.respond_with(json_response({"id": "f"}, 201))
    harness.call(harness.client.files.create(content=CONTENT, progress=True))
    assert capsys.readouterr().err.splitlines() == [
        "uploading 65,536 of 150,000 bytes (44%)",
        "uploading 131,072 of 150,000 bytes (87%)",
        "uploading 150,000 of 150,000 bytes (100%)",
    ]


def create_with_files(harness: Harness, verb: str, tmp_path: Path, **options: Any) -> None:
    """Run, submit or stream with two files that are uploaded, and one that goes inline."""
    for name, size in [("a", 300_000), ("b", 400_000)]:
        (tmp_path / name).write_bytes(name.encode() * size)
    files = {"files": [tmp_path / "a", tmp_path / "b", b"small"]}
    harness.server.respond_with(lambda request: upload_or_create(harness, request))
    result = getattr(harness.client, verb)("acme/hello", files, **options)
    if verb == "stream":
        harness.collect(result)
    else:
        harness.call(result)


@pytest.mark.parametrize("verb", ["run", "submit", "stream"])
def test_true_shows_one_bar_of_all_uploads_of_an_input(
    harness: Harness, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    pytest.importorskip("tqdm")
    create_with_files(harness, verb, tmp_path, progress=True)
    shown = capsys.readouterr().err
    uploading = [state for state in re.split(r"[\r\n]+", shown) if state.startswith("uploading")]
    assert all("/700k" in state for state in uploading), "the total is known from the start"
    assert uploading[-1].startswith("uploading: 100%")
    assert shown.endswith("\n")
    assert ("acme/hello succeeded: 100%" in shown) == (verb == "run")


@pytest.mark.parametrize("verb", ["run", "submit", "stream"])
def test_no_bar_for_files_that_go_inline(harness: Harness, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    harness.server.respond_with(json_response(prediction(output="x"), 201), json_response(prediction(output="x")))
    result = getattr(harness.client, verb)("acme/hello", {"file": b"small"}, progress=True)
    if verb == "stream":
        harness.collect(result)
    else:
        harness.call(result)
    assert "uploading" not in capsys.readouterr().err


def test_the_callback_of_a_run_gets_no_bytes(harness: Harness, tmp_path: Path) -> None:
    seen: list[str] = []
    create_with_files(harness, "run", tmp_path, progress=lambda job: seen.append(job.status))
    assert seen == ["succeeded"]


@pytest.mark.parametrize("verb", ["submit", "stream"])
def test_submit_and_stream_take_no_callback(harness: Harness, verb: str) -> None:
    with pytest.raises(TypeError, match="progress must be True or False, not <built-in function print>"):
        harness.call(getattr(harness.client, verb)("acme/hello", {}, progress=print))
    assert harness.server.requests == []


def test_a_retried_upload_of_an_input_moves_the_bar_back(
    harness: Harness, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    monkeypatch.setattr("replicate_ext._transfers._ByteBar.__call__", lambda bar, done, total: shown.append(done))
    failures = [json_response({}, 429)]
    harness.server.respond_with(lambda request: failures.pop() if failures else upload_or_create(harness, request))
    harness.call(harness.client.submit("acme/hello", {"file": bytes(300_000)}, progress=True))
    assert shown.count(300_000) == 2
    assert shown.count(0) == 2
    assert max(shown) == 300_000
