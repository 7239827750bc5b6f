"""Models, versions, trainings, deployments, collections, search, hardware."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

from replicate_api.api import OPERATIONS
from replicate_ext import APIStatusError, InvalidRequestError, NotFoundError, webhooks
from replicate_ext.emulator import Emulator, spec
from replicate_ext.emulator.operations import HANDLERS


def test_every_handler_belongs_to_an_operation_of_the_openapi_document() -> None:
    assert len(HANDLERS) == 37  # more only if the emulator implements an operation that was added since
    assert HANDLERS.keys() <= set(OPERATIONS)


def test_operation_without_a_handler_responds_501(monkeypatch: pytest.MonkeyPatch) -> None:
    new = {
        "post": {"operationId": "models.like", "requestBody": {"content": {"application/json": {}}}, "responses": {}},
        "get": {"operationId": "models.likes.list", "responses": {}},
    }
    document = spec.document()
    monkeypatch.setattr(spec, "document", lambda: {**document, "paths": {**document["paths"], "/likes/{id}": new}})
    monkeypatch.setattr(spec, "operations", spec.operations.__wrapped__)
    with Emulator() as api, httpx.Client(headers={"Authorization": f"Bearer {api.token}"}) as http:
        response = http.post(f"{api.url}/likes/1", json={"any": "body"})
        problem = {"detail": "The emulator does not implement models.like.", "status": 501}
        assert (response.status_code, response.json()) == (501, problem)
        assert http.get(f"{api.url}/likes/1").json()["detail"].endswith("models.likes.list.")
        assert http.delete(f"{api.url}/likes/1").status_code == 405
        assert httpx.get(f"{api.url}/likes/1").status_code == 401
        assert http.get(f"{api.url}/account").status_code == 200


def test_deleted_version_takes_its_predictions_files_and_event_streams_along(api, client) -> None:
    client.models.create(owner="acme", name="gallery", visibility="private", hardware="cpu")

    @api.model("acme/gallery")
    def paint(size: int = 16) -> Iterator[Image.Image]:
        yield Image.new("RGB", (size, size))

    version = client.models.get("acme", "gallery").latest_version.id
    [picture] = client.run(f"acme/gallery:{version}")
    [job] = [job for job in client.predictions.list() if job.version == version]
    assert httpx.get(picture.url).status_code == 200
    with httpx.stream("GET", job.urls.stream) as response:
        assert response.status_code == 200
    client.models.versions.delete("acme", "gallery", version)
    assert httpx.get(picture.url).status_code == 404
    assert httpx.get(job.urls.stream).status_code == 404
    with pytest.raises(NotFoundError):
        client.predictions.get(job.id)
    assert list(api._running_service.state.folder.glob("*.png")) == []
    api.clock.advance(3601)  # when its data would have been removed
    assert client.account.get().username == "acme"


def test_models_are_listed_searched_and_returned(client) -> None:
    models = {model.name: model for model in client.models.list()}
    assert models.keys() == {
        *("hello", "painter", "flux-schnell", "poet", "filter", "broken", "sleeper"),
        *("inputs", "captioner", "tiler", "finder"),
    }
    assert models["hello"].is_official is True
    assert [model.name for model in client.models.search("poem")] == ["poet"]
    assert client.models.get("acme", "poet").latest_version.id == models["poet"].latest_version.id
    assert list(client.models.versions.list("acme", "hello")) == []
    version = client.models.versions.get("acme", "poet", version_id=models["poet"].latest_version.id)
    assert version.openapi_schema["components"]["schemas"]["Output"]["x-cog-array-display"] == "concatenate"


def test_models_are_sorted_by_the_query(client) -> None:
    names = [model.name for model in client.models.list()]
    assert [model.name for model in client.models.list(sort_direction="asc")] == names[::-1]
    assert [model.name for model in client.models.list(sort_by="model_created_at")] == names


def test_model_is_created_updated_and_deleted(client) -> None:
    created = client.models.create(owner="acme", name="mine", visibility="private", hardware="cpu", description="A")
    assert (created.description, created.run_count, created.latest_version) == ("A", 0, None)
    assert "mine" not in [model.name for model in client.models.list()]
    with pytest.raises(NotFoundError):
        client.models.readme.get("acme", "mine")
    assert client.models.update("acme", "mine", description="B", readme="# Mine").description == "B"
    assert client.models.readme.get("acme", "mine") == "# Mine"
    for wrong in ({"owner": "other"}, {"name": "mine"}, {"name": "a b"}):
        with pytest.raises(APIStatusError):
            client.models.create(**{"owner": "acme", "name": "m", "visibility": "private", "hardware": "cpu"} | wrong)
    client.models.delete("acme", "mine")
    with pytest.raises(NotFoundError):
        client.models.get("acme", "mine")
    with pytest.raises(APIStatusError):
        client.models.delete("acme", "hello")
    assert list(client.models.examples.list("acme", "hello")) == []


def test_training_adds_a_version_to_its_destination(client) -> None:
    client.models.create(owner="acme", name="sailor", visibility="private", hardware="cpu")
    version = client.models.get("acme", "poet").latest_version.id
    input = {"words": "anchor", "steps": 4}
    training = client.trainings.create("acme", "poet", version, destination="acme/sailor", input=input)
    assert training.status == "starting"
    assert "/predictions/" in training.urls.get
    finished = client.wait(client.trainings.get(training.id))
    assert finished.logs.endswith("100%|##########| 4/4\n")
    assert "/trainings/" in finished.urls.get
    ref = finished.output.version
    assert ref == f"acme/sailor:{client.models.get('acme', 'sailor').latest_version.id}"
    assert "anchor" in "".join(client.run(ref, {"prompt": "the sea", "seconds": 0}))
    assert [listed.id for listed in client.trainings.list()] == [training.id]
    assert training.id not in [listed.id for listed in client.predictions.list()]
    assert client.trainings.cancel(training.id).status == "succeeded"
    client.models.versions.delete("acme", "sailor", ref.partition(":")[2])
    client.models.delete("acme", "sailor")


def test_invalid_training_is_rejected(client) -> None:
    poet, hello = (client.models.get("acme", name).latest_version.id for name in ("poet", "hello"))
    with pytest.raises(NotFoundError, match="The specified training destination does not exist"):
        client.trainings.create("acme", "poet", poet, destination="acme/nothing", input={"words": "x"})
    with pytest.raises(InvalidRequestError, match="cannot be trained"):
        client.trainings.create("acme", "hello", hello, destination="acme/poet", input={})
    with pytest.raises(InvalidRequestError, match="words is required"):
        client.trainings.create("acme", "poet", poet, destination="acme/poet", input={})
    with pytest.raises(NotFoundError):
        client.trainings.get("nothing")


def test_deployment_has_releases_and_can_be_deleted(api, client) -> None:
    old, new = [version.id for version in client.models.versions.list("acme", "poet")][::-1]
    settings = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}
    created = client.deployments.create(name="app", model="acme/poet", version=old, **settings)
    assert (created.owner, created.current_release.number, created.current_release.version) == ("acme", 1, old)
    assert client.run("deployments/acme/app", {"prompt": "tea"})[-1] == "."
    updated = client.deployments.update("acme", "app", version=new)
    assert (updated.current_release.number, updated.current_release.configuration.hardware) == (2, "cpu")
    slow = client.deployments.predictions.create("acme", "app", input={"prompt": "x", "seconds": 60})
    assert [deployment.name for deployment in client.deployments.list()] == ["app", "front-desk"]
    with pytest.raises(APIStatusError, match="15 minutes"):
        client.deployments.delete("acme", "app")
    client.deployments.update("acme", "app", min_instances=0, max_instances=0)
    assert client.predictions.get(slow.id).status == "canceled"
    with pytest.raises(InvalidRequestError, match="no instances"):
        client.run("deployments/acme/app", {"prompt": "x"})
    api.clock.advance(16 * 60)
    client.deployments.delete("acme", "app")
    for wrong in ({"version": hex(0)}, {"hardware": "abacus"}, {"min_instances": 2}, {"max_instances": 21}):
        with pytest.raises(InvalidRequestError):
            client.deployments.create(**{"name": "b", "model": "acme/poet", "version": old} | settings | wrong)
    with pytest.raises(NotFoundError):
        client.deployments.get("acme", "app")


def test_collections_search_hardware_and_webhook_secret(api, client) -> None:
    assert [collection.slug for collection in client.collections.list()] == ["words", "pictures"]
    assert [model.name for model in client.collections.get("pictures").models] == ["painter", "filter"]
    found = client.search(query="poem")
    assert [result.model.name for result in found.models] == ["poet"]
    assert httpx.get(f"{api.url}/search?query=picture").json()["collections"][0]["slug"] == "pictures"
    assert httpx.get(f"{api.url}/search").json() == {"detail": 'Query parameter "query" is required'}
    assert httpx.get(f"{api.url}/search?query=x&limit=51").status_code == 400
    assert "cpu" in [hardware.sku for hardware in client.hardware.list()]
    secret = client.webhooks.default.secret.get().key
    body = json.dumps({"id": "x", "status": "succeeded"})
    assert client.webhooks.verify(body, webhooks.sign(body, secret)).id == "x"
