"""Rate limits while sending: Retry-After, calls that wait together, low credit."""

import asyncio

import httpx
import pytest

from conftest import FakeClock, Harness, ScriptedServer, json_response, prediction
from replicate_ext import APIStatusError, RateLimitError


def test_retry_after_is_waited_for(harness: Harness) -> None:
    harness.server.respond_with(
        json_response({"retry_after": 7}, 429),
        json_response({}, 429, **{"retry-after": "3"}),
        json_response(prediction()),
    )
    harness.call(harness.client.predictions.get("x"))
    assert [int(seconds) for seconds in harness.clock.sleeps] == [7, 3]


def test_too_long_retry_after_raises_with_the_server_message(harness: Harness) -> None:
    harness.server.respond_with(json_response({"detail": "reduced to 6 requests per minute", "retry_after": 300}, 429))
    with pytest.raises(RateLimitError, match="6 requests per minute") as caught:
        harness.call(harness.client.predictions.create(version="acme/hello", input={}))
    assert caught.value.retry_after == 300
    assert harness.clock.sleeps == []


def test_low_credit_rate_limit_is_waited_for(harness: Harness) -> None:
    detail = "reduced to 6 requests per minute with a burst of 1 requests while you have less than $5.0 in credit"
    limited = json_response({"detail": detail, "status": 429, "retry_after": 10}, 429)
    harness.server.respond_with(*[limited] * 8, json_response(prediction(), 201))
    assert harness.call(harness.client.predictions.create(version="acme/hello", input={})).id
    assert 80 < harness.clock.time - 1000 < 90
    harness.server.responses = [limited]
    with pytest.raises(RateLimitError, match=r"less than \$5.0 in credit"):
        harness.call(harness.client.predictions.create(version="acme/hello", input={}))


def test_concurrent_tasks_share_a_rate_limit(server: ScriptedServer, clock: FakeClock) -> None:
    harness = Harness(server, clock, is_async=True)
    times: list[float] = []

    def respond(request: httpx.Request) -> httpx.Response:
        times.append(clock.time)
        return json_response({"retry_after": 7}, 429) if len(times) == 2 else json_response(prediction(), 201)

    server.respond_with(respond)

    async def main() -> None:
        creates = (harness.client.predictions.create(version="acme/hello", input={}) for _ in range(20))
        await asyncio.gather(*creates, harness.client.predictions.get("x"))

    asyncio.run(main())
    assert len(times) == 22
    early = [time for time in times if time < 1007]
    assert len(early) == 2, "only the read, which has its own limit, and the create with the 429 response"


def test_rate_limit_longer_than_the_timeout_raises_immediately(harness: Harness) -> None:
    harness.server.respond_with(json_response({"retry_after": 30}, 429))
    with pytest.raises(RateLimitError) as caught:
        harness.call(harness.client.run("acme/hello", timeout=10))
    assert caught.value.retry_after == 30
    with pytest.raises(RateLimitError, match="this client got a 429 for another call"):
        harness.call(harness.client.run("acme/hello", timeout=10))
    assert len(harness.server.requests) == 1
    assert harness.clock.sleeps == []


def test_rate_limit_of_another_host_does_not_block_the_api(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(prediction(output="https://x.example/y"), 201),
        httpx.Response(429, headers={"retry-after": "100"}),
        httpx.Response(200, content=b"file"),
    )
    assert harness.call(harness.call(harness.client.run("acme/hello")).read()) == b"file"
    harness.server.responses = [json_response(prediction())]
    before = harness.clock.time
    harness.call(harness.client.predictions.get("x"))
    assert harness.clock.time == before


@pytest.mark.parametrize("status", [503, 404])
def test_retry_after_without_status_429_does_not_block_other_calls(make_harness, status: int) -> None:
    harness = make_harness(max_retries=0)
    harness.server.respond_with(json_response({}, status, **{"retry-after": "3600"}), json_response(prediction()))
    with pytest.raises(APIStatusError):
        harness.call(harness.client.search(query="x"))
    assert harness.call(harness.client.predictions.get("x")).status == "succeeded"


LOW_CREDIT = (
    "Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst "
    "of 1 requests while you have less than $5.0 in credit. Your rate limit resets in ~700s."
)


def test_low_credit_is_explained_to_every_blocked_call(harness: Harness) -> None:
    harness.server.respond_with(json_response({"detail": LOW_CREDIT, "status": 429, "retry_after": 700}, 429))
    for _ in range(2):  # the second call raises without a request
        with pytest.raises(RateLimitError, match=r"less than \$5\.0 in credit.*low credit") as caught:
            harness.call(harness.client.models.predictions.create("acme", "hello", input={}))
        assert caught.value.is_low_credit
        assert caught.value.retry_after == 700
    assert len(harness.server.requests) == 1
    assert not RateLimitError(429, detail="Request was throttled.").is_low_credit
