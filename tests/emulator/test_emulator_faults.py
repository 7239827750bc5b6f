"""Faults on demand and at random."""

from __future__ import annotations

import asyncio
import threading

import pytest
from emulator_fixtures import disable_backoff, ignore_rate_limits

from replicate_ext import APIConnectionError, APIStatusError, AsyncReplicate, RateLimitError, Replicate, ServerError
from replicate_ext.emulator import Emulator, Faults
from replicate_ext.emulator.builtin_models import builtin_catalog


def test_fail_next_fails_matching_requests(api, client) -> None:
    disable_backoff(client)
    api.faults.fail_next(status=503)
    assert client.account.get().username == "acme"
    assert [request.status for request in api.requests] == [503, 200]
    with Replicate(api.token, base_url=api.url, max_retries=0) as no_retries:
        ignore_rate_limits(no_retries)
        api.faults.fail_next(status=429, retry_after=7)
        with pytest.raises(RateLimitError) as caught:
            no_retries.account.get()
        assert caught.value.retry_after == 7
        assert caught.value.headers["retry-after"] == "7"
        api.faults.fail_next(status=402, title="Insufficient credit", detail="Buy some.", path="/predictions", times=2)
        assert no_retries.search(query="x").query == "x"
        for _ in range(2):
            with pytest.raises(APIStatusError, match="Insufficient credit: Buy some"):
                no_retries.run("acme/hello", {"text": "x"})
        assert no_retries.run("acme/hello", {"text": "x"}) == "Hello, x!"


def test_drop_connection_before_the_request_and_within_the_response(api, caplog: pytest.LogCaptureFixture) -> None:
    with Replicate(api.token, base_url=api.url, max_retries=0) as client:
        for after in (None, 0, 10):
            api.faults.drop_connection(after=after)
            with pytest.raises(APIConnectionError):
                client.account.get()
        assert client.account.get().username == "acme"
        api.faults.drop_connection(path="/predictions")
        with pytest.raises(APIConnectionError) as caught:
            client.run("acme/hello", {"text": "x"})
        found = client.predictions.list(created_after=caught.value.maybe_created_after)
        assert next(found, None) is None  # the connection was dropped before the request was processed
        api.faults.drop_connection(path="/predictions", after=5)
        with pytest.raises(APIConnectionError) as caught:
            client.run("acme/hello", {"text": "x"})
        assert next(client.predictions.list(created_after=caught.value.maybe_created_after)).input == {"text": "x"}
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


def test_a_processed_request_may_fail_nevertheless(api) -> None:
    with Replicate(api.token, base_url=api.url) as client:
        api.faults.fail_next(status=502, path="/predictions", processed=True)
        with pytest.raises(ServerError) as caught:
            client.run("acme/hello", {"text": "x"})
        assert caught.value.status_code == 502
        assert next(client.predictions.list(created_after=caught.value.maybe_created_after)).input == {"text": "x"}
    with Emulator(chaos=1, seed=1) as chaotic:
        faults = [chaotic.faults.take_request_fault("/predictions") for _ in range(100)]
        assert {(fault.problem.status, fault.is_processed) for fault in faults if fault.problem} == {
            (429, False),
            (500, False),
            (502, True),
            (503, False),
        }


def test_replace_id_responds_with_the_id_of_another_prediction(api, client) -> None:
    created = client.models.predictions.create("acme", "hello", input={"text": "x"})
    api.faults.replace_id(path=f"/predictions/{created.id}")
    assert client.account.get().username == "acme"
    other = client.predictions.get(created.id)
    assert other.id != created.id
    assert (other.model, other.input) == (created.model, created.input)
    assert client.predictions.get(created.id).id == created.id
    api.faults.replace_id(times=2)
    assert "id" not in client.account.get().to_dict()  # a response without an id stays as it is
    assert client.models.readme.get("acme", "poet").startswith("# Poet")


def test_interrupted_download_resumes_with_a_range(api, client) -> None:
    [picture] = client.run("acme/painter", {"prompt": "x", "width": 64, "height": 64})
    content = picture.read()
    disable_backoff(client)
    api.faults.drop_connection(path="/outputs", after=len(content) // 2)
    assert picture.read() == content
    ranges = [request.headers.get("range") for request in api.requests if request.path.startswith("/outputs")]
    assert ranges[-1].startswith("bytes=")


def test_interrupted_stream_resumes_with_last_event_id(api, client) -> None:
    disable_backoff(client)
    api.faults.interrupt_stream(after=3)
    api.faults.interrupt_stream(after=2)
    stream = client.stream("acme/poet", {"prompt": "the sea", "seconds": 0.01, "lines": 2})
    assert "".join(str(event) for event in stream) == "".join(stream.prediction.output)
    last_ids = [request.headers.get("last-event-id") for request in api.requests if "streams" in request.path]
    assert len(last_ids) == 3
    assert last_ids[0] is None
    assert None not in last_ids[1:]


def test_delay_is_measured_on_the_emulators_clock(api, client) -> None:
    api.faults.delay(3600)
    timers = [threading.Timer(0.02 * number, api.clock.advance, [3600]) for number in range(1, 4)]
    for timer in timers:
        timer.start()
    assert client.account.get().username == "acme"
    for timer in timers:
        timer.join()


def test_clear_removes_all_faults(api, client) -> None:
    api.faults.fail_next(status=500, times=99)
    api.faults.interrupt_stream(after=0)
    api.faults.webhook(drop=True)
    api.faults.clear()
    assert client.account.get().username == "acme"
    assert api.faults.take_stream_interruption() is None


def test_chaos_is_deterministic_for_a_seed_and_retries_survive_it() -> None:
    def draw(seed: int) -> list[str]:
        faults = Faults(0.5, seed)
        return [
            f"{fault.problem} {fault.drop_after} {fault.delay}"
            for fault in (faults.take_request_fault("/") for _ in range(50))
        ]

    assert draw(7) == draw(7) != draw(8)
    with pytest.raises(ValueError, match="chaos"):
        Faults(1.5)

    async def main() -> None:
        with Emulator(chaos=0.3, seed=7) as api:
            async with AsyncReplicate(api.token, base_url=api.url, max_retries=20) as client:
                disable_backoff(client)
                ignore_rate_limits(client)
                names = [model.name for _ in range(20) async for model in client.models.list()]
                assert len(names) == 20 * len(builtin_catalog.models)
                assert {request.status for request in api.requests} > {200, 429}

    asyncio.run(main())


def test_injected_status_raises_the_matching_error(api) -> None:
    with Replicate(api.token, base_url=api.url, max_retries=0) as client:
        api.faults.fail_next(status=599)
        with pytest.raises(ServerError):
            client.account.get()
