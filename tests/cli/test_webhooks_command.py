"""`replicate-ext webhooks`: the secret, `verify`, and the receiver."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import httpx
import pytest
from cli_process import CommandLine, command_fixture, emulator_fixture, plain

from example_runner import shown_text
from replicate_ext import APIConnectionError, Replicate
from replicate_ext._cli import webhook_receiver
from replicate_ext._cli.webhook_receiver import MAX_SIZE, WebhookReceiver
from replicate_ext._cli.webhooks import TOLERANCE
from replicate_ext._config import DEFAULT_WEBHOOK_TOLERANCE
from replicate_ext.emulator import Emulator
from replicate_ext.webhooks import sign

OTHER_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
BODY = b'{"id": "p1", "status": "succeeded", "model": "acme/hello", "urls": {}, "extra":  1}'
FORGED = {"webhook-id": "msg_1", "webhook-timestamp": "1700000000", "webhook-signature": "v1,c2ln"}


api = emulator_fixture()
cli = command_fixture()


@pytest.fixture(scope="module")
def client(api: Emulator) -> Iterator[Replicate]:
    with Replicate(api.token, base_url=api.url) as client:
        yield client


@pytest.fixture(scope="module")
def secret(client: Replicate) -> str:
    return client.webhooks.default.secret.get().key


def test_the_tolerance_is_that_of_the_client() -> None:
    assert TOLERANCE == DEFAULT_WEBHOOK_TOLERANCE


def as_options(headers: dict[str, str]) -> list[str]:
    return [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]


def test_secret_prints_the_secret_alone(cli: CommandLine, secret: str) -> None:
    assert cli.call("webhooks", "secret").out == f"{secret}\n"
    assert cli.call("webhooks", "secret", "-q").out == f"{secret}\n"
    assert json.loads(cli.call("webhooks", "secret", "--json").out) == {"key": secret}


def test_verify_prints_an_authentic_delivery_as_it_was_sent(cli: CommandLine, secret: str, tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    path.write_bytes(BODY)
    result = cli.call("webhooks", "verify", path, *as_options(sign(BODY, secret)), "--json")
    assert (result.code, json.loads(result.out)) == (0, json.loads(BODY))


def test_verify_reads_standard_input_and_named_headers(cli: CommandLine, secret: str) -> None:
    headers = sign(BODY, secret)
    named = [f"--{name.removeprefix('webhook-')}={value}" for name, value in headers.items()]
    assert cli.call("webhooks", "verify", "-q", *named, stdin=BODY).out == "p1\n"
    code, out, err = cli.call("webhooks", "verify", *named, stdin=BODY + b" ")
    assert (code, out) == (1, "")
    assert err.startswith("replicate-ext: the signature does not match")


def test_verify_uses_the_secret_of_the_environment_without_a_request(api: Emulator) -> None:
    cli = CommandLine(api, REPLICATE_WEBHOOK_SECRET=OTHER_SECRET, REPLICATE_API_TOKEN="")
    sent = len(api.requests)
    headers = as_options(sign(BODY, OTHER_SECRET))
    assert cli.call("webhooks", "verify", "-", *headers, "-q", stdin=BODY).out == "p1\n"
    assert len(api.requests) == sent


def test_an_old_delivery_is_not_authentic_with_the_secret_of_the_environment(api: Emulator) -> None:
    cli = CommandLine(api, REPLICATE_WEBHOOK_SECRET=OTHER_SECRET)
    headers = as_options(sign(BODY, OTHER_SECRET, timestamp=1_700_000_000))
    assert cli.call("webhooks", "verify", *headers, stdin=BODY).code == 1
    assert cli.call("webhooks", "verify", *headers, "--tolerance", "1e10", stdin=BODY).code == 0


def test_verify_of_an_old_delivery_needs_a_tolerance(cli: CommandLine, secret: str) -> None:
    headers = as_options(sign(BODY, secret, timestamp=1_700_000_000))
    code, _, err = cli.call("webhooks", "verify", *headers, stdin=BODY)
    assert code == 1
    assert "beyond the tolerance of 300 seconds" in err
    assert cli.call("webhooks", "verify", *headers, "--tolerance", "1e10", stdin=BODY).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["verify"], 1, "the request has no header webhook-id, webhook-timestamp, webhook-signature"),
        (["verify", "--header", "webhook-id"], 2, "'webhook-id' is not a header: write 'name: value'"),
        (["verify", "nothing.json"], 2, "nothing.json: No such file or directory"),
        (["verify", "--tolerance", "-1"], 2, "-1.0 is not in the range x>=0"),
        (["listen", "--port", "70000"], 2, "70000 is not in the range 0<=x<=65535"),
        (["listen", "--path", "hook"], 2, "--path begins with a slash: write --path /hook"),
        (["verify", "--secret", OTHER_SECRET], 2, "no such option '--secret'"),
    ],
)
def test_a_wrong_argument_is_one_line(cli: CommandLine, arguments: list[str], code: int, error: str) -> None:
    result = cli.call("webhooks", *arguments)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert error in result.err
    assert OTHER_SECRET not in result.err


def test_a_malformed_secret_of_the_environment_is_one_line(api: Emulator) -> None:
    result = CommandLine(api, REPLICATE_WEBHOOK_SECRET="hunter2").call("webhooks", "listen")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert result.err.startswith("replicate-ext: REPLICATE_WEBHOOK_SECRET: a webhook secret begins with 'whsec_'")
    assert "hunter2" not in result.err


def test_a_port_in_use_is_one_line(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code, out, err = cli.call("webhooks", "listen", "--port", port)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"replicate-ext: cannot listen on 127.0.0.1, port {port}: Address already in use; ")


def test_a_wrong_token_is_reported_before_it_listens(cli: CommandLine, api: Emulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        api.faults.fail_next(status=401)
        assert cli.call("webhooks", "listen", "--port", listener.getsockname()[1]).code == 4


class Receiver:
    """A running `webhooks listen`, and what it prints."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.url = self.next_note().split()[2]

    def next_line(self) -> str:
        return self._read(self.process.stdout)

    def next_note(self) -> str:
        return self._read(self.process.stderr)

    def _read(self, stream: IO[bytes] | None) -> str:
        assert stream is not None
        return stream.readline().decode().removesuffix("\n")


Listen = Callable[..., Receiver]


@pytest.fixture
def listen(cli: CommandLine) -> Iterator[Listen]:
    """Return a function that starts the receiver."""
    started: list[Receiver] = []

    def start(*options: str) -> Receiver:
        started.append(Receiver(cli.start("webhooks", "listen", *options)))
        return started[-1]

    yield start
    for receiver in started:
        receiver.process.kill()
        receiver.process.communicate()


def test_listen_prints_the_deliveries_of_the_emulator_until_ctrl_c(listen: Listen, client: Replicate) -> None:
    receiver = listen("--path", "/replicate")
    assert receiver.url.startswith("http://127.0.0.1:")
    assert receiver.url.endswith("/replicate")
    job = client.submit(
        "acme/hello", {"text": "Ada"}, webhook=receiver.url, webhook_events_filter=["start", "completed"]
    )
    assert receiver.next_line() == f"{job.id}\tstarting\tacme/hello"
    assert receiver.next_line() == f"{job.id}\tsucceeded\tacme/hello"
    httpx.post(receiver.url, content=BODY)
    shown = shown_text("docs/guides/webhooks.md", "listening on").splitlines()
    assert (
        shown[0].replace("http://127.0.0.1:9000/replicate", receiver.url)
        == f"listening on {receiver.url} (Ctrl-C stops it)"
    )
    assert shown[1:] == [f"{shown[1].split()[0]}  succeeded  acme/hello", receiver.next_note()]
    receiver.process.send_signal(signal.SIGINT)
    out, err = receiver.process.communicate(timeout=10)
    assert (receiver.process.returncode, out, err) == (130, b"", b"replicate-ext: interrupted\n")


def test_listen_on_a_terminal_ends_with_ctrl_c(cli: CommandLine) -> None:
    result = cli.run_on_terminal("webhooks", "listen", columns=40, interrupt_at="listening on")
    assert result.code == 130
    assert plain(result.out).splitlines()[-1].endswith("replicate-ext: interrupted")


def test_listen_refuses_what_is_not_authentic(listen: Listen, client: Replicate, secret: str) -> None:
    receiver = listen("--jsonl")
    assert httpx.post(receiver.url, content=BODY, headers=sign(BODY, OTHER_SECRET)).status_code == 400
    assert receiver.next_note().startswith("refused with 400: POST /: the signature does not match")
    assert httpx.post(receiver.url, content=BODY, headers=FORGED).status_code == 400
    assert "beyond the tolerance" in receiver.next_note()
    assert httpx.post(f"{receiver.url}other", content=BODY, headers=sign(BODY, secret)).status_code == 404
    assert receiver.next_note() == "refused with 404: POST /other: no such path"
    assert httpx.get(receiver.url).status_code == 501
    assert httpx.post(receiver.url, content=BODY, headers=sign(BODY, secret)).status_code == 200
    assert json.loads(receiver.next_line()) == json.loads(BODY)


def test_a_receiver_asks_for_a_repetition_if_it_cannot_verify() -> None:
    def verify(body: bytes, headers: object) -> object:
        raise APIConnectionError("no network")

    with WebhookReceiver(0, "/", verify) as receiver:  # type: ignore[arg-type]
        assert httpx.post(receiver.url, content=BODY).status_code == 503
        assert next(iter(receiver)) == "refused with 503: POST /: no network"


def test_a_receiver_survives_senders_that_fail() -> None:
    def verify(body: bytes, headers: object) -> object:
        raise RuntimeError("odd body")

    with WebhookReceiver(0, "/", verify) as receiver:  # type: ignore[arg-type]
        reports = iter(receiver)
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(receiver.url, content=BODY)
        assert next(reports) == "a request failed: RuntimeError('odd body')"


def accept_all(body: bytes, headers: object) -> object:
    return body


def test_a_receiver_reads_the_chunks_of_a_tunnel() -> None:
    with WebhookReceiver(0, "/", accept_all) as receiver:  # type: ignore[arg-type]
        assert httpx.post(receiver.url, content=iter([BODY[:5], BODY[5:]])).status_code == 200
        assert next(iter(receiver)) == BODY


def test_a_receiver_adds_up_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_receiver, "MAX_SIZE", 10)
    with (
        WebhookReceiver(0, "/", accept_all) as receiver,  # type: ignore[arg-type]
        socket.create_connection(receiver.server_address[:2]) as sender,
    ):
        sender.sendall(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n6\r\n123456\r\n6\r\n123456\r\n")
        sender.shutdown(socket.SHUT_WR)
        assert next(iter(receiver)) == "refused with 413: POST /: the body is larger than 10 bytes"


@pytest.mark.parametrize(
    ("head", "report"),
    [
        ("content-length: -1\r\n\r\n", "a request failed: ValueError('a size of -1 bytes')"),
        ("content-length: many\r\n\r\n", "a request failed: ValueError("),
        ("transfer-encoding: chunked\r\n\r\nZZ\r\n", "a request failed: ValueError("),
        (f"transfer-encoding: chunked\r\n\r\n{MAX_SIZE + 1:x}\r\n", "refused with 413: POST /: "),
        (
            f"content-length: {MAX_SIZE + 1}\r\n\r\n",
            "refused with 413: POST /: the body is larger than 67,108,864 bytes",
        ),
    ],
)
def test_a_receiver_refuses_an_invalid_body(head: str, report: str) -> None:
    with (
        WebhookReceiver(0, "/", accept_all) as receiver,  # type: ignore[arg-type]
        socket.create_connection(receiver.server_address[:2]) as sender,
    ):
        sender.sendall(f"POST / HTTP/1.1\r\n{head}".encode())
        sender.shutdown(socket.SHUT_WR)
        assert str(next(iter(receiver))).startswith(report)
