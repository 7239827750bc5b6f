"""What cancels a prediction and what does not, where docs/behavior/ has a row that no other test shows."""

from typing import Any

import httpx
import pytest

from conftest import FakeClock, Harness, ScriptedServer, json_response, prediction, serve_ranges
from replicate_ext import APIConnectionError, AsyncReplicate, Prediction, Training, WaitTimeoutError

ID = "x0fmfzfcf5rma0cq65c825tcbm"


def close(harness: Harness) -> None:
    client = harness.client
    harness.call(client.aclose() if isinstance(client, AsyncReplicate) else client.close())


@pytest.mark.parametrize("create", ["submit", "operation"])
def test_closing_the_client_leaves_a_prediction_that_is_not_waited_for(harness: Harness, create: str) -> None:
    harness.server.respond_with(json_response(prediction("starting"), 201))
    if create == "submit":
        harness.call(harness.client.submit("acme/hello"))
    else:
        harness.call(harness.client.models.predictions.create("acme/hello", input={}))
    close(harness)
    assert harness.server.requested == ["POST /models/acme/hello/predictions"]


def test_timeout_cancels_a_training(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("processing")))
    with pytest.raises(WaitTimeoutError):
        harness.call(harness.client.wait(Training.from_dict(prediction("starting")), timeout=3))
    assert harness.server.cancels == [f"POST /trainings/{ID}/cancel"]


def test_wait_that_ends_at_an_unknown_status_does_not_cancel(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("paused")))
    with pytest.raises(WaitTimeoutError, match=r"'paused'.*it is still running: client\.wait\("):
        harness.call(harness.client.wait(ID))
    assert harness.server.cancels == []


def test_error_of_this_package_in_a_callback_does_not_cancel(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("starting"), 201))

    def fail(job: Prediction) -> None:
        raise APIConnectionError("of another request")

    with pytest.raises(APIConnectionError, match="of another request") as caught:
        harness.call(harness.client.run("acme/hello", on_created=fail))
    assert caught.value.prediction is not None
    assert harness.server.cancels == []


def test_timeout_that_expires_in_a_callback_is_raised_after_it(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("starting"), 201), json_response(prediction("canceled")))
    ended: list[float] = []

    def take_long(job: Prediction) -> None:
        harness.clock.time += 60
        ended.append(harness.clock.time)

    with pytest.raises(WaitTimeoutError, match="after 5 s: it is being canceled"):
        harness.call(harness.client.run("acme/hello", timeout=5, on_created=take_long))
    assert ended == [1060.0]
    assert len(harness.server.cancels) == 1


def test_cancel_of_what_was_left_takes_ten_seconds_at_most(harness: Harness) -> None:
    def leave(job: Prediction) -> None:
        raise LookupError

    harness.server.respond_with(json_response(prediction("starting"), 201), json_response({}, 500))
    with pytest.raises(LookupError):
        harness.call(harness.client.run("acme/hello", on_created=leave))
    timeouts = [request.extensions["timeout"] for request in harness.server.requests[1:]]
    assert len(timeouts) == 2, "one retry"
    assert all(0 < seconds <= 10 for phases in timeouts for seconds in phases.values())


@pytest.mark.parametrize("timeout", [None, 5])
def test_error_says_if_the_cancel_failed(harness: Harness, timeout: float | None) -> None:
    def leave(job: Prediction) -> None:
        if timeout is None:
            raise LookupError
        harness.clock.time += 60

    harness.server.respond_with(json_response(prediction("starting"), 201), json_response({}, 500))
    with pytest.raises((LookupError, WaitTimeoutError)) as caught:
        harness.call(harness.client.run("acme/hello", on_created=leave, timeout=timeout))
    said = " ".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert f"its cancel failed, so it may still be running: client.wait('{ID}') resumes the wait" in said
    assert "being canceled" not in said


def test_stream_that_is_not_iterated_creates_nothing(harness: Harness) -> None:
    harness.client.stream("acme/poet", {"prompt": "x"})
    close(harness)
    assert harness.server.requests == []


def test_max_retries_of_zero_leaves_reconnects_and_resumed_downloads(make_harness: Any) -> None:
    harness = make_harness(max_retries=0)
    job = prediction("processing") | {"urls": {"stream": "https://stream.replicate.com/v1/streams/abc"}}
    event = b"event: output\nid: 1:%d\ndata: %s\n\n"
    harness.server.respond_with(
        httpx.ReadError("reset"),
        json_response(job | {"output": ["a"]}),
        httpx.Response(200, content=event % (0, b"a") + b"event: done\nid: 1:1\ndata: {}\n\n"),
        json_response(prediction(output=["a"])),
    )
    assert "".join(map(str, harness.collect(harness.client.stream(Prediction.from_dict(job))))) == "a"
    harness.server.responses = [serve_ranges(b"x" * 100, [10], etag='"a"')]
    assert harness.call(harness.wrap("https://replicate.delivery/out.png").read()) == b"x" * 100


def test_second_ctrl_c_interrupts_the_cancel_and_names_the_prediction(server: ScriptedServer, clock: FakeClock) -> None:
    harness = Harness(server, clock, is_async=False)

    def leave(job: Prediction) -> None:
        raise LookupError

    server.respond_with(json_response(prediction("starting"), 201), KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt) as caught:
        harness.client.run("acme/hello", on_created=leave)
    assert len(server.cancels) == 1
    assert ID in caught.value.__notes__[0]
