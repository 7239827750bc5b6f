"""The features of the official Python client 1.0.7, on the emulator."""

from __future__ import annotations

import io

import replicate
from features import report
from replicate.exceptions import ModelError, ReplicateError
from replicate.webhook import Webhooks, WebhookSigningSecret


def run() -> None:
    assert replicate.run("acme/hello", input={"text": "Ada"}) == "Hello, Ada!"
    try:
        replicate.run("acme/broken", input={"message": "no"})
    except ModelError as error:
        assert error.prediction.status == "failed"
    else:
        raise AssertionError("ModelError was not raised")


def stream() -> None:
    version = replicate.models.get("acme/poet").latest_version
    events = replicate.stream(f"acme/poet:{version.id}", input={"prompt": "the sea", "seconds": 0})
    text = "".join(str(event) for event in events)
    assert "the sea" in text
    assert text.endswith(".\n"), text


def wait() -> None:
    prediction = replicate.predictions.create(model="acme/hello", input={"text": "Ada"})
    prediction.wait()
    assert prediction.output == "Hello, Ada!"
    prediction.reload()
    assert prediction.status == "succeeded"


def paginate() -> None:
    for _ in range(3):
        replicate.predictions.create(model="acme/hello", input={"text": "x"}).wait()
    pages = list(replicate.paginate(replicate.predictions.list))
    assert sum(len(page.results) for page in pages) >= 3


def cancel() -> None:
    prediction = replicate.predictions.create(model="acme/sleeper", input={"seconds": 60})
    prediction.cancel()
    prediction.reload()
    assert prediction.status == "canceled"


def files_in_and_out() -> None:
    [picture] = replicate.run("acme/painter", input={"prompt": "x", "width": 32, "height": 32})
    content = picture.read()
    assert content.startswith(b"\x89PNG")
    version = replicate.models.get("acme/filter").latest_version
    file = io.BytesIO(content)
    file.name = "picture.png"
    changed = replicate.run(f"acme/filter:{version.id}", input={"image": file, "effect": "mirror"})
    assert changed.read().startswith(b"\x89PNG")


def files() -> None:
    file = replicate.files.create(io.BytesIO(b"hello"), filename="a.txt", metadata={"a": "b"})
    assert replicate.files.get(file.id).size == 5
    assert file.id in [one.id for one in replicate.files.list()]
    replicate.files.delete(file.id)


def models() -> None:
    assert replicate.models.get("acme/hello").run_count >= 0
    assert "poet" in [model.name for model in replicate.models.list()]
    assert [model.name for model in replicate.models.search("poem").results] == ["poet"]
    created = replicate.models.create(owner="acme", name="v1-made", visibility="private", hardware="cpu")
    assert created.name == "v1-made"


def versions() -> None:
    model = replicate.models.get("acme/poet")
    versions = model.versions.list()
    assert len(versions.results) == 2
    assert model.versions.get(versions[0].id).openapi_schema


def deployments() -> None:
    version = replicate.models.get("acme/hello").latest_version.id
    replicate.deployments.create(
        name="v1", model="acme/hello", version=version, hardware="cpu", min_instances=0, max_instances=1
    )
    prediction = replicate.deployments.get("acme/v1").predictions.create(input={"text": "Ada"})
    prediction.wait()
    assert prediction.output == "Hello, Ada!"
    assert "v1" in [deployment.name for deployment in replicate.deployments.list()]


def trainings() -> None:
    version = replicate.models.get("acme/poet").latest_version.id
    training = replicate.trainings.create(
        version=f"acme/poet:{version}", input={"words": "gull"}, destination="acme/v1-made"
    )
    while training.status not in ("succeeded", "failed", "canceled"):
        training.reload()
    assert training.output["version"].startswith("acme/v1-made:")
    assert training.destination == "acme/v1-made"


def collections() -> None:
    assert "words" in [collection.slug for collection in replicate.collections.list()]
    assert [model.name for model in replicate.collections.get("words").models] == ["hello", "poet"]


def hardware() -> None:
    assert "cpu" in [one.sku for one in replicate.hardware.list()]


def webhooks() -> None:
    import base64
    import hmac
    import time

    secret = replicate.webhooks.default.secret()
    body, id, moment = '{"id": "x"}', "msg_x", str(int(time.time()))
    key = base64.b64decode(secret.key.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{id}.{moment}.{body}".encode(), "sha256")).decode()
    headers = {"webhook-id": id, "webhook-timestamp": moment, "webhook-signature": f"v1,{signature}"}
    Webhooks.validate(headers=headers, body=body, secret=WebhookSigningSecret(key=secret.key))


def errors() -> None:
    try:
        replicate.run("acme/hello", input={"text": 5})
    except ReplicateError as error:
        assert error.status == 422
        assert "Invalid type" in error.detail
    else:
        raise AssertionError("ReplicateError was not raised")


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
