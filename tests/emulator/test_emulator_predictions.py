"""Predictions: create, hold, cancel, deadlines, retention."""

from __future__ import annotations

import io
import re
import threading

import pytest
from emulator_fixtures import create_prediction, module_fixtures, wait_until
from PIL import Image

from replicate_ext import PredictionAbortedError, Replicate
from replicate_ext.emulator import Emulator

api, http, client = module_fixtures()


def test_prediction_is_created_as_starting_and_succeeds(http, client) -> None:
    created = create_prediction(http, "acme/hello", None, text="Ada")
    assert created.status_code == 201
    body = created.json()
    assert re.fullmatch("[0-9a-hjkmnp-tv-z]{26}", body["id"])
    assert (body["status"], body["version"], body["output"], body["logs"]) == ("starting", "hidden", None, "")
    assert not body.keys() & {"started_at", "completed_at", "metrics", "deadline", "deployment"}
    finished = client.wait(body["id"])
    assert finished.output == "Hello, Ada!"
    assert finished.logs == "greeting Ada\n"
    assert finished.metrics.total_time >= finished.metrics.predict_time >= 0


def test_held_create_responds_with_all_outputs_as_processing(http) -> None:
    response = create_prediction(http, "acme/hello", "wait=10", text="Ada")
    assert response.status_code == 201
    assert response.headers["preference-applied"] == "wait=10"
    body = response.json()
    assert (body["status"], body["output"], body["logs"]) == ("processing", "Hello, Ada!", "")
    assert not body.keys() & {"started_at", "completed_at", "metrics"}
    assert http.get(f"predictions/{body['id']}").json()["status"] == "succeeded"


def test_hold_timeout_responds_202_with_the_prediction_as_created(api, http) -> None:
    timer = threading.Timer(0.04, api.clock.advance, [7])
    timer.start()
    response = create_prediction(http, "acme/sleeper", "wait=6", seconds=600)
    assert response.status_code == 202
    assert response.json()["status"] == "starting"
    http.post(f"predictions/{response.json()['id']}/cancel")


def test_version_is_an_id_or_model_and_id_or_an_official_model(http, client) -> None:
    [newest, oldest] = http.get("models/acme/poet/versions").json()["results"]
    assert newest["id"] != oldest["id"]
    for version in (oldest["id"], f"acme/poet:{oldest['id']}"):
        response = http.post(
            "predictions", json={"version": version, "input": {"prompt": "tea"}}, headers={"Prefer": "wait"}
        )
        assert response.json()["version"] == oldest["id"]
        assert "".join(response.json()["output"]) == "Roses are red, tea is too."
    assert client.run("acme/hello", {"text": "Ada"}) == "Hello, Ada!"
    response = http.post("predictions", json={"version": "acme/hello", "input": {"text": "Ada"}})
    assert response.json()["model"] == "acme/hello"


@pytest.mark.parametrize("version", ["acme/poet", "acme/poet:latest", "0" * 64, "acme/hello:" + "0" * 64])
def test_unknown_version_is_rejected_with_the_text_of_the_api(http, version) -> None:
    response = http.post("predictions", json={"version": version, "input": {"prompt": "tea"}})
    assert response.status_code == 422
    assert response.json()["title"] == "Invalid version or not permitted"


def test_community_model_is_not_found_under_the_path_of_official_models(http, client) -> None:
    assert create_prediction(http, "acme/poet", prompt="tea").json() == {
        "detail": "The requested resource could not be found.",
        "status": 404,
    }
    assert "".join(client.run("acme/poet", {"prompt": "tea"})).startswith(("Above", "Beneath", "Beyond", "Within"))


def test_deployment_runs_its_model(http, client) -> None:
    assert client.run("deployments/acme/front-desk", {"text": "Ada"}) == "Hello, Ada!"
    assert next(client.predictions.list()).deployment == "acme/front-desk"


def test_integer_input_may_have_a_zero_fraction(client) -> None:
    [file] = client.run("acme/painter", {"prompt": "x", "width": 64.0, "height": 16})
    assert Image.open(io.BytesIO(file.read())).size == (64, 16)


def test_cancel_after_cancels_a_running_prediction(api, http) -> None:
    headers = {"Cancel-After": "1m30s"}
    body = {"input": {"seconds": 600}}
    created = http.post("models/acme/sleeper/predictions", json=body, headers=headers).json()
    assert created["deadline"] > created["created_at"]
    wait_until(lambda: http.get(f"predictions/{created['id']}").json()["status"] == "processing")
    api.clock.advance(91)
    wait_until(lambda: http.get(f"predictions/{created['id']}").json()["status"] == "canceled")


def test_deadline_before_the_start_aborts_the_prediction() -> None:
    with Emulator(boot_time=60) as api, Replicate(api.token, base_url=api.url) as client:
        job = client.models.predictions.create("acme", "hello", input={"text": "x"}, cancel_after="10s")
        assert client.predictions.get(job.id).status == "starting"
        api.clock.advance(11)
        with pytest.raises(PredictionAbortedError) as caught:
            client.wait(job.id)
        assert not hasattr(caught.value.prediction.started_at, "year")
