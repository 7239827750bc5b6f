"""Webhooks: signed, filtered, throttled, retried."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from emulator_fixtures import wait_until

from replicate_ext import APIStatusError, webhooks


class Receiver(ThreadingHTTPServer):
    """A server that receives webhooks."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
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
        return [json.loads(body) for _, body in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield receiver
    receiver.shutdown()
    receiver.server_close()
    thread.join()


def test_webhooks_are_signed_and_hold_the_prediction(api, client, receiver) -> None:
    events = ["start", "output", "logs", "completed"]
    client.run("acme/hello", {"text": "Ada"}, webhook=receiver.url, webhook_events_filter=events)
    wait_until(lambda: len(api.deliveries) == 3)  # recorded after the response has arrived
    jobs = [client.webhooks.verify(body, headers) for headers, body in receiver.received]
    assert [job.status for job in jobs] == ["starting", "processing", "succeeded"]
    assert [delivery.event for delivery in api.deliveries] == ["start", "logs", "completed"]
    assert jobs[-1].output == "Hello, Ada!"
    assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 3


@pytest.mark.parametrize(
    ("events", "statuses"),
    [(None, ["processing", "succeeded"]), (["completed"], ["succeeded"]), (["start"], ["starting"])],
)
def test_webhooks_are_filtered_and_output_is_throttled(client, receiver, events, statuses) -> None:
    client.run("acme/poet", {"prompt": "x", "seconds": 0}, webhook=receiver.url, webhook_events_filter=events)
    wait_until(lambda: len(receiver.received) == len(statuses))
    assert [job["status"] for job in receiver.jobs] == statuses


def test_only_the_completed_webhook_is_retried_with_the_same_id(api, client, receiver) -> None:
    receiver.statuses = [500, 404, 503, 200]
    events = ["start", "completed"]
    client.run("acme/hello", {"text": "Ada"}, webhook=receiver.url, webhook_events_filter=events)
    wait_until(lambda: len(api.deliveries) >= 4 or api.clock.advance(40))
    attempts = [(delivery.event, delivery.attempt, delivery.status) for delivery in api.deliveries]
    assert attempts == [("start", 1, 500), ("completed", 1, 404), ("completed", 2, 503), ("completed", 3, 200)]
    assert len({headers["webhook-id"] for headers, _ in receiver.received[1:]}) == 1


def test_webhook_is_retried_for_a_minute_but_not_after_a_redirect(api, client, receiver) -> None:
    client.run("acme/hello", {"text": "Ada"}, webhook="http://127.0.0.1:9/", webhook_events_filter=["completed"])
    wait_until(lambda: len(api.deliveries) >= 7 or api.clock.advance(40))
    assert [delivery.status for delivery in api.deliveries] == [None] * 7
    receiver.statuses = [302]
    client.run("acme/hello", {"text": "Ada"}, webhook=receiver.url, webhook_events_filter=["completed"])
    wait_until(lambda: len(api.deliveries) == 8)
    assert len(receiver.received) == 1


def test_invalid_webhook_url_is_rejected(client) -> None:
    with pytest.raises(APIStatusError, match="webhook"):
        client.run("acme/hello", {"text": "Ada"}, webhook="not a URL")


def test_trainings_send_webhooks(client, receiver) -> None:
    version = client.models.get("acme", "poet").latest_version.id
    client.trainings.create(
        "acme", "poet", version, destination="acme/poet", input={"words": "x"}, webhook=receiver.url
    )
    wait_until(lambda: receiver.jobs and receiver.jobs[-1]["status"] == "succeeded")
    assert receiver.jobs[-1]["output"]["version"].startswith("acme/poet:")


def test_webhook_is_duplicated_or_dropped_on_demand(api, client, receiver) -> None:
    api.faults.webhook(duplicate=True)
    client.run("acme/hello", {"text": "1"}, webhook=receiver.url, webhook_events_filter=["completed"])
    wait_until(lambda: len(receiver.received) == 2)
    assert receiver.received[0][1] == receiver.received[1][1]
    api.faults.webhook(drop=True)
    client.run("acme/hello", {"text": "2"}, webhook=receiver.url, webhook_events_filter=["completed"])
    client.run("acme/hello", {"text": "3"}, webhook=receiver.url, webhook_events_filter=["completed"])
    wait_until(lambda: len(receiver.received) == 3)
    assert [job["input"]["text"] for job in receiver.jobs] == ["1", "1", "3"]
    assert webhooks.sign(b"", "whsec_" + "A" * 32).keys() <= receiver.received[0][0].keys()
