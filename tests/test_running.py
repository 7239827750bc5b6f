"""`run` and `wait`: promises 2, 3 and 6, on both clients."""

import asyncio
import json
import math
import threading
from datetime import UTC, datetime

import httpx
import pytest

from conftest import TOKEN, Clock, Harness, Server, prediction, replied
from replicate_ext import (
    APIStatusError,
    AsyncReplicate,
    ConnectionFailed,
    FileOutput,
    InvalidRequest,
    ModelError,
    NotFound,
    Prediction,
    PredictionAborted,
    PredictionCanceled,
    ServerError,
    Training,
    WaitTimeout,
)
from replicate_ext._predictions.lifecycle import poll_interval

VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"


def after(clock: Clock, seconds: float, answer: httpx.Response):
    """Let the server take its time."""

    def respond(request: httpx.Request) -> httpx.Response:
        clock.time += seconds
        return answer

    return respond


def test_one_request_is_enough_when_the_server_holds_until_the_output_is_there(both: Harness) -> None:
    both.server.will(replied(prediction("processing", output="Hello"), 201))
    assert both.do(both.client.run("acme/hello", {"text": "hi"})) == "Hello"
    assert both.server.asked == ["POST /models/acme/hello/predictions"]
    assert both.server.requests[0].headers["Prefer"] == "wait"
    assert both.server.body() == {"input": {"text": "hi"}}


def test_a_processing_reply_after_the_hold_ran_out_is_not_the_end(both: Harness) -> None:
    unfinished = replied(prediction("processing", output=["Hel"]), 201)
    both.server.will(after(both.clock, 60.1, unfinished), replied(prediction(output=["Hel", "lo"])))
    assert both.do(both.client.run("acme/hello", {"text": "hi"})) == ["Hel", "lo"]


def test_a_processing_reply_with_status_202_is_not_the_end(both: Harness) -> None:
    both.server.will(replied(prediction("processing", output=["Hel"]), 202), replied(prediction(output=["Hello"])))
    assert both.do(both.client.run("acme/hello", {"text": "hi"})) == ["Hello"]


@pytest.mark.parametrize("status", ["starting", "processing"])
def test_an_unfinished_reply_without_output_is_polled(both: Harness, status: str) -> None:
    both.server.will(
        replied(prediction(status), 201), replied(prediction("processing")), replied(prediction(output=42))
    )
    assert both.do(both.client.run(64 * "a", {"text": "hi"})) == 42
    assert both.server.asked[1:] == ["GET /predictions/x0fmfzfcf5rma0cq65c825tcbm"] * 2


def test_a_model_that_returns_nothing_ends_with_none(both: Harness) -> None:
    both.server.will(replied(prediction("processing"), 201), replied(prediction("succeeded")))
    assert both.do(both.client.run("acme/hello")) is None


@pytest.mark.parametrize(
    ("status", "error"),
    [("failed", ModelError), ("canceled", PredictionCanceled), ("aborted", PredictionAborted)],
)
@pytest.mark.parametrize("polled", [False, True])
def test_a_bad_end_raises_its_own_error_that_explains(both: Harness, status: str, error: type, polled: bool) -> None:
    logs = "\n".join(f"line {i}" for i in range(20))
    end = replied(prediction(status, error="CUDA out of memory", logs=logs), 201)
    both.server.will(*([replied(prediction("starting"), 201)] if polled else []), end)
    with pytest.raises(error) as caught:
        both.do(both.client.run("acme/hello", {"text": "hi"}))
    assert type(caught.value) is error
    text = str(caught.value)
    assert all(part in text for part in ("x0fmfzfcf5rma0cq65c825tcbm", status, "CUDA out of memory", "line 19"))
    assert "https://replicate.com/p/x0fmfzfcf5rma0cq65c825tcbm" in text
    assert "line 3" not in text
    assert caught.value.prediction.status == status


def test_an_unknown_status_with_an_end_time_is_an_end(both: Harness) -> None:
    both.server.will(replied(prediction("perfected", output="x", completed_at="2025-06-02T15:53:25Z"), 201))
    assert both.do(both.client.run("acme/hello")) == "x"
    both.server.answers = [replied(prediction("evicted", completed_at="2025-06-02T15:53:25Z"), 201)]
    with pytest.raises(ModelError, match="evicted"):
        both.do(both.client.run("acme/hello"))


def test_an_unknown_status_that_stands_still_does_not_spin_for_ever(both: Harness) -> None:
    both.server.will(replied(prediction("paused"), 201))
    both.server.will(replied(prediction("paused")))
    with pytest.raises(WaitTimeout, match="paused"):
        both.do(both.client.run("acme/hello", cancel_on_exit=False))
    assert 60 < both.clock.time - 1000 < 120


def test_an_unknown_status_that_moves_on_is_waited_for(both: Harness) -> None:
    both.server.will(*[replied(prediction(status), 201) for status in ("queued", "warming", "processing")])
    both.server.will(replied(prediction(output="x")))
    assert both.do(both.client.run("acme/hello", wait=False)) == "x"


@pytest.mark.parametrize("odd", [{"status": None}, {"status": 5}, {"urls": "x"}, {"logs": 7, "metrics": []}])
def test_odd_values_while_waiting_do_not_break_it(both: Harness, odd: dict) -> None:
    both.server.will(replied(prediction("starting") | odd, 201), replied(prediction(output="x") | {"logs": None}))
    assert both.do(both.client.run("acme/hello")) == "x"


def test_without_wait_no_hold_is_asked_for(both: Harness) -> None:
    both.server.will(replied(prediction("starting"), 201), replied(prediction(output="x")))
    both.do(both.client.run("acme/hello", wait=False))
    assert "Prefer" not in both.server.requests[0].headers


@pytest.mark.parametrize(
    ("wait", "timeout", "prefer"),
    [(True, None, "wait"), (5, None, "wait=5"), (1.2, None, "wait=2"), (60, None, "wait"), (True, 9.7, "wait=9")],
)
def test_the_hold_is_what_was_asked_for_within_the_timeout(both: Harness, wait, timeout, prefer: str) -> None:
    both.server.will(replied(prediction(output="x"), 201))
    both.do(both.client.run("acme/hello", wait=wait, timeout=timeout))
    assert both.server.requests[0].headers["Prefer"] == prefer


def test_a_held_create_may_be_read_for_well_over_the_hold(make) -> None:
    both = make(timeout=5)
    both.server.will(replied(prediction(output="x"), 201))
    both.do(both.client.run("acme/hello"))
    assert both.server.requests[0].extensions["timeout"]["read"] >= 70
    both.do(both.client.run("acme/hello", wait=False))
    assert both.server.requests[1].extensions["timeout"]["read"] == 5


@pytest.mark.parametrize(
    ("ref", "path", "version"),
    [
        ("acme/hello", "/models/acme/hello/predictions", None),
        (f"acme/hello:{VERSION}", "/predictions", VERSION),
        (VERSION, "/predictions", VERSION),
        ("deployments/acme/app", "/deployments/acme/app/predictions", None),
        ("https://replicate.com/acme/hello", "/models/acme/hello/predictions", None),
    ],
)
def test_every_kind_of_reference_goes_its_own_way(both: Harness, ref: str, path: str, version: str | None) -> None:
    both.server.will(replied(prediction(output="x"), 201))
    assert both.do(both.client.run(ref, {"a": 1})) == "x"
    assert both.server.asked == [f"POST {path}"]
    assert both.server.body().get("version") == version


def test_a_community_model_without_version_runs_in_its_latest_one(both: Harness) -> None:
    missing = replied({"detail": "The requested resource could not be found.", "status": 404}, 404)
    model = replied({"owner": "acme", "name": "poet", "latest_version": {"id": VERSION}})
    both.server.will(missing, model, replied(prediction(output="x"), 201))
    assert both.do(both.client.run("acme/poet")) == "x"
    assert both.server.asked == ["POST /models/acme/poet/predictions", "GET /models/acme/poet", "POST /predictions"]
    assert both.server.body()["version"] == VERSION
    both.do(both.client.run("acme/poet"))
    assert both.server.asked[3:] == ["POST /predictions"]


def test_a_model_without_any_version_is_told_apart(both: Harness) -> None:
    both.server.will(replied({"status": 404}, 404), replied({"owner": "acme", "name": "new", "latest_version": None}))
    with pytest.raises(NotFound, match="acme/new has no version"):
        both.do(both.client.run("acme/new"))


@pytest.mark.parametrize(
    ("ref", "answers", "words"),
    [
        ("acme/nothing", [404, 404], "there is no model acme/nothing .* write 'deployments/acme/nothing'"),
        ("deployments/acme/app", [404], "there is no deployment acme/app .* write 'acme/app'"),
        (f"acme/hello:{VERSION}", [422], f"there is no version {VERSION} .* write 'acme/hello' for"),
        (VERSION, [422], f"there is no version {VERSION} that this token can use$"),
    ],
)
def test_an_error_says_what_is_not_there_and_what_to_write_instead(both: Harness, ref, answers, words) -> None:
    both.server.will(*[replied({"detail": "no", "status": status}, status) for status in answers])
    with pytest.raises(APIStatusError, match=words):
        both.do(both.client.run(ref, {"text": "hi"}))
    assert len(both.server.requests) == len(answers)


def test_an_input_that_does_not_fit_is_not_blamed_on_the_version(both: Harness) -> None:
    problem = {"detail": "- input: text is required", "invalid_fields": [{"field": "input"}], "status": 422}
    both.server.will(replied(problem, 422))
    with pytest.raises(APIStatusError, match=r"text is required$"):
        both.do(both.client.run(f"acme/hello:{VERSION}"))


def test_a_timeout_is_told_to_the_server_too_a_little_later(both: Harness) -> None:
    both.server.will(replied(prediction(output="x"), 201))
    both.do(both.client.run("acme/hello", timeout=12.5))
    assert both.server.requests[0].headers["Cancel-After"] == "18s"
    both.do(both.client.run("acme/hello", timeout=0.5))
    assert both.server.requests[1].headers["Cancel-After"] == "6s"
    both.do(both.client.run("acme/hello", timeout=12.5, cancel_on_exit=False))
    both.do(both.client.run("acme/hello"))
    assert not any("Cancel-After" in request.headers for request in both.server.requests[2:])


def test_on_created_has_the_id_before_anything_is_waited_for(both: Harness) -> None:
    both.server.will(replied(prediction("starting"), 201), replied(prediction(output="x")))
    created: list[tuple[str, int]] = []
    note = lambda job: created.append((job.id, len(both.server.requests)))  # noqa: E731
    assert both.do(both.client.run("acme/hello", on_created=note)) == "x"
    assert created == [("x0fmfzfcf5rma0cq65c825tcbm", 1)]
    assert "Prefer" not in both.server.requests[0].headers
    both.do(both.client.run("acme/hello", on_created=note, wait=10))
    assert both.server.requests[2].headers["Prefer"] == "wait=10"


def test_what_on_created_raises_leaves_the_prediction_alone_and_is_seen(both: Harness) -> None:
    both.server.will(replied(prediction("starting"), 201))

    def fail(job: Prediction) -> None:
        raise LookupError("the disk is full")

    with pytest.raises(LookupError):
        both.do(both.client.run("acme/hello", on_created=fail))
    assert len(both.server.requests) == 1


def test_a_poll_interval_is_kept(both: Harness) -> None:
    both.server.will(*[replied(prediction("starting"), 201)] * 3, replied(prediction(output="x")))
    both.do(both.client.run("acme/hello", wait=False, poll_interval=7))
    assert both.clock.sleeps == [7, 7, 7]
    both.server.will(replied(prediction("starting")), replied(prediction(output="x")))
    both.server.answers = both.server.answers[-2:]
    both.do(both.client.wait("x0fmfzfcf5rma0cq65c825tcbm", poll_interval=3))
    assert both.clock.sleeps[3:] == [3]


# The end of a job that streams is heard, not looked for


def streaming(status: str = "starting", **fields):
    job = prediction(status, **fields)
    return job | {"urls": job["urls"] | {"stream": "https://stream.replicate.com/v1/streams/abc"}}


DONE = b"event: output\nid: 1:0\ndata: x\n\nevent: done\nid: 1:1\ndata: {}\n\n"


def test_the_end_of_a_job_with_a_stream_is_heard_there(both: Harness) -> None:
    both.server.will(
        replied(streaming(), 201),
        httpx.Response(200, content=DONE),
        replied(streaming(output=["x"], status="succeeded")),
    )
    assert both.do(both.client.run("acme/poet", wait=False)) == ["x"]
    assert both.server.asked[1:] == ["GET /streams/abc", "GET /predictions/x0fmfzfcf5rma0cq65c825tcbm"]
    assert both.clock.sleeps == []
    assert "authorization" not in both.server.requests[1].headers


def test_a_prediction_that_is_not_ready_when_its_stream_is_done_is_polled(both: Harness) -> None:
    both.server.will(replied(streaming(), 201), httpx.Response(200, content=DONE), replied(streaming("processing")))
    both.server.will(replied(streaming("succeeded", output=["x"])))
    assert both.do(both.client.run("acme/poet", wait=False)) == ["x"]
    assert both.clock.sleeps == [0.1]


@pytest.mark.parametrize(
    "answer", [httpx.Response(404), httpx.ConnectError("no"), httpx.Response(200, content=b": hi\n\n")]
)
def test_a_stream_that_tells_no_end_is_not_asked_again(both: Harness, answer) -> None:
    both.server.will(replied(streaming(), 201), answer, replied(streaming("processing")))
    both.server.will(replied(streaming("succeeded", output=["x"])))
    assert both.do(both.client.run("acme/poet", wait=False)) == ["x"]
    assert both.server.asked.count("GET /streams/abc") == 1


def test_a_stream_that_was_cut_after_a_silence_is_listened_to_again(both: Harness) -> None:
    silent = after(both.clock, 30, httpx.Response(200, content=b": hi\n\n:408: 408 Request Timeout\n\n"))
    both.server.will(replied(streaming(), 201), silent, replied(streaming("starting")), silent)
    both.server.will(replied(streaming("starting")), httpx.Response(200, content=DONE))
    both.server.will(replied(streaming("succeeded", output=["x"])))
    assert both.do(both.client.run("acme/poet", wait=False)) == ["x"]
    assert both.server.asked.count("GET /streams/abc") == 3
    assert both.clock.sleeps == []


def test_a_timeout_ends_the_listening(both: Harness) -> None:
    silent = after(both.clock, 10, httpx.Response(200, content=b": hi\n\n"))
    both.server.will(replied(streaming(), 201), *[silent, replied(streaming("processing"))] * 3)
    with pytest.raises(WaitTimeout):
        both.do(both.client.run("acme/poet", wait=False, timeout=25))
    assert both.clock.time - 1000 == 30
    patience = [
        request.extensions["timeout"]["read"] for request in both.server.requests if "streams" in str(request.url)
    ]
    assert patience == [10, 7.5, 2.5]


def test_who_follows_the_progress_is_told_more_than_the_end(both: Harness) -> None:
    both.server.will(replied(streaming(), 201), replied(streaming("processing")), replied(streaming("succeeded")))
    seen: list[str] = []
    both.do(both.client.run("acme/poet", wait=False, progress=lambda job: seen.append(job.status)))
    assert seen == ["starting", "processing", "succeeded"]


def test_never_is_more_than_one_request_open_for_a_prediction(both: Harness) -> None:
    open_: list[str] = []
    most = []

    class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __init__(self, content: bytes) -> None:
            self.content = content
            open_.append("one")
            most.append(len(open_))

        def __iter__(self):
            yield self.content

        async def __aiter__(self):
            yield self.content

        def close(self) -> None:
            open_.pop()

        async def aclose(self) -> None:
            self.close()

    answers = [replied(streaming(), 201).content, DONE + b"event: more", replied(streaming("succeeded")).content]
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Body(answers.pop(0))))
    harness = Harness(both.kind, both.server, both.clock, transport=transport)
    harness.do(harness.client.run("acme/poet", wait=False))
    assert most == [1, 1, 1]
    assert open_ == []


def test_timeout_cancels_the_prediction_and_raises_with_it(both: Harness) -> None:
    both.server.will(replied(prediction("starting"), 201), *[replied(prediction("processing"))] * 40)

    def cancel(request: httpx.Request) -> httpx.Response:
        return replied(prediction("canceled" if request.method == "POST" else "processing"))

    both.server.answers = [replied(prediction("starting"), 201), cancel]
    with pytest.raises(WaitTimeout, match="after 7 seconds") as caught:
        both.do(both.client.run("acme/hello", timeout=7, wait=False))
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.prediction.id == "x0fmfzfcf5rma0cq65c825tcbm"
    assert both.server.asked[-1] == "POST /predictions/x0fmfzfcf5rma0cq65c825tcbm/cancel"
    assert both.clock.time == pytest.approx(1007)


def test_cancel_on_exit_can_be_turned_off(both: Harness) -> None:
    both.server.will(replied(prediction("starting"), 201), replied(prediction("processing")))
    with pytest.raises(WaitTimeout):
        both.do(both.client.run("acme/hello", timeout=7, wait=False, cancel_on_exit=False))
    assert not any("cancel" in asked for asked in both.server.asked)


def test_a_cancel_that_fails_does_not_hide_why_we_left(both: Harness) -> None:
    both.server.will(
        replied(prediction("starting"), 201),
        *[replied(prediction("processing"))] * 9,
        lambda request: replied({}, 500) if request.method == "POST" else replied(prediction("processing")),
    )
    with pytest.raises(WaitTimeout):
        both.do(both.client.run("acme/hello", timeout=30, wait=False))


def test_ctrl_c_cancels_the_prediction(server: Server, clock: Clock) -> None:
    harness = Harness("sync", server, clock)

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    harness.client._wire._sleep = interrupt
    server.will(replied(prediction("starting"), 201), replied(prediction("canceled")))
    with pytest.raises(KeyboardInterrupt):
        harness.client.run("acme/hello", wait=False)
    assert server.asked[-1] == "POST /predictions/x0fmfzfcf5rma0cq65c825tcbm/cancel"


@pytest.mark.parametrize("matches", [0, 1, 2])
def test_ctrl_c_while_the_create_is_held_finds_the_prediction_by_its_input(
    server: Server, clock: Clock, matches: int
) -> None:
    harness = Harness("sync", server, clock)
    mine = prediction("processing", id="mine", input={"text": "unmistakable"})
    others = [prediction("processing", id="other"), prediction(id="old", input={"text": "unmistakable"})]
    page = {"next": None, "previous": None, "results": [*others, *[mine] * matches]}

    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            assert request.url.params["created_after"]
            return replied(page)
        if request.url.path.endswith("/cancel"):
            return replied(prediction("canceled"))
        raise KeyboardInterrupt

    server.will(respond)
    with pytest.raises(KeyboardInterrupt):
        harness.client.run("acme/hello", {"text": "unmistakable"})
    cancels = [asked for asked in server.asked if asked.endswith("/cancel")]
    assert cancels == (["POST /predictions/mine/cancel"] if matches == 1 else [])


def test_canceling_the_task_cancels_the_prediction_even_when_it_is_canceled_twice(server: Server, clock: Clock) -> None:
    canceled = threading.Event()

    async def respond(request: httpx.Request) -> httpx.Response:
        server.requests.append(request)
        if request.url.path.endswith("/cancel"):
            await asyncio.sleep(0.01)
            canceled.set()
            return replied(prediction("canceled"))
        return replied(prediction("starting"), 201)

    async def main() -> None:
        harness = Harness("async", server, clock, transport=httpx.MockTransport(respond))
        harness.client._wire._sleep = asyncio.sleep
        task = asyncio.ensure_future(harness.client.run("acme/hello", wait=False))
        while not server.requests:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not canceled.is_set():
            await asyncio.sleep(0.005)

    asyncio.run(asyncio.wait_for(main(), 5))
    assert server.asked[-1].endswith("/cancel")


def test_a_network_failure_while_polling_is_survived(both: Harness) -> None:
    both.server.will(
        replied(prediction("starting"), 201),
        httpx.ReadError("reset"),
        replied({}, 520),
        httpx.Response(502, text="<html><title>Bad gateway</title></html>"),
        httpx.Response(200, text="<html>"),
        replied(prediction(output="x")),
    )
    assert both.do(both.client.run("acme/hello")) == "x"


def test_a_lasting_failure_while_polling_keeps_the_prediction_and_lets_it_run(both: Harness) -> None:
    both.server.will(replied(prediction("starting"), 201), replied({}, 500))
    with pytest.raises(ServerError) as caught:
        both.do(both.client.run("acme/hello"))
    assert caught.value.prediction.id == "x0fmfzfcf5rma0cq65c825tcbm"
    assert not any("cancel" in asked for asked in both.server.asked)
    both.server.answers = [replied(prediction(output="x"))]
    assert both.do(both.client.wait(caught.value.prediction)).output == "x"


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut"), replied({}, 500)])
def test_an_ambiguous_create_is_sent_once_and_says_where_to_look(both: Harness, failure) -> None:
    both.server.will(failure)
    with pytest.raises((ConnectionFailed, APIStatusError)) as caught:
        both.do(both.client.run("acme/hello", {"text": "hi"}))
    assert len(both.server.requests) == 1
    assert caught.value.maybe_created_after is not None
    assert caught.value.maybe_created_after.tzinfo is not None


def test_a_version_that_is_gone_is_looked_up_again_once(both: Harness) -> None:
    def model(letter: str) -> httpx.Response:
        return replied({"owner": "acme", "name": "poet", "latest_version": {"id": letter * 64}})

    gone = replied({"title": "Invalid version or not permitted", "detail": "no", "status": 422}, 422)
    both.server.will(replied({}, 404), model("a"), replied(prediction(output=1), 201))
    assert both.do(both.client.run("acme/poet")) == 1
    both.server.answers = [gone, replied({}, 404), model("b"), replied(prediction(output=2), 201)]
    assert both.do(both.client.run("acme/poet")) == 2
    assert both.server.body()["version"] == "b" * 64
    both.server.answers = [gone, replied({}, 404), model("b"), gone]
    with pytest.raises(InvalidRequest):
        both.do(both.client.run("acme/poet"))


def poet(**schema) -> httpx.Response:
    version = {"id": "v" * 64, "openapi_schema": {"components": {"schemas": {"Input": schema}}}}
    return replied({"owner": "acme", "name": "poet", "latest_version": version})


@pytest.mark.parametrize(
    ("input", "words"),
    [
        ({"promt": "x"}, r"input\.promt: acme/poet has no such input; did you mean 'prompt'\?"),
        ({"prompt": "x", "zzz": 1}, r"input\.zzz: .* it takes prompt, lines"),
    ],
)
def test_a_name_that_the_model_does_not_know_is_told_before_it_is_paid_for(both: Harness, input, words) -> None:
    both.server.will(replied({}, 404), poet(properties={"prompt": {}, "lines": {}}))
    for _ in range(2):  # the second time the schema is known already
        with pytest.raises(ValueError, match=words):
            both.do(both.client.run("acme/poet", input))
    assert len(both.server.requests) == 2


@pytest.mark.parametrize("schema", [{}, {"properties": None}, {"properties": {"prompt": {}}}])
def test_what_fits_or_cannot_be_known_passes(both: Harness, schema) -> None:
    both.server.will(replied({}, 404), poet(**schema), replied(prediction(output="x"), 201))
    assert both.do(both.client.run("acme/poet", {"prompt": "x"})) == "x"


@pytest.mark.parametrize(
    ("error", "is_transient"),
    [
        ("Prediction interrupted; please retry (code: PA)", True),
        ("Director: unexpected error handling prediction (E9828)", True),
        ("CUDA out of memory", False),
        (None, False),
    ],
)
def test_a_failure_says_whether_it_may_pass(both: Harness, error, is_transient: bool) -> None:
    both.server.will(replied(prediction("failed", error=error), 201))
    with pytest.raises(ModelError) as caught:
        both.do(both.client.run("acme/hello"))
    assert caught.value.is_transient is is_transient


@pytest.mark.parametrize(
    "odd",
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
def test_odd_looks_are_no_ends(both: Harness, odd: dict) -> None:
    both.server.will(replied(prediction("starting"), 201), replied(prediction("processing") | odd))
    both.server.will(replied(prediction(output="x")))
    assert both.do(both.client.run("acme/hello")) == "x"


def test_an_output_that_is_not_there_is_none(both: Harness) -> None:
    job = prediction("succeeded")
    del job["output"]
    both.server.will(replied(job, 201))
    assert both.do(both.client.run("acme/hello")) is None


# Leaving while nobody knows the id yet


class Platform:
    """A little Replicate with jobs that never end, for those who leave."""

    def __init__(self, *there: dict) -> None:
        self.jobs = {job["id"]: job for job in there}
        self.holding = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1")
        if path.endswith("/cancel"):
            job = self.jobs[path.split("/")[2]]
            job["status"] = "canceled"
            return replied(job)
        if request.method == "GET":
            return replied({"next": None, "results": list(self.jobs.values())})
        raise AssertionError(path)

    async def hold(self, request: httpx.Request) -> httpx.Response:
        """Create, and never answer."""
        if request.method == "POST" and not request.url.path.endswith("/cancel"):
            id = f"job{len(self.jobs)}"
            body = json.loads(request.content)
            self.jobs[id] = prediction(
                "processing", id=id, input=body["input"], model="acme/" + request.url.path.split("/")[4]
            )
            self.holding += 1
            await asyncio.Event().wait()
        return self(request)

    @property
    def statuses(self) -> dict[str, str]:
        return {id: job["status"] for id, job in self.jobs.items()}


def leave(platform: Platform, calls: list[tuple[str, dict]], canceled: list[int], streaming: bool = False) -> None:
    """Run some calls at once, and cancel some of them once the platform has all of them."""

    async def follow(client: AsyncReplicate, ref: str, input: dict) -> None:
        async for _ in client.stream(ref, input):
            pass

    async def main() -> None:
        client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(platform.hold))
        start = (lambda ref, input: follow(client, ref, input)) if streaming else client.run
        tasks = [asyncio.ensure_future(start(ref, input)) for ref, input in calls]
        while platform.holding < len(calls):
            await asyncio.sleep(0)
        for index in canceled:
            tasks[index].cancel()
        await asyncio.gather(*[tasks[index] for index in canceled], return_exceptions=True)
        assert all(tasks[index].cancelled() for index in canceled)
        for task in tasks:
            task.cancel()

    asyncio.run(main())


@pytest.mark.parametrize("streaming", [False, True])
def test_who_leaves_a_create_cancels_it_and_nothing_else(streaming: bool) -> None:
    others = [
        prediction("processing", id="another-model", input={"n": 1}, model="acme/other"),
        prediction("processing", id="another-input", input={"n": 2}),
        prediction("succeeded", id="over", input={"n": 1}),
    ]
    platform = Platform(*others)
    leave(platform, [("acme/hello", {"n": 1})], [0], streaming)
    assert platform.statuses == {
        "another-model": "processing",
        "another-input": "processing",
        "over": "succeeded",
        "job3": "canceled",
    }


def test_who_leaves_several_alike_cancels_all_of_them() -> None:
    platform = Platform()
    leave(platform, [("acme/hello", {"n": 1})] * 3, [0, 1, 2])
    assert set(platform.statuses.values()) == {"canceled"}


def test_where_it_cannot_be_known_which_one_is_left_none_is_touched() -> None:
    platform = Platform()
    checked = []

    async def main() -> None:
        client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(platform.hold))
        tasks = [asyncio.ensure_future(client.run("acme/hello", {"n": 1})) for _ in range(2)]
        while platform.holding < 2:
            await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        checked.append(dict(platform.statuses))
        tasks[1].cancel()
        await asyncio.gather(tasks[1], return_exceptions=True)

    asyncio.run(main())
    assert checked == [{"job0": "processing", "job1": "processing"}]


def test_a_job_that_this_client_knows_is_not_taken_for_the_lost_one() -> None:
    platform = Platform()

    async def main() -> None:
        async def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "POST" and not platform.jobs:
                platform.jobs["mine"] = prediction("processing", id="mine", input={"n": 1})
                return replied(platform.jobs["mine"], 201)
            if request.url.path.endswith("/mine"):
                await asyncio.Event().wait()
            return await platform.hold(request)

        client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(answer))
        waiting = asyncio.ensure_future(client.run("acme/hello", {"n": 1}, wait=False, cancel_on_exit=False))
        while "mine" not in client._creates.known:
            await asyncio.sleep(0)
        lost = asyncio.ensure_future(client.run("acme/hello", {"n": 1}))
        while not platform.holding:
            await asyncio.sleep(0)
        lost.cancel()
        await asyncio.gather(lost, return_exceptions=True)
        assert platform.statuses == {"mine": "processing", "job1": "canceled"}
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(main())


def test_a_timeout_during_the_create_is_a_timeout_and_cancels_too(both: Harness) -> None:
    job = prediction("processing", input={"text": "hi"})

    def late(request: httpx.Request) -> httpx.Response:
        both.clock.time += 3
        raise httpx.ReadTimeout("late")

    both.server.will(late, replied({"next": None, "results": [job]}), replied(prediction("canceled")))
    with pytest.raises(WaitTimeout, match="no answer to the create") as caught:
        both.do(both.client.run("acme/hello", {"text": "hi"}, timeout=2))
    assert caught.value.maybe_created_after is not None
    assert both.server.asked[1:] == ["GET /predictions", f"POST /predictions/{job['id']}/cancel"]
    assert both.server.requests[0].extensions["timeout"]["read"] == 3
    both.server.answers = [late]
    with pytest.raises(WaitTimeout):
        both.do(both.client.run("acme/hello", {"text": "hi"}, timeout=2, cancel_on_exit=False))
    assert len(both.server.requests) == 4


def test_wait_by_id_keeps_its_timeout_from_the_first_look_on(both: Harness) -> None:
    def slow(request: httpx.Request) -> httpx.Response:
        both.clock.time += 5
        return replied({}, 500)

    both.server.will(slow, replied(prediction("canceled")))
    with pytest.raises(WaitTimeout, match="could not be looked at within 1 seconds"):
        both.do(both.client.wait("abc", timeout=1))
    assert both.server.asked == ["GET /predictions/abc", "POST /predictions/abc/cancel"]


def test_ctrl_c_in_the_first_look_cancels_by_the_id(server: Server, clock: Clock) -> None:
    harness = Harness("sync", server, clock)
    server.will(KeyboardInterrupt(), replied(prediction("canceled")))  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        harness.client.wait("abc")
    assert server.asked == ["GET /predictions/abc", "POST /predictions/abc/cancel"]


def test_the_last_words_do_not_wait_for_the_rate_limit(server: Server, clock: Clock) -> None:
    harness = Harness("sync", server, clock)

    def interrupted(seconds: float) -> None:
        if seconds > 10:
            raise KeyboardInterrupt

    harness.client._wire._sleep = interrupted
    server.will(replied(prediction("starting"), 201), replied({}, 429, **{"retry-after": "30"}))
    server.will(replied(prediction("canceled")))
    with pytest.raises(KeyboardInterrupt):
        harness.client.run("acme/hello", wait=False)
    assert server.asked[-1].endswith("/cancel")


def test_progress_sees_every_look(both: Harness) -> None:
    both.server.will(
        replied(prediction("starting"), 201), replied(prediction("processing")), replied(prediction(output="x"))
    )
    seen: list[str] = []
    both.do(both.client.run("acme/hello", progress=lambda job: seen.append(str(job.status))))
    assert seen == ["starting", "processing", "succeeded"]


def test_polling_intervals_grow_and_are_capped() -> None:
    intervals = [poll_interval(elapsed) for elapsed in (0, 0.5, 2, 10, 40, 100, 3600)]
    assert intervals == [0.1, 0.1, 0.2, 1.0, 4.0, 5.0, 5.0]


class Model:
    """A model that takes some time, on the clock of the test, and has neither hold nor stream."""

    def __init__(self, both: Harness, lasts: float) -> None:
        self.both, self.lasts, self.began = both, lasts, 0.0
        self.page = replied({"owner": "acme", "name": "hello", "default_example": None})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        now = self.both.clock.time
        if request.url.path.endswith("/models/acme/hello"):
            if isinstance(self.page, Exception):
                raise self.page
            return self.page
        if request.method == "POST":
            self.began = now
        if now - self.began < self.lasts:
            return replied(prediction("processing", created_at=stamp(self.began)))
        end = stamp(self.began + self.lasts)
        return replied(prediction(output="x", created_at=stamp(self.began), completed_at=end))

    def run(self, **arguments: object) -> tuple[int, float]:
        """Return how many requests a run took, and how long it took beyond the model's own time."""
        before, began = len(self.both.server.requests), self.both.clock.time
        self.both.do(self.both.client.run("acme/hello", wait=False, **arguments))
        return len(self.both.server.requests) - before, self.both.clock.time - began - self.lasts

    def alone(self) -> int:
        """Return how many requests a run would take about whose model nothing is known."""
        elapsed, requests = 0.0, 1
        while elapsed < self.lasts:
            elapsed, requests = elapsed + poll_interval(elapsed), requests + 1
        return requests


def stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


@pytest.mark.parametrize("lasts", [0.05, 0.7, 3.0, 12.0])
def test_who_ran_a_model_before_looks_when_it_should_be_done(both: Harness, lasts: float) -> None:
    model = Model(both, lasts)
    both.server.will(model)
    model.run()
    requests, late = model.run()
    assert requests == 2 + sum(
        second < lasts for second in (0.75, 1.5, 2.25, 3.375, 5.06, 7.6, 11.4)
    )  # it may end early
    assert late <= 0.06
    model.lasts = 1.2 * lasts
    _, late = model.run()
    assert late <= max(0.06, 0.1 * model.lasts)
    model.lasts = lasts / 2
    _, late = model.run()
    assert late <= max(0.75, model.lasts / 2)
    _, late = model.run()
    assert late <= 0.06
    model.lasts = 100 * lasts
    assert model.run()[0] < 20 + Model(both, 100 * lasts).alone()  # a wrong guess costs a few requests
    model.lasts = lasts / 2
    assert model.run(progress=lambda job: None)[0] >= min(3, 10 * model.lasts)  # who watches sees more


@pytest.mark.parametrize("lasts", [0.05, 0.7, 3.0, 12.0])
def test_the_first_run_of_a_model_looks_when_its_example_was_done(both: Harness, lasts: float) -> None:
    model = Model(both, lasts)
    model.page = replied({"default_example": prediction(metrics={"predict_time": lasts})})
    both.server.will(model)
    requests, late = model.run()
    assert requests <= 1 + math.ceil(2 * lasts) + (0.1 < lasts < 1)  # as many as a look each half second would be
    assert late <= 0.06
    assert both.server.asked.count("GET /models/acme/hello") == (lasts > 0.1)


@pytest.mark.parametrize(
    "page",
    [
        replied({}, 404),
        replied({}, 500),
        replied({}),
        replied({"default_example": None}),
        replied({"default_example": prediction(metrics={})}),
        replied({"default_example": prediction(metrics={"predict_time": "long"})}),
        httpx.ReadError("reset"),
        httpx.Response(200, text="<html>"),
    ],
)
def test_a_model_without_an_example_is_asked_about_once(both: Harness, page) -> None:
    model = Model(both, 3.0)
    model.page = page
    both.server.will(model)
    requests, late = model.run()
    assert requests == model.alone() + 1
    assert late <= 0.1 * model.lasts
    both.client._durations._of.clear()
    assert model.run()[0] == model.alone()


@pytest.mark.parametrize("late", [0.5, 30.0])
def test_a_model_whose_page_is_slow_does_not_cost_the_deadline(both: Harness, late: float) -> None:
    model = Model(both, 3600.0)

    def slow_page(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/models/acme/hello"):
            both.clock.time += min(late, request.extensions["timeout"]["read"])
            raise httpx.ReadTimeout("")
        return model(request)

    both.server.will(slow_page)
    with pytest.raises(WaitTimeout):
        both.do(both.client.run("acme/hello", wait=False, timeout=0.4))
    assert "POST /predictions/x0fmfzfcf5rma0cq65c825tcbm/cancel" in both.server.asked
    assert both.clock.time - 1000 <= 1.4


@pytest.mark.parametrize(
    ("arguments", "words"),
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
def test_a_wrong_argument_is_told_before_anything_is_sent(both: Harness, arguments: dict, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        both.do(both.client.run("acme/hello", **arguments))
    assert both.server.requests == []


def test_output_urls_become_files_wherever_they_are(both: Harness) -> None:
    output = {"images": ["https://replicate.delivery/a/out.png"], "text": "see https://x.example", "n": 3}
    both.server.will(replied(prediction(output=output), 201), httpx.Response(200, content=b"PNG"))
    made = both.do(both.client.run("acme/hello"))
    assert made == output
    assert type(made["text"]) is str
    [image] = made["images"]
    assert image.url == "https://replicate.delivery/a/out.png"
    assert isinstance(image, FileOutput) is (both.kind == "sync")
    assert both.do(image.read()) == b"PNG"


def test_wait_takes_an_id_a_prediction_or_a_training(both: Harness) -> None:
    both.server.will(replied(prediction("processing")), replied(prediction(output="x")))
    assert both.do(both.client.wait("x0fmfzfcf5rma0cq65c825tcbm")).output == "x"
    assert both.do(both.client.wait(Prediction.from_dict(prediction("starting")))).output == "x"
    both.server.answers = [replied(prediction("succeeded", output={"version": "acme/tuned:1", "weights": None}))]
    training = both.do(both.client.wait(Training.from_dict(prediction("starting"))))
    assert isinstance(training, Training)
    assert training.output.version == "acme/tuned:1"
    assert both.server.asked[-1] == "GET /trainings/x0fmfzfcf5rma0cq65c825tcbm"


def test_wait_raises_what_run_raises(both: Harness) -> None:
    both.server.will(replied(prediction("failed", error="no")))
    with pytest.raises(ModelError, match="failed: no"):
        both.do(both.client.wait("x0fmfzfcf5rma0cq65c825tcbm"))
    both.server.answers = [replied(prediction("processing"))]
    with pytest.raises(WaitTimeout):
        both.do(both.client.wait("x0fmfzfcf5rma0cq65c825tcbm", timeout=3))
    assert both.server.asked[-1].endswith("/cancel")


def test_a_create_reply_without_an_id_is_an_error_not_a_loop(both: Harness) -> None:
    both.server.will(replied({"status": "starting"}, 201))
    with pytest.raises(Exception, match="without an id"):
        both.do(both.client.run("acme/hello"))
