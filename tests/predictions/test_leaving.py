"""What happens to a prediction, and what the error says, when its caller leaves: by a callback, a close, a cancel."""

import asyncio
import contextlib
import threading
import time
from typing import Any

import httpx
import pytest

from conftest import TOKEN, FakeClock, Harness, ScriptedServer, json_response, prediction, replace_sleep
from replicate_ext import APIConnectionError, AsyncReplicate, FileInput, Prediction, Replicate, ReplicateError


def test_cancel_is_retried_although_the_client_was_closed_meanwhile(server: ScriptedServer, clock: FakeClock) -> None:
    harness = Harness(server, clock, is_async=False)
    replace_sleep(harness.client, lambda seconds: harness.client.close())
    limited = json_response({}, 429, **{"retry-after": "0.1"})
    server.respond_with(json_response(prediction("starting"), 201), limited, json_response(prediction("canceled")))

    def leave(job: object) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        harness.client.run("acme/hello", on_created=leave)
    assert len(server.cancels) == 2


def test_closing_a_client_with_other_options_cancels_only_its_own_predictions(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction("starting"), 201), json_response(prediction("processing")))
    other = harness.client.with_options(timeout=5)

    def close_other(job: object) -> object:
        return other.aclose() if isinstance(other, AsyncReplicate) else other.close()

    harness.server.respond_with(json_response(prediction(output="done")))
    assert harness.call(harness.client.run("acme/hello", wait=False, on_created=close_other)) == "done"
    assert not harness.server.cancels


def test_closing_the_client_cancels_those_with_other_options_in_one_cleanup(harness: Harness) -> None:
    others = [harness.client.with_options(headers={"X-Team": team}) for team in "ab"]
    creates = [json_response(prediction("starting"), 201)] * 3
    harness.server.respond_with(*creates, json_response(prediction("canceled")))

    def run_next(job: object) -> Any:
        if others:
            return others.pop().run("acme/hello", wait=False, on_created=run_next)
        return harness.client.aclose() if isinstance(harness.client, AsyncReplicate) else harness.client.close()

    with contextlib.suppress(ReplicateError):
        harness.call(harness.client.run("acme/hello", wait=False, on_created=run_next))
    cancels = [request for request in harness.server.requests if request.url.path.endswith("/cancel")]
    assert {request.headers.get("X-Team") for request in cancels} == {None, "a", "b"}
    assert len({request.extensions["deadline"] for request in cancels}) == 1, "all have the same 10 seconds"


def test_client_that_was_never_used_closes_without_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN", raising=False)
    Replicate._from_environment().close()
    asyncio.run(AsyncReplicate._from_environment().aclose())


@pytest.mark.parametrize("status", ["succeeded", "canceled"])
def test_error_of_a_callback_names_the_prediction_that_has_finished(harness: Harness, status: str) -> None:
    job = prediction(status, output="paid")
    harness.server.respond_with(json_response(prediction("starting"), 201), json_response(job))

    def leave(job: Prediction) -> None:
        if job.status == status:
            raise LookupError

    with pytest.raises(LookupError) as caught:
        harness.call(harness.client.run("acme/hello", progress=leave))
    assert caught.value.__notes__ == [f"prediction {job['id']}: it has finished: client.wait({job['id']!r}) returns it"]
    assert not harness.server.cancels


def test_second_cancellation_names_the_prediction_of_a_timeout() -> None:
    canceling = asyncio.Event()

    async def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/cancel"):
            canceling.set()
            await asyncio.sleep(0.02)
        return json_response(prediction("processing"))

    async def main() -> None:
        client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(respond))
        task = asyncio.ensure_future(client.wait("x0fmfzfcf5rma0cq65c825tcbm", timeout=0.02))
        await canceling.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert "x0fmfzfcf5rma0cq65c825tcbm" in caught.value.__notes__[0]

    asyncio.run(asyncio.wait_for(main(), 5))


def test_create_is_not_sent_after_the_client_was_closed_during_its_look_up(
    server: ScriptedServer, clock: FakeClock
) -> None:
    harness = Harness(server, clock, is_async=False)

    def close_and_return_model(request: httpx.Request) -> httpx.Response:
        harness.client.close()
        return json_response({"owner": "acme", "name": "hello", "latest_version": {"id": "v" * 64}})

    server.respond_with(json_response({}, 404), close_and_return_model, json_response(prediction(), 201))
    with pytest.raises(APIConnectionError, match="the client was closed") as caught:
        harness.client.run("acme/hello")
    assert server.requested == ["POST /models/acme/hello/predictions", "GET /models/acme/hello"]
    assert caught.value.maybe_created_after is None


def test_create_is_not_sent_after_the_client_was_closed_during_an_upload(
    server: ScriptedServer, clock: FakeClock
) -> None:
    harness = Harness(server, clock, is_async=False)

    def close_and_return_file(request: httpx.Request) -> httpx.Response:
        harness.client.close()
        return json_response({"id": "f", "urls": {"get": "https://api.replicate.com/v1/files/f"}}, 201)

    server.respond_with(close_and_return_file, json_response(prediction(), 201))
    with pytest.raises(APIConnectionError, match="the client was closed"):
        harness.client.run("acme/hello", {"image": FileInput(b"image", inline=False)})
    assert server.requested == ["POST /files"]


def test_closing_the_sync_client_waits_for_the_cleanup_of_another_thread(server: ScriptedServer) -> None:
    harness = Harness(server, FakeClock(), is_async=False)
    replace_sleep(harness.client, time.sleep)
    is_canceling, may_respond = threading.Event(), threading.Event()

    def cancel(request: httpx.Request) -> httpx.Response:
        is_canceling.set()
        assert may_respond.wait(5)
        return json_response(prediction("canceled"))

    server.respond_with(json_response(prediction("starting"), 201), cancel)

    def leave(job: object) -> None:
        raise LookupError

    def run() -> None:
        with contextlib.suppress(LookupError):
            harness.client.run("acme/hello", on_created=leave)

    thread = threading.Thread(target=run)
    thread.start()
    assert is_canceling.wait(5)
    closing = threading.Thread(target=harness.client.close)
    closing.start()
    closing.join(0.03)
    assert closing.is_alive()
    may_respond.set()
    closing.join(5)
    assert not closing.is_alive()
    thread.join()
