"""One argument where a caller has one: `"owner/name"`, an object instead of its id, a Path instead of bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from conftest import Harness, json_response, prediction
from generated_models import MODULES
from replicate_api.models import Collection, Deployment, File, Hardware, Model, Prediction, Training, Version
from replicate_api.types import Request

MODEL = Model.from_dict({"owner": "acme", "name": "painter"})
VERSION = Version.from_dict({"id": "v1"})


def build(operation: str, *args: Any, **kwargs: Any) -> Request:
    request: Request = MODULES[operation].build(*args, **kwargs)
    return request


@pytest.mark.parametrize("reference", [("acme", "painter"), ("acme/painter",), (MODEL,)])
def test_owner_and_name_may_be_one_argument(reference: tuple[Any, ...]) -> None:
    assert build("models.get", *reference).path == "/models/acme/painter"
    assert build("models.versions.get", *reference, "v1").path == "/models/acme/painter/versions/v1"
    assert build("models.versions.get", *reference, VERSION).path == "/models/acme/painter/versions/v1"
    assert build("models.versions.get", *reference, version_id="v1").path == "/models/acme/painter/versions/v1"
    training = build("trainings.create", *reference, "v1", input={}, destination="me/mine")
    assert training.path == "/models/acme/painter/versions/v1/trainings"


def owner_and_name_operations() -> list[str]:
    return [name for name, module in MODULES.items() if re.search(r"\{(\w+_)?owner\}/", str(module.__doc__))]


@pytest.mark.parametrize("name", owner_and_name_operations())
def test_every_operation_with_owner_and_name_takes_one_argument(name: str) -> None:
    module = MODULES[name]
    one = Deployment if name.startswith("deployments.") else Model
    rest = ["v1"] * (str(module.__doc__).count("{") - 2)
    body = {field: {} for field in ["input"] if "input" in module.build.__annotations__}
    body |= {"destination": "me/mine"} if name == "trainings.create" else {}
    split = module.build("acme", "painter", *rest, **body)
    assert module.build("acme/painter", *rest, **body) == split
    assert module.build(one.from_dict({"owner": "acme", "name": "painter"}), *rest, **body) == split
    assert "acme" in split.path


@pytest.mark.parametrize(
    ("operation", "args", "message"),
    [
        ("models.get", ("acme",), "model_name is missing; or pass 'owner/name' as model_owner"),
        ("models.get", ("a/b/c",), "model_owner must be an owner, or 'owner/name', not 'a/b/c'"),
        ("models.get", ("acme/",), "model_name must be a non-empty string, not ''"),
        ("models.get", ("acme/painter", "x"), "model_owner is 'acme/painter', which includes the name; remove model_n"),
        ("models.get", (VERSION,), "model_owner must be a string or a Model, not a Version: <Version v1>"),
        ("models.get", (Model.from_dict({}),), "model_owner is a Model without owner and name"),
        ("models.get", (5, "x"), "model_owner must be a non-empty string, not 5"),
        ("models.versions.get", ("acme/painter",), "version_id is missing"),
        ("models.versions.get", ("acme", "painter"), "version_id is missing"),
        (
            "predictions.cancel",
            (Training.from_dict({"id": "t"}),),
            "prediction_id must be a string or a Prediction, no",
        ),
        ("predictions.get", (Prediction.from_dict({}),), "prediction_id is a Prediction without id"),
    ],
)
def test_errors_name_the_argument_and_the_fix(operation: str, args: tuple[Any, ...], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        build(operation, *args)


@pytest.mark.parametrize(
    ("operation", "value", "path"),
    [
        ("predictions.get", Prediction.from_dict({"id": "x"}), "/predictions/x"),
        ("predictions.cancel", Prediction.from_dict({"id": "x"}), "/predictions/x/cancel"),
        ("trainings.cancel", Training.from_dict({"id": "x"}), "/trainings/x/cancel"),
        ("files.delete", File.from_dict({"id": "x"}), "/files/x"),
        ("collections.get", Collection.from_dict({"slug": "x"}), "/collections/x"),
    ],
)
def test_an_object_works_where_its_id_does(operation: str, value: Any, path: str) -> None:
    assert build(operation, value).path == path


def test_an_object_works_in_a_body() -> None:
    cpu = Hardware.from_dict({"sku": "cpu"})
    sizes = {"name": "a", "min_instances": 0, "max_instances": 1}
    deployment = build("deployments.create", hardware=cpu, model=MODEL, version=VERSION, **sizes)
    assert deployment.json == {"hardware": "cpu", "model": "acme/painter", "version": "v1"} | sizes
    assert build("predictions.create", version=VERSION, input={}).json == {"version": "v1", "input": {}}
    with pytest.raises(TypeError, match="version must be a string or a Version, not a Model"):
        build("predictions.create", version=MODEL, input={})


def test_docstrings_mention_what_works() -> None:
    text = " ".join(str(MODULES["models.versions.get"].build.__doc__).split())
    assert 'Or `"owner/name"`, or a `Model`, without `model_name`.' in text
    assert "A `Version` works too." in text


def test_files_create_takes_a_path(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(b"meow")
    harness.server.respond_with(json_response({"id": "f"}, 201))
    assert harness.call(harness.client.files.create(content=path)).id == "f"
    [request] = harness.server.requests
    assert b'filename="cat.png"' in request.content
    assert b"image/png" in request.content
    assert b"meow" in request.content
    with pytest.raises(FileNotFoundError, match=r"dog\.png"):
        harness.call(harness.client.files.create(content=tmp_path / "dog.png"))
    with pytest.raises(TypeError, match="content must be bytes, a Path, a file"):
        harness.call(harness.client.files.create(content=str(path)))
    assert len(harness.server.requests) == 1


def test_objects_and_references_work_on_the_client(harness: Harness) -> None:
    harness.server.respond_with(
        json_response({"owner": "acme", "name": "painter"}),
        json_response({"id": "v1"}),
        json_response(prediction("canceled")),
    )
    model = harness.call(harness.client.models.get("acme/painter"))
    assert harness.call(harness.client.models.versions.get(model, "v1")).id == "v1"
    job = Prediction.from_dict(prediction("processing"))
    assert harness.call(harness.client.predictions.cancel(job)).status == "canceled"
    paths = [request.url.path for request in harness.server.requests]
    assert paths[0].endswith("/models/acme/painter")
    assert paths[1].endswith("/models/acme/painter/versions/v1")
    assert paths[2].endswith(f"/predictions/{job.id}/cancel")
