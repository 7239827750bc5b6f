"""Recorded traffic of the real API, replayed to both clients through vcrpy.

The recordings must not be committed, so the expected values are read from them instead of being written here.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
import vcr
import yaml

from conftest import TOKEN, FakeClock, shared, use_fake_clock
from replicate_ext import AsyncReplicate, Prediction, Replicate, Training


class Recording:
    """A recording: the requests that were sent, and the responses to them."""

    def __init__(self, name: str) -> None:
        self.path = shared("recordings") / f"{name}.yaml"
        self.interactions = yaml.safe_load(self.path.read_text())["interactions"]

    def request_json(self, index: int) -> dict[str, Any]:
        body = self.interactions[index]["request"]["body"]
        return json.loads(body) if body else {}

    def response_json(self, index: int) -> Any:
        response = self.interactions[index]["response"]
        body = response["content"] if "content" in response else response["body"]["string"]
        raw = body.encode() if isinstance(body, str) else body
        return json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)

    def indices(self, method: str) -> list[int]:
        """Return the indices of the requests with this method."""
        return [i for i, interaction in enumerate(self.interactions) if interaction["request"]["method"] == method]

    @contextmanager
    def replay(self) -> Iterator[vcr.cassette.Cassette]:
        with vcr.use_cassette(str(self.path), record_mode="none", match_on=["method", "uri"]) as cassette:
            yield cassette


class ReplayClient:
    """A client with httpx's own transport, which vcrpy patches, and a fake clock."""

    def __init__(self, is_async: bool) -> None:
        self.is_async = is_async
        self.client: Any = (AsyncReplicate if is_async else Replicate)(TOKEN)
        use_fake_clock(self.client, FakeClock())

    def call(self, function: Callable[[Any], Any]) -> Any:
        """Return the result of `function(client)`, awaited or collected, and close the client."""
        if not self.is_async:
            with self.client as client:
                result = function(client)
                return list(result) if hasattr(result, "__next__") else result

        async def main() -> Any:
            async with self.client as client:
                result = function(client)
                return [item async for item in result] if hasattr(result, "__anext__") else await result

        return asyncio.run(main())


# vcrpy patches httpx's transport, not aiohttp's.
pytestmark = pytest.mark.usefixtures("without_aiohttp")


@pytest.fixture(params=["sync", "async"])
def replay_client(request: pytest.FixtureRequest) -> ReplayClient:
    return ReplayClient(is_async=request.param == "async")


def test_run_with_polling(replay_client: ReplayClient) -> None:
    recording = Recording("run")
    create = recording.request_json(0)
    final = recording.response_json(-1)
    polled: list[Prediction] = []
    with recording.replay() as cassette:
        output = replay_client.call(
            lambda client: client.run(f"stability-ai/sdxl:{create['version']}", create["input"], progress=polled.append)
        )
    assert final["status"] == "succeeded"
    assert output == final["output"]
    assert all(hasattr(file, "save") for file in output)
    poll_indices = [
        i for i in recording.indices("GET") if "/predictions/" in recording.interactions[i]["request"]["uri"]
    ]
    assert [str(job.status) for job in polled] == [recording.response_json(i)["status"] for i in [0, *poll_indices]]
    assert cassette.play_count == 2 + len(poll_indices)  # the schema, by which the input is checked, and the create
    assert polled[-1].to_dict() == final


def test_held_run_returns_the_image(replay_client: ReplayClient) -> None:
    recording = Recording("test_predictions_create_blocking[False-True]")
    for index in recording.indices("POST"):
        assert recording.response_json(index)["status"] == "processing"
    first = recording.indices("POST")[0]
    create = recording.request_json(first)
    with recording.replay() as cassette:
        [file] = replay_client.call(
            lambda client: client.run(f"stability-ai/sdxl:{create['version']}", create["input"])
        )
        assert cassette.play_count == 2  # the schema, by which the input is checked, and the create
    assert file == recording.response_json(first)["output"][0]
    assert file.startswith("data:image/png;base64,")
    if not replay_client.is_async:
        assert file.read().startswith(b"\x89PNG")


@pytest.mark.parametrize("wait", ["False-True", "True-10"])
def test_held_run_of_an_official_model(replay_client: ReplayClient, wait: str) -> None:
    recording = Recording(f"test_models_predictions_create_blocking[{wait}]")
    hold = {"False-True": True, "True-10": 10}[wait]
    input = recording.request_json(0)["input"]
    with recording.replay() as cassette:
        output = replay_client.call(
            lambda client: client.run("meta/meta-llama-3-8b-instruct", input, wait=hold, check=False)
        )
        assert cassette.play_count == 1
    assert output == recording.response_json(0)["output"]
    assert len(output) > 1


def test_create_for_an_official_model(replay_client: ReplayClient) -> None:
    recording = Recording("models-predictions-create")
    with recording.replay():
        job = replay_client.call(
            lambda client: client.models.predictions.create(
                "meta", "llama-2-70b-chat", input=recording.request_json(0)["input"]
            )
        )
    assert job.to_dict() == recording.response_json(0)
    assert job.status == "starting"
    assert job.data_removed is None
    assert job.is_absent("data_removed")


def test_cancel(replay_client: ReplayClient) -> None:
    recording = Recording("predictions-cancel")
    expected = recording.response_json(-1)
    with recording.replay():
        job = replay_client.call(lambda client: client.predictions.cancel(expected["id"]))
    assert job.to_dict() == expected
    assert job.status == "canceled"
    assert isinstance(job.completed_at, datetime)


def test_prediction_is_parsed_without_loss(replay_client: ReplayClient) -> None:
    recording = Recording("predictions-get")
    index = recording.indices("GET")[0]
    expected = recording.response_json(index)
    with recording.replay():
        job = replay_client.call(lambda client: client.predictions.get(expected["id"]))
    assert isinstance(job, Prediction)
    assert job.to_dict() == expected


def test_training_with_nulls_is_parsed_without_loss(replay_client: ReplayClient) -> None:
    recording = Recording("trainings-get")
    [index] = recording.indices("GET")[-1:]
    expected = recording.response_json(index)
    with recording.replay():
        job = replay_client.call(lambda client: client.trainings.get(expected["id"]))
    assert isinstance(job, Training)
    assert job.to_dict() == expected
    assert job.completed_at is None or isinstance(job.completed_at, datetime)


def test_file_operations(replay_client: ReplayClient) -> None:
    recording = Recording("file-operations")
    created = recording.response_json(0)
    with recording.replay():
        assert replay_client.call(lambda client: client.files.create(content=b"x")).to_dict() == created
        file = replay_client.call(lambda client: client.files.get(created["id"]))
        assert file.checksums.sha256 == created["checksums"]["sha256"]
        listed = replay_client.call(lambda client: client.files.list())
        assert [file.to_dict() for file in listed] == recording.response_json(2)["results"]
        assert replay_client.call(lambda client: client.files.delete(created["id"])) is None


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("hardware-list", lambda client, body: client.hardware.list()),
        ("collections-list", lambda client, body: client.collections.list()),
        ("models-get", lambda client, body: client.models.get("stability-ai", "sdxl")),
        ("models-create", lambda client, body: client.models.create(**body)),
    ],
)
def test_response_is_parsed_without_loss(replay_client: ReplayClient, name: str, call: Any) -> None:
    recording = Recording(name)
    response = recording.response_json(0)
    with recording.replay():
        result = replay_client.call(lambda client: call(client, recording.request_json(0)))
    expected = response.get("results", response) if isinstance(response, dict) else response
    assert ([item.to_dict() for item in result] if isinstance(result, list) else result.to_dict()) == expected


def test_model_has_its_latest_version_and_default_example(replay_client: ReplayClient) -> None:
    recording = Recording("models-get")
    with recording.replay():
        model = replay_client.call(lambda client: client.models.get("stability-ai", "sdxl"))
    assert model.latest_version.id == recording.response_json(0)["latest_version"]["id"]
    assert isinstance(model.default_example, Prediction)
