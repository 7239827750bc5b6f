"""Canceling a prediction that the caller stopped waiting for: timeout, Ctrl-C, task cancellation."""

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from conftest import TOKEN, FakeClock, Harness, ScriptedServer, json_response, prediction, replace_sleep
from replicate_ext import AsyncReplicate, WaitTimeoutError


def now() -> str:
    return datetime.now(UTC).isoformat()


def page(*jobs: dict) -> httpx.Response:
    """Return a page of a list, with the clock of the server."""
    date = format_datetime(datetime.now(UTC), usegmt=True)
    return json_response({"next": None, "previous": None, "results": list(jobs)}, date=date)


def test_timeout_cancels_the_prediction(harness: Harness) -> None:
    def poll_or_cancel(request: httpx.Request) -> httpx.Response:
        return json_response(prediction("canceled" if request.method == "POST" else "processing"))

    harness.server.respond_with(json_response(prediction("starting"), 201), poll_or_cancel)
    with pytest.raises(WaitTimeoutError, match="after 7 s") as caught:
        harness.call(harness.client.run("acme/hello", timeout=7, wait=False))
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.prediction.id == "x0fmfzfcf5rma0cq65c825tcbm"
    assert harness.server.requested[-1] == "POST /predictions/x0fmfzfcf5rma0cq65c825tcbm/cancel"
    assert harness.clock.time == pytest.approx(1007)


def test_timeout_does_not_cancel_with_cancel_on_exit_false(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("starting"), 201), json_response(prediction("processing")))
    with pytest.raises(WaitTimeoutError):
        harness.call(harness.client.run("acme/hello", timeout=7, wait=False, cancel_on_exit=False))
    assert not any("cancel" in request for request in harness.server.requested)


def test_failed_cancel_does_not_hide_the_timeout(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(prediction("starting"), 201),
        *[json_response(prediction("processing"))] * 9,
        lambda request: json_response({}, 500) if request.method == "POST" else json_response(prediction("processing")),
    )
    with pytest.raises(WaitTimeoutError):
        harness.call(harness.client.run("acme/hello", timeout=30, wait=False))


def test_timeout_during_the_create_cancels_the_prediction(harness: Harness) -> None:
    job = prediction("processing", input={"text": "hi"}, created_at=now())

    def time_out(request: httpx.Request) -> httpx.Response:
        harness.clock.time += 3
        raise httpx.ReadTimeout("late")

    harness.server.respond_with(time_out, page(job), json_response(prediction("canceled")))
    with pytest.raises(WaitTimeoutError, match="whether the prediction was created is unknown") as caught:
        harness.call(harness.client.run("acme/hello", {"text": "hi"}, timeout=2))
    assert caught.value.maybe_created_after is not None
    assert harness.server.requested[1:] == ["GET /predictions", f"POST /predictions/{job['id']}/cancel"]
    assert harness.server.requests[0].extensions["timeout"]["read"] == 3
    harness.server.responses = [time_out]
    with pytest.raises(WaitTimeoutError):
        harness.call(harness.client.run("acme/hello", {"text": "hi"}, timeout=2, cancel_on_exit=False))
    assert len(harness.server.requests) == 4


def test_keyboard_interrupt_cancels_the_prediction(server: ScriptedServer, clock: FakeClock) -> None:
    harness = Harness(server, clock, is_async=False)

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    replace_sleep(harness.client, interrupt)
    server.respond_with(json_response(prediction("starting"), 201), json_response(prediction("canceled")))
    with pytest.raises(KeyboardInterrupt):
        harness.client.run("acme/hello", wait=False)
    assert server.requested[-1] == "POST /predictions/x0fmfzfcf5rma0cq65c825tcbm/cancel"


def test_keyboard_interrupt_during_the_first_poll_cancels_by_id(server: ScriptedServer, clock: FakeClock) -> None:
    harness = Harness(server, clock, is_async=False)
    server.respond_with(KeyboardInterrupt(), json_response(prediction("canceled", id="abc")))
    with pytest.raises(KeyboardInterrupt):
        harness.client.wait("abc")
    assert server.requested == ["GET /predictions/abc", "POST /predictions/abc/cancel"]


@pytest.mark.parametrize("matches", [0, 1, 2])
def test_keyboard_interrupt_during_the_create_cancels_by_input(
    server: ScriptedServer, clock: FakeClock, matches: int
) -> None:
    harness = Harness(server, clock, is_async=False)
    mine = [
        prediction("processing", id=id, input={"text": "unique"}, created_at=now()) for id in ["mine", "twin"][:matches]
    ]
    others = [prediction("processing", id="other", created_at=now()), prediction(id="old", input={"text": "unique"})]
    jobs = [*mine, *mine[:1], *others]  # pages may overlap

    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return page(*jobs)
        if request.url.path.endswith("/cancel"):
            return json_response(prediction("canceled", id="mine"))
        raise KeyboardInterrupt

    server.respond_with(respond)
    with pytest.raises(KeyboardInterrupt):
        harness.client.run("acme/hello", {"text": "unique"})
    assert server.cancels == (["POST /predictions/mine/cancel"] if matches == 1 else [])


def test_twin_of_an_abandoned_create_that_has_finished_is_not_canceled(
    server: ScriptedServer, clock: FakeClock
) -> None:
    harness = Harness(server, clock, is_async=False)
    jobs = [
        prediction(status, id=id, input={"text": "same"}, created_at=now())
        for status, id in [("processing", "somebody-elses"), ("succeeded", "mine")]
    ]
    server.respond_with(KeyboardInterrupt(), page(*jobs))
    with pytest.raises(KeyboardInterrupt):
        harness.client.run("acme/hello", {"text": "same"})
    assert not server.cancels


def test_search_for_an_abandoned_create_survives_a_failed_list(server: ScriptedServer, clock: FakeClock) -> None:
    harness = Harness(server, clock, is_async=False)
    job = prediction("processing", input={"text": "hi"}, created_at=now())
    failure = json_response({}, 429, **{"retry-after": "60"})
    server.respond_with(KeyboardInterrupt(), failure, page(job), json_response(prediction("canceled")))
    with pytest.raises(KeyboardInterrupt):
        harness.client.run("acme/hello", {"text": "hi"})
    assert server.requested[1:] == ["GET /predictions"] * 2 + [f"POST /predictions/{job['id']}/cancel"]


def test_cancel_does_not_wait_for_the_rate_limit(server: ScriptedServer, clock: FakeClock) -> None:
    harness = Harness(server, clock, is_async=False)

    def interrupt_long_sleep(seconds: float) -> None:
        if seconds > 10:
            raise KeyboardInterrupt

    replace_sleep(harness.client, interrupt_long_sleep)
    server.respond_with(json_response(prediction("starting"), 201), json_response({}, 429, **{"retry-after": "30"}))
    server.respond_with(json_response(prediction("canceled")))
    with pytest.raises(KeyboardInterrupt):
        harness.client.run("acme/hello", wait=False)
    assert server.requested[-1].endswith("/cancel")


def test_task_cancellation_cancels_the_prediction_even_if_canceled_twice(
    server: ScriptedServer, clock: FakeClock
) -> None:
    canceled = threading.Event()

    async def respond(request: httpx.Request) -> httpx.Response:
        server.requests.append(request)
        if request.url.path.endswith("/cancel"):
            await asyncio.sleep(0.01)
            canceled.set()
            return json_response(prediction("canceled"))
        return json_response(prediction("starting"), 201)

    async def main() -> None:
        harness = Harness(server, clock, is_async=True, transport=httpx.MockTransport(respond))
        replace_sleep(harness.client, asyncio.sleep)
        task = asyncio.ensure_future(harness.client.run("acme/hello", wait=False))
        while not server.requests:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert caught.value.__notes__ == ["prediction x0fmfzfcf5rma0cq65c825tcbm: it is being canceled"]
        while not canceled.is_set():
            await asyncio.sleep(0.005)

    asyncio.run(asyncio.wait_for(main(), 5))
    assert server.requested[-1].endswith("/cancel")


class EndlessServer:
    """A small Replicate whose predictions never finish unless they are canceled."""

    def __init__(self, *jobs: dict) -> None:
        self.jobs = {job["id"]: job for job in jobs}
        self.held_creates = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1")
        if path.endswith("/cancel"):
            job = self.jobs[path.split("/")[2]]
            job["status"] = "canceled"
            return json_response(job)
        if request.method == "GET":
            return page(*list(self.jobs.values())[::-1])
        raise AssertionError(path)

    async def hold(self, request: httpx.Request) -> httpx.Response:
        """Respond as the server does, but hold every create for ever."""
        if request.method == "POST" and not request.url.path.endswith("/cancel"):
            id = f"job{len(self.jobs)}"
            body = json.loads(request.content)
            self.jobs[id] = prediction(
                "processing",
                id=id,
                input=body["input"],
                model="acme/" + request.url.path.split("/")[4],
                created_at=now(),
            )
            self.held_creates += 1
            await asyncio.Event().wait()
        return self(request)

    @property
    def statuses(self) -> dict[str, str]:
        return {id: job["status"] for id, job in self.jobs.items()}


def run_and_cancel(
    server: EndlessServer, calls: list[tuple[str, dict]], canceled: list[int], streaming: bool = False
) -> None:
    """Run some calls concurrently, and cancel those with the given indices once the server has received all calls."""

    async def consume_stream(client: AsyncReplicate, ref: str, input: dict) -> None:
        async for _ in client.stream(ref, input):
            pass

    async def main() -> None:
        client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(server.hold))
        start = (lambda ref, input: consume_stream(client, ref, input)) if streaming else client.run
        tasks = [asyncio.ensure_future(start(ref, input)) for ref, input in calls]
        while server.held_creates < len(calls):
            await asyncio.sleep(0)
        for index in canceled:
            tasks[index].cancel()
        await asyncio.gather(*[tasks[index] for index in canceled], return_exceptions=True)
        assert all(tasks[index].cancelled() for index in canceled)
        for task in tasks:
            task.cancel()

    asyncio.run(main())


@pytest.mark.parametrize("streaming", [False, True])
def test_abandoned_create_cancels_only_its_own_prediction(streaming: bool) -> None:
    others = [
        prediction("processing", id="another-model", input={"n": 1}, model="acme/other"),
        prediction("processing", id="another-input", input={"n": 2}),
        prediction("succeeded", id="over", input={"n": 1}),
    ]
    server = EndlessServer(*others)
    run_and_cancel(server, [("acme/hello", {"n": 1})], [0], streaming)
    assert server.statuses == {
        "another-model": "processing",
        "another-input": "processing",
        "over": "succeeded",
        "job3": "canceled",
    }


def test_identical_abandoned_creates_are_all_canceled() -> None:
    server = EndlessServer()
    run_and_cancel(server, [("acme/hello", {"n": 1})] * 3, [0, 1, 2])
    assert set(server.statuses.values()) == {"canceled"}


def test_ambiguous_abandoned_create_cancels_nothing() -> None:
    server = EndlessServer()
    statuses = []

    async def main() -> None:
        client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(server.hold))
        replace_sleep(client, lambda seconds: asyncio.sleep(0))
        tasks = [asyncio.ensure_future(client.run("acme/hello", {"n": 1}, check=False)) for _ in range(2)]
        while server.held_creates < 2:
            await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        statuses.append(dict(server.statuses))
        tasks[1].cancel()
        await asyncio.gather(tasks[1], return_exceptions=True)

    asyncio.run(main())
    assert statuses == [{"job0": "processing", "job1": "processing"}]


def test_known_prediction_is_not_canceled_for_an_abandoned_create() -> None:
    server = EndlessServer()

    async def main() -> None:
        async def respond(request: httpx.Request) -> httpx.Response:
            if request.method == "POST" and not server.jobs:
                server.jobs["mine"] = prediction("processing", id="mine", input={"n": 1})
                return json_response(server.jobs["mine"], 201)
            if request.url.path.endswith("/mine"):
                await asyncio.Event().wait()
            return await server.hold(request)

        client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(respond))
        waiting = asyncio.ensure_future(client.run("acme/hello", {"n": 1}, wait=False, cancel_on_exit=False))
        while "mine" not in client._session.in_flight._known_ids:
            await asyncio.sleep(0)
        abandoned = asyncio.ensure_future(client.run("acme/hello", {"n": 1}))
        while not server.held_creates:
            await asyncio.sleep(0)
        abandoned.cancel()
        await asyncio.gather(abandoned, return_exceptions=True)
        assert server.statuses == {"mine": "processing", "job1": "canceled"}
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("age", "sends_date"), [(timedelta(minutes=5), True), (timedelta(0), False)], ids=["older", "no server clock"]
)
def test_prediction_that_may_be_older_than_the_abandoned_create_is_not_canceled(
    harness: Harness, age: timedelta, sends_date: bool
) -> None:
    twin = prediction("processing", input={"text": "hi"}, created_at=(datetime.now(UTC) - age).isoformat())
    listed = page(twin) if sends_date else json_response({"next": None, "results": [twin]})
    harness.server.respond_with(RuntimeError("from a callback"), listed)
    with pytest.raises(RuntimeError):
        harness.call(harness.client.run("acme/hello", {"text": "hi"}))
    assert harness.server.requested[1] == "GET /predictions"
    assert not harness.server.cancels


def test_foreign_error_during_the_create_of_a_community_model_does_not_create_again(harness: Harness) -> None:
    latest = json_response({"owner": "acme", "name": "hello", "latest_version": {"id": "b" * 64}})
    created = json_response(prediction(output="first", version="b" * 64), 201)
    harness.server.respond_with(json_response({}, 404), latest, created, ValueError("a signal handler's"), page())
    harness.call(harness.client.run("acme/hello", {"text": "one"}))
    with pytest.raises(ValueError, match="a signal handler's") as caught:
        harness.call(harness.client.run("acme/hello", {"text": "two"}))
    assert harness.server.requested.count("POST /predictions") == 2
    assert "a prediction of acme/hello may have been created after" in caught.value.__notes__[0]
