"""Waiting by polling: final statuses, progress, timeouts, failures."""

import httpx
import pytest

from conftest import Harness, json_response, prediction
from replicate_ext import ModelError, Prediction, ServerError, Training, WaitTimeoutError


def test_wait_accepts_an_id_a_prediction_or_a_training(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("processing")), json_response(prediction(output="x")))
    assert harness.call(harness.client.wait("x0fmfzfcf5rma0cq65c825tcbm")).output == "x"
    assert harness.call(harness.client.wait(Prediction.from_dict(prediction("starting")))).output == "x"
    harness.server.responses = [
        json_response(prediction("succeeded", output={"version": "acme/tuned:1", "weights": None}))
    ]
    training = harness.call(harness.client.wait(Training.from_dict(prediction("starting"))))
    assert isinstance(training, Training)
    assert training.output.version == "acme/tuned:1"
    assert harness.server.requested[-1] == "GET /trainings/x0fmfzfcf5rma0cq65c825tcbm"


def test_wait_raises_model_error_and_timeout(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("failed", error="no")))
    with pytest.raises(ModelError, match="failed: no"):
        harness.call(harness.client.wait("x0fmfzfcf5rma0cq65c825tcbm"))
    harness.server.responses = [json_response(prediction("processing"))]
    with pytest.raises(WaitTimeoutError):
        harness.call(harness.client.wait("x0fmfzfcf5rma0cq65c825tcbm", timeout=3))
    assert harness.server.requested[-1].endswith("/cancel")


def test_timeout_of_wait_by_id_covers_the_first_poll(harness: Harness) -> None:
    def respond_slowly(request: httpx.Request) -> httpx.Response:
        harness.clock.time += 5
        return json_response({}, 500)

    harness.server.respond_with(respond_slowly, json_response(prediction("canceled", id="abc")))
    with pytest.raises(WaitTimeoutError, match="could not be fetched within 1 s"):
        harness.call(harness.client.wait("abc", timeout=1))
    assert harness.server.requested == ["GET /predictions/abc", "POST /predictions/abc/cancel"]


def test_poll_interval_option(harness: Harness) -> None:
    harness.server.respond_with(
        *[json_response(prediction("starting"), 201)] * 3, json_response(prediction(output="x"))
    )
    harness.call(harness.client.run("acme/hello", wait=False, poll_interval=7))
    assert harness.clock.sleeps == [7, 7, 7]
    harness.server.responses = [json_response(prediction("starting")), json_response(prediction(output="x"))]
    harness.call(harness.client.wait("x0fmfzfcf5rma0cq65c825tcbm", poll_interval=3))
    assert harness.clock.sleeps[3:] == [3]


def test_progress_is_called_for_every_poll(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(prediction("starting"), 201),
        json_response(prediction("processing")),
        json_response(prediction(output="x")),
    )
    statuses: list[str] = []
    harness.call(harness.client.run("acme/hello", progress=lambda job: statuses.append(str(job.status))))
    assert statuses == ["starting", "processing", "succeeded"]


def test_unknown_status_with_completed_at_is_final(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(prediction("perfected", output="x", completed_at="2025-06-02T15:53:25Z"), 201)
    )
    assert harness.call(harness.client.run("acme/hello")) == "x"
    harness.server.responses = [json_response(prediction("evicted", completed_at="2025-06-02T15:53:25Z"), 201)]
    with pytest.raises(ModelError, match="evicted"):
        harness.call(harness.client.run("acme/hello"))


def test_unchanging_unknown_status_times_out(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("paused"), 201))
    harness.server.respond_with(json_response(prediction("paused")))
    with pytest.raises(WaitTimeoutError, match="paused"):
        harness.call(harness.client.run("acme/hello", cancel_on_exit=False))
    assert 60 < harness.clock.time - 1000 < 120


def test_changing_unknown_status_is_polled(harness: Harness) -> None:
    harness.server.respond_with(
        *[json_response(prediction(status), 201) for status in ("queued", "warming", "processing")]
    )
    harness.server.respond_with(json_response(prediction(output="x")))
    assert harness.call(harness.client.run("acme/hello", wait=False)) == "x"


@pytest.mark.parametrize("fields", [{"status": None}, {"status": 5}, {"urls": "x"}, {"logs": 7, "metrics": []}])
def test_unexpected_values_are_tolerated_while_waiting(harness: Harness, fields: dict) -> None:
    harness.server.respond_with(
        json_response(prediction("starting") | fields, 201), json_response(prediction(output="x") | {"logs": None})
    )
    assert harness.call(harness.client.run("acme/hello")) == "x"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": {}},
        {"status": []},
        {"status": None},
        {"status": "processing", "completed_at": ""},
        {"status": "processing", "completed_at": 7},
        {"status": "processing", "completed_at": "2025-06-02T15:53:25Z"},
        {"status": "resting", "completed_at": "soon"},
    ],
)
def test_invalid_status_or_completed_at_is_not_final(harness: Harness, fields: dict) -> None:
    harness.server.respond_with(
        json_response(prediction("starting"), 201), json_response(prediction("processing") | fields)
    )
    harness.server.respond_with(json_response(prediction(output="x")))
    assert harness.call(harness.client.run("acme/hello")) == "x"


def test_failed_poll_is_retried(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(prediction("starting"), 201),
        httpx.ReadError("reset"),
        json_response({}, 520),
        httpx.Response(502, text="<html><title>Bad gateway</title></html>"),
        httpx.Response(200, text="<html>"),
        json_response(prediction(output="x")),
    )
    assert harness.call(harness.client.run("acme/hello")) == "x"


def test_lasting_poll_failure_has_the_prediction_and_does_not_cancel(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("starting"), 201), json_response({}, 500))
    with pytest.raises(ServerError) as caught:
        harness.call(harness.client.run("acme/hello"))
    assert caught.value.prediction.id == "x0fmfzfcf5rma0cq65c825tcbm"
    assert not any("cancel" in request for request in harness.server.requested)
    harness.server.responses = [json_response(prediction(output="x"))]
    assert harness.call(harness.client.wait(caught.value.prediction)).output == "x"
