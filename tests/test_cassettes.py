"""Our own recordings: a session of each kind, played back to both clients.

`make record` makes them anew: against Replicate where REPLICATE_API_TOKEN is set, else against the emulator. They hold
no token and no address of the machine that they were made on; each starts with the server that answered.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import vcr
import yaml

from replicate_ext import InvalidRequest, NotFound, Prediction, Replicate

CASSETTES = Path(__file__).parent / "cassettes"
ORIGIN = "https://api.replicate.com"
TOKEN = os.environ.get("REPLICATE_API_TOKEN")  # read before a fixture takes it away
LARGEST = 64 * 1024

HELLO = {"emulator": "acme/hello", "replicate": "replicate/hello-world"}


def account(client: Replicate, server: str) -> None:
    assert client.account.get().type.is_known


def run(client: Replicate, server: str) -> None:
    assert "ada" in client.run(HELLO[server], {"text": "Ada"}).lower()


def created_and_waited_for(client: Replicate, server: str) -> None:
    owner, name = HELLO[server].split("/")
    model = client.models.get(owner, name)
    version = getattr(model.latest_version, "id", None) if server == "replicate" else HELLO[server]
    created = client.predictions.create(version=str(version), input={"text": "Ada"})
    finished = client.wait(created)
    assert finished.status == "succeeded"
    assert client.predictions.get(created.id) == finished


def listed(client: Replicate, server: str) -> None:
    for name in ("Ada", "Alan"):
        client.run(HELLO[server], {"text": name})
    predictions = client.predictions.list()
    assert all(isinstance(next(predictions), Prediction) for _ in range(2))


def refused(client: Replicate, server: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.run(HELLO[server], {"text": 5})
    assert [field["type"] for field in caught.value.invalid_fields] == ["invalid_type"]
    with pytest.raises(NotFound):
        client.predictions.get("x0fmfzfcf5rma0cq65c825tcbm")


def uploaded(client: Replicate, server: str) -> None:
    file = client.files.create(content=b"hello", filename="hello.txt", metadata={"made": "by us"})
    assert file.size == 5
    assert client.files.get(file.id).id == file.id
    client.files.delete(file.id)
    with pytest.raises(NotFound):
        client.files.get(file.id)


SESSIONS: list[Callable[[Replicate, str], None]] = [account, run, created_and_waited_for, listed, refused, uploaded]


@contextmanager
def recording(path: Path) -> Iterator[tuple[Replicate, str]]:
    """Yield a client of a real server, the emulator or Replicate, whose traffic goes to the cassette."""
    path.unlink(missing_ok=True)
    server = "replicate" if TOKEN else "emulator"
    with _server() as (token, base_url):
        host = base_url.removesuffix("/v1")
        recorder = vcr.VCR(
            record_mode="once",
            filter_headers=["authorization", "user-agent", "host"],
            decode_compressed_response=True,
            before_record_request=lambda request: _moved(request, host),
            before_record_response=lambda response: _trimmed(response, host),
        )
        with recorder.use_cassette(str(path)), Replicate(token, base_url=base_url) as client:
            yield client, server
    path.write_text(f"# server: {server}\n{path.read_text()}")


@contextmanager
def _server() -> Iterator[tuple[str, str]]:
    if TOKEN:
        yield TOKEN, f"{ORIGIN}/v1"
        return
    from replicate_ext.emulator import Emulator

    with Emulator() as api:
        yield api.token, api.url


def _moved(request: Any, host: str) -> Any:
    request.uri = request.uri.replace(host, ORIGIN)
    return request


def _trimmed(response: dict[str, Any], host: str) -> dict[str, Any]:
    """Keep what the client reads; addresses of the server become Replicate's."""
    body = response["body"]["string"].replace(host.encode(), ORIGIN.encode())
    kept = {"content-type", "ratelimit-remaining", "ratelimit-reset", "preference-applied", "retry-after"}
    headers = {name: value for name, value in response["headers"].items() if name.lower() in kept}
    return {**response, "headers": headers, "body": {"string": body}}


@contextmanager
def playing(path: Path) -> Iterator[tuple[Replicate, str]]:
    """Yield a client that hears what the cassette says."""
    server = path.read_text().partition("\n")[0].removeprefix("# server: ")
    with vcr.use_cassette(str(path), record_mode="none") as cassette, Replicate("r8_nobody") as client:
        client._wire._sleep = lambda seconds: None
        yield client, server
        assert cassette.all_played


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.__name__)
def test_a_session(session: Callable[[Replicate, str], None], request: pytest.FixtureRequest) -> None:
    path = CASSETTES / f"{session.__name__}.yaml"
    with (recording if request.config.getoption("--record") else playing)(path) as (client, server):
        session(client, server)


def test_there_is_a_cassette_for_each_session_and_no_other() -> None:
    assert {path.stem for path in CASSETTES.glob("*.yaml")} == {session.__name__ for session in SESSIONS}


@pytest.mark.parametrize("path", sorted(CASSETTES.glob("*.yaml")), ids=lambda path: path.stem)
def test_cassettes_are_small_and_hold_no_secret(path: Path) -> None:
    text = path.read_text()
    assert len(text) < LARGEST
    assert "uthorization" not in text
    assert "127.0.0.1" not in text
    assert TOKEN is None or TOKEN not in text
    for interaction in yaml.safe_load(text)["interactions"]:
        assert interaction["request"]["uri"].startswith(f"{ORIGIN}/v1/")
