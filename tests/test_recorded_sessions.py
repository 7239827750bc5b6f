"""Sessions that we recorded ourselves, replayed to the sync client.

`make record` records them again: against Replicate if REPLICATE_API_TOKEN is set, otherwise against the emulator. A
recording contains no token and no local URL; its first line names the server.
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

from conftest import replace_sleep
from replicate_ext import InvalidRequestError, NotFoundError, Prediction, Replicate
from replicate_ext.emulator import Emulator

RECORDINGS = Path(__file__).parent / "recordings"
ORIGIN = "https://api.replicate.com"
TOKEN = os.environ.get("REPLICATE_API_TOKEN")  # read before a fixture removes it
MAX_RECORDING_SIZE = 64 * 1024  # bytes

MODEL = {"emulator": "acme/hello", "replicate": "replicate/hello-world"}


def get_account(client: Replicate, server: str) -> None:
    assert client.account.get().type.is_known


def run_model(client: Replicate, server: str) -> None:
    assert "ada" in client.run(MODEL[server], {"text": "Ada"}).lower()


def create_and_wait(client: Replicate, server: str) -> None:
    owner, name = MODEL[server].split("/")
    model = client.models.get(owner, name)
    version = getattr(model.latest_version, "id", None) if server == "replicate" else MODEL[server]
    created = client.predictions.create(version=str(version), input={"text": "Ada"})
    finished = client.wait(created)
    assert finished.status == "succeeded"
    assert client.predictions.get(created.id) == finished


def list_predictions(client: Replicate, server: str) -> None:
    for name in ("Ada", "Alan"):
        client.run(MODEL[server], {"text": name})
    predictions = client.predictions.list()
    assert all(isinstance(next(predictions), Prediction) for _ in range(2))


def rejected_requests(client: Replicate, server: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        client.run(MODEL[server], {"text": 5}, check=False)
    assert [field["type"] for field in caught.value.invalid_fields] == ["invalid_type"]
    with pytest.raises(NotFoundError):
        client.predictions.get("x0fmfzfcf5rma0cq65c825tcbm")


def upload_file(client: Replicate, server: str) -> None:
    file = client.files.create(content=b"hello", filename="hello.txt", metadata={"made": "by us"})
    assert file.size == 5
    assert client.files.get(file.id).id == file.id
    client.files.delete(file.id)
    with pytest.raises(NotFoundError):
        client.files.get(file.id)


Session = Callable[[Replicate, str], None]
SESSIONS: list[Session] = [
    get_account,
    run_model,
    create_and_wait,
    list_predictions,
    rejected_requests,
    upload_file,
]


@contextmanager
def record(path: Path) -> Iterator[tuple[Replicate, str]]:
    """Yield a client of a real server, Replicate or the emulator, and record its traffic."""
    path.unlink(missing_ok=True)
    server = "replicate" if TOKEN else "emulator"
    with _run_server() as (token, base_url):
        host = base_url.removesuffix("/v1")
        recorder = vcr.VCR(
            record_mode="once",
            filter_headers=["authorization", "user-agent", "host"],
            decode_compressed_response=True,
            before_record_request=lambda request: _replace_origin(request, host),
            before_record_response=lambda response: _scrub(response, host),
        )
        with recorder.use_cassette(str(path)), Replicate(token, base_url=base_url) as client:
            yield client, server
    path.write_text(f"# server: {server}\n{path.read_text()}")


@contextmanager
def _run_server() -> Iterator[tuple[str, str]]:
    """Yield token and base URL of the server to record."""
    if TOKEN:
        yield TOKEN, f"{ORIGIN}/v1"
        return
    with Emulator() as emulator:
        yield emulator.token, emulator.url


def _replace_origin(request: Any, host: str) -> Any:
    request.uri = request.uri.replace(host, ORIGIN)
    return request


def _scrub(response: dict[str, Any], host: str) -> dict[str, Any]:
    """Keep only the headers that the client reads, and replace the URL of the server by Replicate's."""
    body = response["body"]["string"].replace(host.encode(), ORIGIN.encode())
    kept = {"content-type", "ratelimit-remaining", "ratelimit-reset", "preference-applied", "retry-after"}
    headers = {name: value for name, value in response["headers"].items() if name.lower() in kept}
    return {**response, "headers": headers, "body": {"string": body}}


@contextmanager
def replay(path: Path) -> Iterator[tuple[Replicate, str]]:
    """Yield a client that receives the recorded responses."""
    server = path.read_text().partition("\n")[0].removeprefix("# server: ")
    with vcr.use_cassette(str(path), record_mode="none") as cassette, Replicate("r8_replay") as client:
        replace_sleep(client, lambda seconds: None)
        yield client, server
        assert cassette.all_played


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.__name__)
def test_recorded_session(session: Session, request: pytest.FixtureRequest) -> None:
    path = RECORDINGS / f"{session.__name__}.yaml"
    with (record if request.config.getoption("--record") else replay)(path) as (client, server):
        session(client, server)


def test_every_session_has_a_recording() -> None:
    assert {path.stem for path in RECORDINGS.glob("*.yaml")} == {session.__name__ for session in SESSIONS}


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_recordings_are_small_and_contain_no_secret(path: Path) -> None:
    text = path.read_text()
    assert len(text) < MAX_RECORDING_SIZE
    assert "uthorization" not in text
    assert "127.0.0.1" not in text
    assert TOKEN is None or TOKEN not in text
    for interaction in yaml.safe_load(text)["interactions"]:
        assert interaction["request"]["uri"].startswith(f"{ORIGIN}/v1/")
