"""`submit`, `wait` and `output`: the three verbs that `run` is made of; and `stream` of a prediction that exists."""

from typing import Any

import httpx
import pytest
from test_stream import DONE, STREAM_URL, event_stream, prediction_response, sse_event

import replicate_ext
from conftest import Harness, delayed, json_response, prediction
from replicate_ext import FileOutput, ModelError, Prediction, WaitTimeoutError
from replicate_ext.emulator import Emulator

PNG = "https://replicate.delivery/abc/out.png"
VERSION = "5" * 64


def test_submit_wait_and_output_return_what_run_returns(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("starting"), 201), json_response(prediction(output=[PNG])))
    job = harness.call(harness.client.submit("acme/hello", {"text": "hi"}))
    assert job.status == "starting"
    output = harness.call(harness.client.output(harness.call(harness.client.wait(job))))
    harness.server.responses = [json_response(prediction("starting"), 201), json_response(prediction(output=[PNG]))]
    assert output == harness.call(harness.client.run("acme/hello", {"text": "hi"}, wait=False)) == [PNG]
    assert type(output[0]).__name__.endswith("FileOutput")


@pytest.mark.parametrize("ref", ["acme/hello", f"acme/hello:{VERSION}", VERSION, "deployments/acme/app"])
def test_submit_takes_any_reference_and_does_not_hold_the_request(harness: Harness, ref: str) -> None:
    harness.server.respond_with(json_response(prediction("starting"), 201))
    assert harness.call(harness.client.submit(ref)).id == "x0fmfzfcf5rma0cq65c825tcbm"
    [request] = harness.server.requests
    assert "prefer" not in request.headers
    assert "cancel-after" not in request.headers


@pytest.mark.parametrize(
    ("ref", "input", "options"),
    [
        ("acme", None, {}),
        ("acme/hello", {"x": object()}, {}),
        ("acme/hello", {}, {"webhook_events_filter": ["starts"]}),
    ],
)
def test_submit_checks_its_arguments_before_anything_is_sent(
    harness: Harness, ref: str, input: Any, options: dict[str, Any]
) -> None:
    with pytest.raises((TypeError, ValueError)):
        harness.call(harness.client.submit(ref, input, **options))
    assert harness.server.requests == []


@pytest.mark.parametrize("status", ["starting", "processing"])
def test_output_of_an_unfinished_prediction_says_to_wait(harness: Harness, status: str) -> None:
    job = Prediction.from_dict(prediction(status, output=["half"]))
    with pytest.raises(ValueError, match=rf"is {status}: write client.output\(client.wait\(prediction\)\)"):
        harness.call(harness.client.output(job))


def test_output_of_a_failed_prediction_raises_its_error(harness: Harness) -> None:
    with pytest.raises(ModelError, match="boom"):
        harness.call(harness.client.output(Prediction.from_dict(prediction("failed", error="boom"))))


def test_output_is_wrapped_by_the_schema_of_its_version(harness: Harness) -> None:
    schema = {"components": {"schemas": {"Output": {"type": "array", "items": {"type": "string"}}}}}
    version = {"id": VERSION, "openapi_schema": schema}
    model = json_response({"owner": "acme", "name": "poet", "latest_version": version})
    ran = prediction(output=[PNG], version=VERSION, model="acme/poet")
    harness.server.respond_with(json_response({}, 404), model, json_response(ran, 201))
    assert type(harness.call(harness.client.run("acme/poet"))[0]) is str
    assert type(harness.call(harness.client.output(Prediction.from_dict(ran)))[0]) is str
    other = Prediction.from_dict({**ran, "version": "6" * 64})
    assert type(harness.call(harness.client.output(other))[0]) is not str


def test_stream_of_a_prediction_that_exists_creates_nothing(harness: Harness) -> None:
    job = Prediction.from_dict(prediction("processing") | {"urls": {"stream": STREAM_URL}})
    harness.server.respond_with(
        event_stream(sse_event("a", 0), sse_event("b", 1), DONE), prediction_response("succeeded", output=["a", "b"])
    )
    stream = harness.client.stream(job)
    events: list[Any] = []
    harness.for_each(stream, events.append)
    assert ("".join(map(str, events)), stream.text, stream.prediction.status) == ("ab", "ab", "succeeded")
    assert [request.method for request in harness.server.requests] == ["GET", "GET"]
    with pytest.raises(TypeError, match="takes no input or webhook"):
        harness.client.stream(job, {"prompt": "x"})


@pytest.mark.parametrize("url", [STREAM_URL, None], ids=["streams", "polls"])
def test_timeout_ends_a_stream_and_cancels_its_prediction(harness: Harness, url: str | None) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/cancel"):
            return json_response(prediction("canceled"))
        if "streams" in request.url.path:
            return delayed(harness.clock, 10, httpx.Response(200, content=b": hi\n\n"))(request)
        return prediction_response("processing", url)

    harness.server.respond_with(prediction_response("starting", url), respond)
    with pytest.raises(WaitTimeoutError, match="was still processing after 25 s: it is being canceled") as caught:
        harness.collect(harness.client.stream("acme/poet", timeout=25))
    assert caught.value.prediction.id == "x0fmfzfcf5rma0cq65c825tcbm"
    assert 25 <= harness.clock.time - 1000 <= 35
    assert harness.server.requested[-1].endswith("/cancel")


def test_verbs_at_module_level(emulator: Emulator) -> None:
    job = replicate_ext.wait(replicate_ext.submit("acme/painter", {"prompt": "a lighthouse"}))
    [picture] = replicate_ext.output(job)
    assert isinstance(picture, FileOutput)
