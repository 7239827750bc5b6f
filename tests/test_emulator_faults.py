"""The emulator's webhooks, retention, deadlines, and faults on demand."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from replicate_ext import (
    APIStatusError,
    AsyncReplicate,
    ConnectionFailed,
    NotFound,
    PredictionAborted,
    RateLimited,
    Replicate,
    ServerError,
    webhooks,
)
from replicate_ext.emulator import Emulator, Faults

SLEEPER = ("acme", "sleeper")


def until(condition: Callable[[], Any]) -> Any:
    """Ask again and again, for at most some seconds."""
    for _ in range(2000):
        if found := condition():
            return found
        threading.Event().wait(0.002)
    raise AssertionError("it did not come to that")


# Webhooks


class Receiver(ThreadingHTTPServer):
    """Somebody who wants to hear of jobs."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.send_header("Location", f"http://127.0.0.1:{receiver.server_port}/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/hook?mine=1"

    @property
    def jobs(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.heard]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield receiver
    receiver.shutdown()
    receiver.server_close()
    thread.join()


def test_deliveries_are_signed_and_say_what_there_is(api, client, receiver) -> None:
    events = ["start", "output", "logs", "completed"]
    client.run("acme/hello", {"text": "Ada"}, webhook=receiver.url, webhook_events_filter=events)
    until(lambda: len(api.deliveries) == 3)  # it keeps what it told when the answer is there: after the receiver heard
    jobs = [client.webhooks.verify(body, headers) for headers, body in receiver.heard]
    assert [job.status for job in jobs] == ["starting", "processing", "succeeded"]
    assert [delivery.event for delivery in api.deliveries] == ["start", "logs", "completed"]
    assert jobs[-1].output == "Hello, Ada!"
    assert len({headers["webhook-id"] for headers, _ in receiver.heard}) == 3


@pytest.mark.parametrize(
    ("wanted", "statuses"),
    [(None, ["processing", "succeeded"]), (["completed"], ["succeeded"]), (["start"], ["starting"])],
)
def test_only_what_is_wanted_is_told_and_output_not_too_often(client, receiver, wanted, statuses) -> None:
    client.run("acme/poet", {"prompt": "x", "seconds": 0}, webhook=receiver.url, webhook_events_filter=wanted)
    until(lambda: len(receiver.heard) == len(statuses))
    assert [job["status"] for job in receiver.jobs] == statuses


def test_only_the_last_delivery_is_tried_again_with_the_same_id(api, client, receiver) -> None:
    receiver.statuses = [500, 404, 503, 200]
    events = ["start", "completed"]
    client.run("acme/hello", {"text": "Ada"}, webhook=receiver.url, webhook_events_filter=events)
    until(lambda: len(api.deliveries) >= 4 or api.clock.advance(40))
    told = [(delivery.event, delivery.attempt, delivery.status) for delivery in api.deliveries]
    assert told == [("start", 1, 500), ("completed", 1, 404), ("completed", 2, 503), ("completed", 3, 200)]
    assert len({headers["webhook-id"] for headers, _ in receiver.heard[1:]}) == 1


def test_a_receiver_that_is_not_there_is_tried_for_a_minute(api, client, receiver) -> None:
    client.run("acme/hello", {"text": "Ada"}, webhook="http://127.0.0.1:9/", webhook_events_filter=["completed"])
    until(lambda: len(api.deliveries) >= 7 or api.clock.advance(40))
    assert [delivery.status for delivery in api.deliveries] == [None] * 7
    receiver.statuses = [302]
    client.run("acme/hello", {"text": "Ada"}, webhook=receiver.url, webhook_events_filter=["completed"])
    until(lambda: len(api.deliveries) == 8)
    assert len(receiver.heard) == 1


def test_nobody_is_asked_where_the_address_is_none(client) -> None:
    with pytest.raises(APIStatusError, match="webhook"):
        client.run("acme/hello", {"text": "Ada"}, webhook="not an address")


def test_trainings_are_told_too(client, receiver) -> None:
    version = client.models.get("acme", "poet").latest_version.id
    client.trainings.create(
        "acme", "poet", version, destination="acme/poet", input={"words": "x"}, webhook=receiver.url
    )
    until(lambda: receiver.jobs and receiver.jobs[-1]["status"] == "succeeded")
    assert receiver.jobs[-1]["output"]["version"].startswith("acme/poet:")


def test_deliveries_can_go_wrong_on_demand(api, client, receiver) -> None:
    api.faults.webhook(duplicate=True)
    client.run("acme/hello", {"text": "1"}, webhook=receiver.url, webhook_events_filter=["completed"])
    until(lambda: len(receiver.heard) == 2)
    assert receiver.heard[0][1] == receiver.heard[1][1]
    api.faults.webhook(drop=True)
    client.run("acme/hello", {"text": "2"}, webhook=receiver.url, webhook_events_filter=["completed"])
    client.run("acme/hello", {"text": "3"}, webhook=receiver.url, webhook_events_filter=["completed"])
    until(lambda: len(receiver.heard) == 3)
    assert [job["input"]["text"] for job in receiver.jobs] == ["1", "1", "3"]
    assert webhooks.sign(b"", "whsec_" + "A" * 32).keys() <= receiver.heard[0][0].keys()


# Time


def test_data_is_removed_an_hour_after_the_end(api, client) -> None:
    [picture] = client.run("acme/painter", {"prompt": "x", "width": 16, "height": 16})
    poem = client.stream("acme/poet", {"prompt": "x", "seconds": 0})
    list(poem)
    api.clock.advance(3599)
    assert client.predictions.get(poem.prediction.id).output
    assert picture.read()
    api.clock.advance(2)
    removed = client.predictions.get(poem.prediction.id)
    assert (removed.data_removed, removed.input, removed.output, removed.logs) == (True, {}, None, "")
    with pytest.raises(NotFound, match="one hour"):
        picture.read()
    assert httpx.get(str(poem.prediction.urls.stream)).status_code == 404


def test_uploads_expire_after_a_day(api, client) -> None:
    file = client.files.create(content=b"x")
    api.clock.advance(24 * 3600 - 5)
    assert client.files.get(file.id).id == file.id
    api.clock.advance(10)
    with pytest.raises(NotFound):
        client.files.get(file.id)


def test_a_deadline_before_the_start_aborts() -> None:
    with Emulator(boot=60) as api, Replicate(api.token, base_url=api.url) as client:
        job = client.models.predictions.create("acme", "hello", input={"text": "x"}, cancel_after="10s")
        assert client.predictions.get(job.id).status == "starting"
        api.clock.advance(11)
        with pytest.raises(PredictionAborted) as caught:
            client.wait(job.id)
        assert not hasattr(caught.value.prediction.started_at, "year")


# Faults


def test_the_next_request_fails_as_it_is_told_to(api, client) -> None:
    client._wire._sleep = lambda seconds: None
    api.faults.next(status=503)
    assert client.account.get().username == "acme"
    assert [entry.status for entry in api.requests] == [503, 200]
    with Replicate(api.token, base_url=api.url, max_retries=0) as hasty:
        hasty._wire.limiter.pause = lambda *_: 0
        api.faults.next(status=429, retry_after=7)
        with pytest.raises(RateLimited) as caught:
            hasty.account.get()
        assert caught.value.retry_after == 7
        assert caught.value.headers["retry-after"] == "7"
        api.faults.next(status=402, title="Insufficient credit", detail="Buy some.", path="/predictions", times=2)
        assert hasty.search(query="x").query == "x"
        for _ in range(2):
            with pytest.raises(APIStatusError, match="Insufficient credit: Buy some"):
                hasty.run("acme/hello", {"text": "x"})
        assert hasty.run("acme/hello", {"text": "x"}) == "Hello, x!"


def test_connections_drop_before_and_within_an_answer(api) -> None:
    with Replicate(api.token, base_url=api.url, max_retries=0) as client:
        for after in (None, 0, 10):
            api.faults.drop_connection(after=after)
            with pytest.raises(ConnectionFailed):
                client.account.get()
        assert client.account.get().username == "acme"
        api.faults.drop_connection(path="/predictions")
        with pytest.raises(ConnectionFailed) as caught:
            client.run("acme/hello", {"text": "x"})
        found = client.predictions.list(created_after=caught.value.maybe_created_after)
        assert next(found, None) is None  # it was dropped before it was processed
        api.faults.drop_connection(path="/predictions", after=5)
        with pytest.raises(ConnectionFailed) as caught:
            client.run("acme/hello", {"text": "x"})
        assert next(client.predictions.list(created_after=caught.value.maybe_created_after)).input == {"text": "x"}


def test_a_cut_download_goes_on(api, client) -> None:
    [picture] = client.run("acme/painter", {"prompt": "x", "width": 64, "height": 64})
    whole = picture.read()
    client._wire._sleep = lambda seconds: None
    api.faults.drop_connection(path="/outputs", after=len(whole) // 2)
    assert picture.read() == whole
    ranges = [entry.headers.get("range") for entry in api.requests if entry.path.startswith("/outputs")]
    assert ranges[-1].startswith("bytes=")


def test_a_stream_is_cut_and_taken_up_again(api, client) -> None:
    client._wire._sleep = lambda seconds: None
    api.faults.cut_stream(after=3)
    api.faults.cut_stream(after=2)
    stream = client.stream("acme/poet", {"prompt": "the sea", "seconds": 0.01, "lines": 2})
    assert "".join(str(event) for event in stream) == "".join(stream.prediction.output)
    resumed = [entry.headers.get("last-event-id") for entry in api.requests if "streams" in entry.path]
    assert len(resumed) == 3
    assert resumed[0] is None
    assert None not in resumed[1:]


def test_slow_answers_take_the_emulators_time(api, client) -> None:
    api.faults.slow(3600)
    timers = [threading.Timer(0.02 * number, api.clock.advance, [3600]) for number in range(1, 4)]
    for timer in timers:
        timer.start()
    assert client.account.get().username == "acme"
    for timer in timers:
        timer.join()


def test_faults_can_be_forgotten(api, client) -> None:
    api.faults.next(status=500, times=99)
    api.faults.cut_stream(after=0)
    api.faults.webhook(drop=True)
    api.faults.clear()
    assert client.account.get().username == "acme"
    assert api.faults.take_cut() is None


def test_chaos_is_the_same_for_the_same_seed_and_is_survived() -> None:
    def kinds(seed: int) -> list[str]:
        faults = Faults(0.5, seed)
        return [
            f"{fault.problem} {fault.drop_after} {fault.seconds}" for fault in (faults.take("/") for _ in range(50))
        ]

    assert kinds(7) == kinds(7) != kinds(8)
    with pytest.raises(ValueError, match="chaos"):
        Faults(1.5)

    async def main() -> None:
        with Emulator(chaos=0.3, seed=7) as api:
            async with AsyncReplicate(api.token, base_url=api.url, max_retries=20) as client:
                client._wire._sleep = lambda seconds: asyncio.sleep(0)
                client._wire.limiter.pause = lambda *_: 0
                names = [model.name for _ in range(20) async for model in client.models.list()]
                assert len(names) == 120
                assert {entry.status for entry in api.requests} > {200, 429}

    asyncio.run(main())


def test_every_fault_is_one_of_our_errors(api) -> None:
    with Replicate(api.token, base_url=api.url, max_retries=0) as client:
        api.faults.next(status=599)
        with pytest.raises(ServerError):
            client.account.get()
