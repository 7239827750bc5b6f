"""Documents that cannot be used: one line, exit code 2, and nothing is changed."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import update_spec
from codegen import changes, update
from openapi_documents import DOCUMENT, ROOT, copy_repository

DEEP = "[" * 100_000
INFO = '"openapi": "3.1.0", "info": {"title": "x", "version": "1"}'

INVALID = {
    "no file": None,
    "an HTML page": b"<html><body>503</body></html>",
    "an empty file": b"",
    "not UTF-8": b"\xff\xfe\x00",
    "a list": b"[1, 2]",
    "Swagger 2": b'{"swagger": "2.0", "paths": {"/x": {}}}',
    "no paths": b'{"openapi": "3.1.0", "paths": {}}',
    "invalid paths": b'{"openapi": "3.1.0", "paths": {"/x": {"get": 5}}}',
    "too large": b" " * 2000,
    "truncated": json.dumps(DOCUMENT).encode()[:1500],
    "no operationId": f'{{{INFO}, "paths": {{"/x": {{"get": {{}}}}}}}}'.encode(),
    "a list of responses": f'{{{INFO}, "paths": {{"/x": {{"get": {{"responses": [1]}}}}}}}}'.encode(),
    "nested too deeply": f'{{{INFO}, "paths": {DEEP}'.encode(),
    "a repeated path": f'{{{INFO}, "paths": {{"/x": {{}}, "/x": {{"get": {{"operationId": "x"}}}}}}}}'.encode(),
    "a YAML alias": b"openapi: 3.1.0\npaths: &a {/x: *a}",
    "an unpaired surrogate": f'{{{INFO}, "paths": {{"/\\ud800": {{"get": {{"operationId": "x"}}}}}}}}'.encode(),
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the repository, in which nothing may change."""
    root = copy_repository(tmp_path_factory.mktemp("repository"))
    contents = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    yield root
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == contents


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_document_is_one_line_and_exit_code_2(
    tmp_path: Path,
    name: str,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(update_spec, "update", partial(update.update, root=repository))
    source, content = tmp_path / "invalid", INVALID[name]
    if content is not None:
        source.write_bytes(content)
    if name == "too large":
        monkeypatch.setattr(update, "MAX_DOCUMENT_SIZE", 1000)
    assert update_spec.main(["--source", str(source)]) == 2
    output = capsys.readouterr()
    [line] = output.err.splitlines()
    assert str(source) in line
    assert line.endswith("; nothing was changed")
    assert output.out == ""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RecursionError("maximum recursion\ndepth exceeded"), "RecursionError: maximum recursion; depth exceeded"),
        (MemoryError(), "MemoryError: "),
        (KeyError("x"), "KeyError: 'x'"),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
    ],
    ids=repr,
)
def test_any_other_error_is_one_line_and_exit_code_2(
    error: BaseException, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(update_spec, "update", fail)
    assert update_spec.main([]) == 2
    assert capsys.readouterr().err.partition(": ")[2] == f"{message.strip()}; nothing was changed\n"


@pytest.mark.parametrize("arguments", [["--format", "xml"], ["--no-such-option"]])
def test_an_invalid_argument_is_one_line_and_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        update_spec.main(arguments)
    assert caught.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("found", "code"),
    [([], 0), ([changes.SAFE], 1), ([changes.SAFE, changes.READERS], 3), ([changes.CALLERS], 3)],
)
def test_success_exits_0_and_with_exit_code_what_changed(
    found: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = [changes.Change(effect, "x added", []) for effect in found]
    monkeypatch.setattr(update_spec, "update", lambda *_, **__: (result, []))
    assert update_spec.main([]) == 0
    assert update_spec.main(["--exit-code"]) == code


def test_the_command_says_when_nothing_has_changed() -> None:
    command = [sys.executable, str(ROOT / "scripts/update_spec.py"), "--source", str(ROOT / "openapi.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "the OpenAPI document has not changed\n")


@pytest.fixture
def http_url() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/loop":
                self.send_response(302)
                self.send_header("Location", "/loop")
                self.end_headers()
                return
            body = json.dumps(DOCUMENT).encode()
            self.send_response(200 if self.path == "/openapi.json" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_fetch_from_a_url(http_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert update.parse(update.fetch(f"{http_url}/openapi.json"), http_url) == DOCUMENT
    for path, message in [("/nothing", "404"), ("/loop", "redirects")]:
        with pytest.raises(update.UpdateError, match=message):
            update.fetch(http_url + path)
    for invalid in ("http://127.0.0.1:port/", "http://[", "http://", "https://127.0.0.1:1/x"):
        with pytest.raises(update.UpdateError, match=r"^https?://"):
            update.fetch(invalid)
    monkeypatch.setattr(update, "MAX_DOCUMENT_SIZE", 1000)
    with pytest.raises(update.UpdateError, match="more than 1,000 bytes"):
        update.fetch(f"{http_url}/openapi.json")


@pytest.fixture(params=["headers", "body", "nothing"])
def slow_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server that sends a byte every few milliseconds, without end, or nothing at all."""
    start = {"headers": b"HTTP/1.1 200 OK\r\nX-Long: ", "body": b"HTTP/1.1 200 OK\r\n\r\n{", "nothing": b""}
    stop = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(start[request.param])
            while not stop.wait(0.005):
                connection.sendall(b"" if request.param == "nothing" else b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        stop.set()
        thread.join()


def test_a_download_that_never_ends_is_an_error(slow_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update, "DOWNLOAD_TIMEOUT", 0.1)
    started = time.monotonic()
    with pytest.raises(update.UpdateError, match=r"the download took more than 0\.1 seconds"):
        update.fetch(slow_url)
    assert time.monotonic() - started < 5
