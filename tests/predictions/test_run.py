"""`run`: from model reference and input to output or error."""

import httpx
import pytest

from conftest import Harness, delayed, json_response, prediction
from replicate_ext import ModelError, Prediction, PredictionAbortedError, PredictionCanceledError


def test_held_create_returns_the_output_in_one_request(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("processing", output="Hello"), 201))
    assert harness.call(harness.client.run("acme/hello", {"text": "hi"})) == "Hello"
    assert harness.server.requested == ["POST /models/acme/hello/predictions"]
    assert harness.server.requests[0].headers["Prefer"] == "wait"
    assert harness.server.request_json() == {"input": {"text": "hi"}}


def test_processing_response_after_the_hold_is_polled(harness: Harness) -> None:
    unfinished = json_response(prediction("processing", output=["Hel"]), 201)
    harness.server.respond_with(
        delayed(harness.clock, 60.1, unfinished), json_response(prediction(output=["Hel", "lo"]))
    )
    assert harness.call(harness.client.run("acme/hello", {"text": "hi"})) == ["Hel", "lo"]


def test_processing_response_with_status_202_is_polled(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(prediction("processing", output=["Hel"]), 202), json_response(prediction(output=["Hello"]))
    )
    assert harness.call(harness.client.run("acme/hello", {"text": "hi"})) == ["Hello"]


@pytest.mark.parametrize("status", ["starting", "processing"])
def test_unfinished_response_without_output_is_polled(harness: Harness, status: str) -> None:
    harness.server.respond_with(
        json_response(prediction(status), 201),
        json_response(prediction("processing")),
        json_response(prediction(output=42)),
    )
    assert harness.call(harness.client.run(64 * "a", {"text": "hi"})) == 42
    assert harness.server.requested[1:] == ["GET /predictions/x0fmfzfcf5rma0cq65c825tcbm"] * 2


def test_null_output_is_none(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("processing"), 201), json_response(prediction("succeeded")))
    assert harness.call(harness.client.run("acme/hello")) is None


def test_missing_output_is_none(harness: Harness) -> None:
    job = prediction("succeeded")
    del job["output"]
    harness.server.respond_with(json_response(job, 201))
    assert harness.call(harness.client.run("acme/hello")) is None


@pytest.mark.parametrize(
    ("status", "error"),
    [("failed", ModelError), ("canceled", PredictionCanceledError), ("aborted", PredictionAbortedError)],
)
@pytest.mark.parametrize("polled", [False, True])
def test_failed_canceled_or_aborted_prediction_raises(harness: Harness, status: str, error: type, polled: bool) -> None:
    logs = "\n".join(f"line {i}" for i in range(20))
    final = json_response(prediction(status, error="CUDA out of memory", logs=logs), 201)
    harness.server.respond_with(*([json_response(prediction("starting"), 201)] if polled else []), final)
    with pytest.raises(error) as caught:
        harness.call(harness.client.run("acme/hello", {"text": "hi"}))
    assert type(caught.value) is error
    message = str(caught.value)
    assert all(part in message for part in ("x0fmfzfcf5rma0cq65c825tcbm", status, "CUDA out of memory", "line 19"))
    assert "https://replicate.com/p/x0fmfzfcf5rma0cq65c825tcbm" in message
    assert "line 3" not in message
    assert caught.value.prediction.status == status


@pytest.mark.parametrize(
    ("error", "is_transient"),
    [
        ("Prediction interrupted; please retry (code: PA)", True),
        ("Director: unexpected error handling prediction (E9828)", True),
        ("CUDA out of memory", False),
        (None, False),
    ],
)
def test_model_error_is_transient(harness: Harness, error, is_transient: bool) -> None:
    harness.server.respond_with(json_response(prediction("failed", error=error), 201))
    with pytest.raises(ModelError) as caught:
        harness.call(harness.client.run("acme/hello"))
    assert caught.value.is_transient is is_transient


def test_on_created_is_called_before_waiting(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("starting"), 201), json_response(prediction(output="x")))
    created: list[tuple[str, int]] = []

    def record(job: Prediction) -> None:
        created.append((job.id, len(harness.server.requests)))

    assert harness.call(harness.client.run("acme/hello", on_created=record)) == "x"
    assert created == [("x0fmfzfcf5rma0cq65c825tcbm", 1)]
    assert "Prefer" not in harness.server.requests[0].headers
    harness.call(harness.client.run("acme/hello", on_created=record, wait=10))
    assert harness.server.requests[2].headers["Prefer"] == "wait=10"


@pytest.mark.parametrize("argument", ["on_created", "progress"])
def test_error_in_a_callback_cancels_the_prediction_and_names_it(harness: Harness, argument: str) -> None:
    harness.server.respond_with(json_response(prediction("starting"), 201))

    def fail(job: Prediction) -> None:
        raise LookupError("the disk is full")

    with pytest.raises(LookupError) as caught:
        harness.call(harness.client.run("acme/hello", **{argument: fail}))
    assert harness.server.requested[1:] == ["POST /predictions/x0fmfzfcf5rma0cq65c825tcbm/cancel"]
    assert caught.value.__notes__ == ["prediction x0fmfzfcf5rma0cq65c825tcbm: it is being canceled"]


@pytest.mark.parametrize("argument", ["on_created", "progress"])
def test_async_callback_is_awaited_by_the_async_client_only(harness: Harness, argument: str) -> None:
    ids: list[str] = []

    async def save(job: Prediction) -> None:
        ids.append(job.id)

    harness.server.respond_with(json_response(prediction(output="x"), 201))
    if harness.is_async:
        assert harness.call(harness.client.run("acme/hello", **{argument: save})) == "x"
        assert ids == ["x0fmfzfcf5rma0cq65c825tcbm"]
    else:
        with pytest.raises(TypeError, match=f"{argument} is an async function"):
            harness.client.run("acme/hello", **{argument: save})
        assert harness.server.requests == []


@pytest.mark.parametrize("argument", ["on_created", "progress"])
def test_callback_that_is_not_callable_is_rejected_before_the_create(harness: Harness, argument: str) -> None:
    with pytest.raises(TypeError, match=f"{argument} must be a function"):
        harness.call(harness.client.run("acme/hello", **{argument: []}))
    assert harness.server.requests == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"wait": 0}, "wait must be"),
        ({"wait": 61}, "wait must be"),
        ({"wait": "yes"}, "wait must be"),
        ({"timeout": 0}, "timeout must be"),
        ({"timeout": "5"}, "timeout must be"),
        ({"input": ["x"]}, "input must be a dict"),
        ({"input": {"image": object()}}, r"input\.image"),
        ({"input": {"deep": [{"x": float("nan")}]}}, r"input\.deep\[0\]\.x"),
        ({"webhook_events_filter": ["complete"]}, r"webhook_events_filter\[0\].*'completed'"),
        ({"webhook": 5}, "webhook must be a string"),
        ({"webhook": 5, "input": {"file": b"x" * 300_000}}, "webhook must be a string"),
        ({"timeout": float("inf")}, "timeout must be"),
        ({"poll_interval": -1}, "poll_interval must be"),
    ],
)
def test_invalid_argument_is_rejected_before_any_request(harness: Harness, arguments: dict, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        harness.call(harness.client.run("acme/hello", **arguments))
    assert harness.server.requests == []


def poet_model(**schema) -> httpx.Response:
    version = {"id": "v" * 64, "openapi_schema": {"components": {"schemas": {"Input": schema}}}}
    return json_response({"owner": "acme", "name": "poet", "is_official": False, "latest_version": version})


@pytest.mark.parametrize("schema", [{}, {"properties": None}, {"properties": {"prompt": {}}}])
def test_input_passes_if_it_fits_or_the_schema_is_unknown(make_harness, schema) -> None:
    harness = make_harness(checks_inputs=True)
    harness.server.respond_with(poet_model(**schema), json_response(prediction(output="x"), 201))
    assert harness.call(harness.client.run("acme/poet", {"prompt": "x"})) == "x"
