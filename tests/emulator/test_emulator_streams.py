"""Event streams: framing, resume with Last-Event-ID, idle timeout."""

from __future__ import annotations

import threading

import httpx
from emulator_fixtures import module_fixtures

api, http, client = module_fixtures()


def test_stream_resumes_after_last_event_id(http, client) -> None:
    version = http.get("models/acme/poet").json()["latest_version"]["id"]
    input = {"prompt": "the sea", "seconds": 0}
    created = http.post("predictions", json={"version": version, "input": input}).json()
    finished = client.wait(created["id"])
    events = []
    with httpx.stream("GET", created["urls"]["stream"]) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = response.iter_lines()
        assert next(lines) == ": hi"
        for line in lines:
            events.append(line)
            if line == "data: {}":
                break
    ids = [line for line in events if line.startswith("id: ")]
    assert len(set(ids)) == len(ids) == len(finished.output) + 1
    with httpx.stream("GET", created["urls"]["stream"], headers={"Last-Event-ID": ids[-2][4:]}) as response:
        lines = response.iter_lines()
        assert [next(lines) for _ in range(5)] == [": hi", "", "event: done", ids[-1], "data: {}"]
    stream = client.stream("acme/poet", input)
    assert "".join(str(event) for event in stream) == "".join(finished.output) == stream.text
    assert stream.prediction.status == "succeeded"


def test_stream_is_closed_after_the_idle_timeout(api, http) -> None:
    version = http.get("models/acme/poet").json()["latest_version"]["id"]
    body = {"version": version, "input": {"prompt": "x", "seconds": 0}}
    created = http.post("predictions", json=body, headers={"Prefer": "wait"}).json()
    timers = [threading.Timer(0.005 * number, api.clock.advance, [31]) for number in range(8)]
    with httpx.stream("GET", created["urls"]["stream"]) as response:
        for timer in timers:
            timer.start()
        assert "".join(response.iter_text()).endswith("data: {}\n\n:408: 408 Request Timeout\n\n")
    for timer in timers:
        timer.join()
    assert httpx.get(created["urls"]["stream"] + "x").status_code == 404
