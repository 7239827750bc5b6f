"""The features of the official Python client 2.0.0b4, on the emulator."""

from __future__ import annotations

import os
import time

import replicate
from features import report
from replicate import Replicate
from replicate.lib._predictions_run import ModelError

client = Replicate(bearer_token=os.environ["REPLICATE_API_TOKEN"], base_url=os.environ["REPLICATE_BASE_URL"])


def run() -> None:
    assert client.run("acme/hello", input={"text": "Ada"}) == "Hello, Ada!"
    try:
        client.run("acme/broken", input={"message": "no"})
    except ModelError as error:
        assert error.prediction.status == "failed"
    else:
        raise AssertionError("ModelError was not raised")


def stream() -> None:
    version = client.models.get(model_owner="acme", model_name="poet").latest_version.id
    text = "".join(client.stream(f"acme/poet:{version}", input={"prompt": "the sea", "seconds": 0}))
    assert "the sea" in text
    assert text.endswith(".\n"), text


def wait() -> None:
    prediction = client.predictions.create(version="acme/hello", input={"text": "Ada"})
    deadline = time.time() + 10
    while prediction.status not in ("succeeded", "failed", "canceled") and time.time() < deadline:
        prediction = client.predictions.get(prediction_id=prediction.id)
    assert prediction.output == "Hello, Ada!"


def paginate() -> None:
    for _ in range(3):
        client.run("acme/hello", input={"text": "x"})
    assert len(list(client.predictions.list())) >= 3


def cancel() -> None:
    prediction = client.predictions.create(version="acme/sleeper", input={"seconds": 60})
    assert client.predictions.cancel(prediction_id=prediction.id).status == "canceled"


def files_in_and_out() -> None:
    [picture] = client.run("acme/painter", input={"prompt": "x", "width": 32, "height": 32})
    content = picture.read()
    assert content.startswith(b"\x89PNG")
    version = client.models.get(model_owner="acme", model_name="filter").latest_version.id
    with open("picture.png", "wb") as file:
        file.write(content)
    with open("picture.png", "rb") as file:
        changed = client.run(f"acme/filter:{version}", input={"image": file, "effect": "mirror"})
    assert changed.read().startswith(b"\x89PNG")


def files() -> None:
    file = client.files.create(content=b"hello", filename="a.txt", metadata={"a": "b"})
    assert client.files.get(file_id=file.id).size == 5
    assert file.id in [one.id for one in client.files.list()]
    client.files.delete(file_id=file.id)


def models() -> None:
    assert client.models.get(model_owner="acme", model_name="hello").run_count >= 0
    assert "poet" in [model.name for model in client.models.list()]
    assert [model.name for model in client.models.search(body="poem")] == ["poet"]
    created = client.models.create(owner="acme", name="v2-made", visibility="private", hardware="cpu")
    assert created.name == "v2-made"


def versions() -> None:
    versions = list(client.models.versions.list(model_owner="acme", model_name="poet"))
    assert len(versions) == 2
    found = client.models.versions.get(model_owner="acme", model_name="poet", version_id=versions[0].id)
    assert found.openapi_schema


def deployments() -> None:
    version = client.models.get(model_owner="acme", model_name="hello").latest_version.id
    client.deployments.create(
        name="v2", model="acme/hello", version=version, hardware="cpu", min_instances=0, max_instances=1
    )
    deployment = {"deployment_owner": "acme", "deployment_name": "v2"}
    assert client.deployments.update(**deployment, max_instances=2).current_release.number == 2
    prediction = client.deployments.predictions.create(**deployment, input={"text": "Ada"}, prefer="wait")
    assert prediction.output == "Hello, Ada!"


def trainings() -> None:
    version = client.models.get(model_owner="acme", model_name="poet").latest_version.id
    training = client.trainings.create(
        model_owner="acme",
        model_name="poet",
        version_id=version,
        input={"words": "gull"},
        destination="acme/v2-made",
    )
    while training.status not in ("succeeded", "failed", "canceled"):
        training = client.trainings.get(training_id=training.id)
    assert training.output.version.startswith("acme/v2-made:")


def collections() -> None:
    assert "words" in [collection.slug for collection in client.collections.list()]
    found = client.collections.get(collection_slug="words")
    assert [model.name for model in found.models] == ["hello", "poet"]


def hardware() -> None:
    assert "cpu" in [one.sku for one in client.hardware.list()]


def webhooks() -> None:
    assert client.webhooks.default.secret.get().key.startswith("whsec_")
    raise NotImplementedError("it cannot validate deliveries")


def errors() -> None:
    try:
        client.run("acme/hello", input={"text": 5})
    except replicate.APIStatusError as error:
        assert error.status_code == 422
        assert error.body["invalid_fields"][0]["field"] == "input.text"
    else:
        raise AssertionError("APIStatusError was not raised")


report(
    run,
    stream,
    wait,
    paginate,
    cancel,
    files_in_and_out,
    files,
    models,
    versions,
    deployments,
    trainings,
    collections,
    hardware,
    webhooks,
    errors,
)
