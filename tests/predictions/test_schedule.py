"""When to poll: intervals, and estimates from earlier runs or the model's example."""

import math
from datetime import UTC, datetime

import httpx
import pytest

from conftest import Harness, json_response, prediction
from replicate_ext import WaitTimeoutError
from replicate_ext._predictions.wait import poll_interval


def test_poll_interval_grows_up_to_a_maximum() -> None:
    intervals = [poll_interval(elapsed) for elapsed in (0, 0.5, 2, 10, 40, 100, 3600)]
    assert intervals == [0.1, 0.1, 0.2, 1.0, 4.0, 5.0, 5.0]


class TimedModel:
    """A model whose runs take `duration` seconds of the fake clock, without hold and without stream."""

    def __init__(self, harness: Harness, duration: float) -> None:
        self.harness, self.duration, self.started = harness, duration, 0.0
        self.response: httpx.Response | Exception = json_response(
            {"owner": "acme", "name": "hello", "default_example": None}
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        now = self.harness.clock.time
        if request.url.path.endswith("/models/acme/hello"):
            if isinstance(self.response, Exception):
                raise self.response
            return self.response
        if request.method == "POST":
            self.started = now
        if now - self.started < self.duration:
            return json_response(prediction("processing", created_at=timestamp(self.started)))
        end = timestamp(self.started + self.duration)
        return json_response(prediction(output="x", created_at=timestamp(self.started), completed_at=end))

    def run(self, **arguments: object) -> tuple[int, float]:
        """Run the model; return the number of requests, and how many seconds after its end the run returned."""
        requests, started = len(self.harness.server.requests), self.harness.clock.time
        self.harness.call(self.harness.client.run("acme/hello", wait=False, **arguments))
        return len(self.harness.server.requests) - requests, self.harness.clock.time - started - self.duration

    def requests_without_estimate(self) -> int:
        """Return the number of requests of a run whose duration cannot be estimated."""
        elapsed, requests = 0.0, 1
        while elapsed < self.duration:
            elapsed, requests = elapsed + poll_interval(elapsed), requests + 1
        return requests


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@pytest.mark.parametrize("duration", [0.05, 0.7, 3.0, 12.0])
def test_poll_is_scheduled_by_earlier_runs(harness: Harness, duration: float) -> None:
    model = TimedModel(harness, duration)
    harness.server.respond_with(model)
    model.run()
    requests, late = model.run()
    early_polls = (0.75, 1.5, 2.25, 3.375, 5.06, 7.6, 11.4)  # the run may finish early
    assert requests == 2 + sum(seconds < duration for seconds in early_polls)
    assert late <= 0.06
    model.duration = 1.2 * duration
    _, late = model.run()
    assert late <= max(0.06, 0.1 * model.duration)
    model.duration = duration / 2
    _, late = model.run()
    assert late <= max(0.75, model.duration / 2)
    _, late = model.run()
    assert late <= 0.06
    model.duration = 100 * duration
    assert (
        model.run()[0] < 20 + TimedModel(harness, 100 * duration).requests_without_estimate()
    )  # a wrong estimate costs a few requests
    model.duration = duration / 2
    assert model.run(progress=lambda job: None)[0] >= min(3, 10 * model.duration)  # `progress` polls more often


@pytest.mark.parametrize("duration", [0.05, 0.7, 3.0, 12.0])
def test_poll_of_the_first_run_is_scheduled_by_the_default_example(harness: Harness, duration: float) -> None:
    model = TimedModel(harness, duration)
    model.response = json_response({"default_example": prediction(metrics={"predict_time": duration})})
    harness.server.respond_with(model)
    requests, late = model.run()
    assert requests <= 1 + math.ceil(2 * duration) + (0.1 < duration < 1)  # as many as with a poll every half second
    assert late <= 0.06
    assert harness.server.requested.count("GET /models/acme/hello") == (duration > 0.1)


@pytest.mark.parametrize(
    "response",
    [
        json_response({}, 404),
        json_response({}, 500),
        json_response({}),
        json_response({"default_example": None}),
        json_response({"default_example": prediction(metrics={})}),
        json_response({"default_example": prediction(metrics={"predict_time": "long"})}),
        httpx.ReadError("reset"),
        httpx.Response(200, text="<html>"),
    ],
)
def test_model_without_a_usable_example_is_fetched_once(harness: Harness, response) -> None:
    model = TimedModel(harness, 3.0)
    model.response = response
    harness.server.respond_with(model)
    requests, late = model.run()
    assert requests == model.requests_without_estimate() + 1
    assert late <= 0.1 * model.duration
    harness.client._predictions.durations._durations.clear()
    assert model.run()[0] == model.requests_without_estimate()


@pytest.mark.parametrize("seconds", [0.5, 30.0])
def test_slow_model_request_does_not_exceed_the_timeout(harness: Harness, seconds: float) -> None:
    model = TimedModel(harness, 3600.0)

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/models/acme/hello"):
            harness.clock.time += min(seconds, request.extensions["timeout"]["read"])
            raise httpx.ReadTimeout("")
        return model(request)

    harness.server.respond_with(respond)
    with pytest.raises(WaitTimeoutError):
        harness.call(harness.client.run("acme/hello", wait=False, timeout=0.4))
    assert "POST /predictions/x0fmfzfcf5rma0cq65c825tcbm/cancel" in harness.server.requested
    assert harness.clock.time - 1000 <= 1.4
