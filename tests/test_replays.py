"""Recorded sessions with the real API, played back through vcrpy to both clients.

The recordings are not ours to commit, so nothing of them is written down here: what to expect is read from them.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
import vcr
import yaml

from conftest import TOKEN, Clock, shared
from replicate_ext import UNSET, AsyncReplicate, Prediction, Replicate, Training, Unset


class Session:
    """One cassette: what was asked and what was answered."""

    def __init__(self, name: str) -> None:
        self.path = shared("recordings") / f"{name}.yaml"
        self.interactions = yaml.safe_load(self.path.read_text())["interactions"]

    def asked(self, index: int) -> dict[str, Any]:
        body = self.interactions[index]["request"]["body"]
        return json.loads(body) if body else {}

    def answered(self, index: int) -> Any:
        response = self.interactions[index]["response"]
        body = response["content"] if "content" in response else response["body"]["string"]
        raw = body.encode() if isinstance(body, str) else body
        return json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)

    def indices(self, method: str) -> list[int]:
        return [i for i, one in enumerate(self.interactions) if one["request"]["method"] == method]

    @contextmanager
    def playing(self) -> Iterator[vcr.cassette.Cassette]:
        with vcr.use_cassette(str(self.path), record_mode="none", match_on=["method", "uri"]) as cassette:
            yield cassette


class Client:
    """A real client (no transport of ours), with a clock that costs nothing."""

    def __init__(self, kind: str) -> None:
        self.kind, self.clock = kind, Clock()
        self.client: Any = (Replicate if kind == "sync" else AsyncReplicate)(TOKEN)
        self.client._wire.now = self.clock.now
        self.client._wire._sleep = self.clock.sleep if kind == "sync" else self.clock.asleep

    def do(self, action: Any) -> Any:
        """Call `action(client)` and return its result, awaited where it must be; the connections are closed."""
        if self.kind == "sync":
            with self.client as client:
                result = action(client)
                return list(result) if hasattr(result, "__next__") else result

        async def main() -> Any:
            async with self.client as client:
                result = action(client)
                return [item async for item in result] if hasattr(result, "__anext__") else await result

        return asyncio.run(main())


# The recordings hold what httpx's own transport saw.
pytestmark = pytest.mark.usefixtures("without_fast")


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest) -> Client:
    return Client(request.param)


def test_a_run_that_was_polled(client: Client) -> None:
    session = Session("run")
    create = session.asked(0)
    final = session.answered(-1)
    seen: list[Prediction] = []
    with session.playing() as cassette:
        output = client.do(
            lambda api: api.run(f"stability-ai/sdxl:{create['version']}", create["input"], progress=seen.append)
        )
    assert final["status"] == "succeeded"
    assert output == final["output"]
    assert all(hasattr(file, "save") for file in output)
    polled = [i for i in session.indices("GET") if "/predictions/" in session.interactions[i]["request"]["uri"]]
    assert [str(job.status) for job in seen] == [session.answered(i)["status"] for i in [0, *polled]]
    assert cassette.play_count == 1 + len(polled)
    assert seen[-1].to_dict() == final


def test_a_run_that_the_server_held_until_a_picture_was_there(client: Client) -> None:
    session = Session("test_predictions_create_blocking[False-True]")
    for index in session.indices("POST"):
        reply = session.answered(index)
        assert reply["status"] == "processing"
    first = session.indices("POST")[0]
    create = session.asked(first)
    with session.playing() as cassette:
        [file] = client.do(lambda api: api.run(f"stability-ai/sdxl:{create['version']}", create["input"]))
        assert cassette.play_count == 1
    assert file == session.answered(first)["output"][0]
    assert file.startswith("data:image/png;base64,")
    if client.kind == "sync":
        assert file.read().startswith(b"\x89PNG")


@pytest.mark.parametrize("wait", ["False-True", "True-10"])
def test_a_run_of_an_official_model_that_the_server_held(client: Client, wait: str) -> None:
    session = Session(f"test_models_predictions_create_blocking[{wait}]")
    hold = {"False-True": True, "True-10": 10}[wait]
    with session.playing() as cassette:
        output = client.do(lambda api: api.run("meta/meta-llama-3-8b-instruct", session.asked(0)["input"], wait=hold))
        assert cassette.play_count == 1
    assert output == session.answered(0)["output"]
    assert len(output) > 1


def test_a_create_of_an_official_model(client: Client) -> None:
    session = Session("models-predictions-create")
    with session.playing():
        job = client.do(
            lambda api: api.models.predictions.create("meta", "llama-2-70b-chat", input=session.asked(0)["input"])
        )
    assert job.to_dict() == session.answered(0)
    assert job.status == "starting"
    assert job.data_removed is UNSET


def test_a_cancel(client: Client) -> None:
    session = Session("predictions-cancel")
    answer = session.answered(-1)
    with session.playing():
        job = client.do(lambda api: api.predictions.cancel(answer["id"]))
    assert job.to_dict() == answer
    assert job.status == "canceled"
    assert isinstance(job.completed_at, datetime)


def test_predictions_are_read_as_they_were(client: Client) -> None:
    session = Session("predictions-get")
    index = session.indices("GET")[0]
    answer = session.answered(index)
    with session.playing():
        job = client.do(lambda api: api.predictions.get(answer["id"]))
    assert isinstance(job, Prediction)
    assert job.to_dict() == answer


def test_trainings_are_read_with_their_nulls(client: Client) -> None:
    session = Session("trainings-get")
    [index] = session.indices("GET")[-1:]
    answer = session.answered(index)
    with session.playing():
        job = client.do(lambda api: api.trainings.get(answer["id"]))
    assert isinstance(job, Training)
    assert job.to_dict() == answer
    assert job.completed_at is None or isinstance(job.completed_at, datetime | Unset)


def test_the_files_of_a_whole_session(client: Client) -> None:
    session = Session("file-operations")
    created = session.answered(0)
    with session.playing():
        assert client.do(lambda api: api.files.create(content=b"x")).to_dict() == created
        assert client.do(lambda api: api.files.get(created["id"])).checksums.sha256 == created["checksums"]["sha256"]
        listed = client.do(lambda api: api.files.list())
        assert [file.to_dict() for file in listed] == session.answered(2)["results"]
        assert client.do(lambda api: api.files.delete(created["id"])) is None


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("hardware-list", lambda api, asked: api.hardware.list()),
        ("collections-list", lambda api, asked: api.collections.list()),
        ("models-get", lambda api, asked: api.models.get("stability-ai", "sdxl")),
        ("models-create", lambda api, asked: api.models.create(**asked)),
    ],
)
def test_one_answer_is_read_without_loss(client: Client, name: str, call: Any) -> None:
    session = Session(name)
    answer = session.answered(0)
    with session.playing():
        result = client.do(lambda api: call(api, session.asked(0)))
    expected = answer.get("results", answer) if isinstance(answer, dict) else answer
    assert ([item.to_dict() for item in result] if isinstance(result, list) else result.to_dict()) == expected


def test_a_model_brings_its_version_and_its_example(client: Client) -> None:
    session = Session("models-get")
    with session.playing():
        model = client.do(lambda api: api.models.get("stability-ai", "sdxl"))
    assert model.latest_version.id == session.answered(0)["latest_version"]["id"]
    assert isinstance(model.default_example, Prediction)
