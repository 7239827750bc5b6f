"""Rate limits while sending: Retry-After, calls that wait together, low credit."""

import asyncio
import heapq
import itertools
import json

import httpx
import pytest

from conftest import TOKEN, FakeClock, Harness, ScriptedServer, json_response, prediction
from replicate_ext import APIStatusError, AsyncReplicate, RateLimitError
from replicate_ext._sansio.retry import MAX_RETRY_AFTER_TOTAL
from replicate_ext.emulator.rate_limit import TokenBucket
from virtual_time import run_virtual


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


ABSURD = [{"retry-after": "86400"}, {"retry-after": "Thu, 01 Jan 2099 00:00:00 GMT"}, {"retry-after": "9" * 400}]


@pytest.mark.parametrize("headers", ABSURD, ids=["a day", "a date in 2099", "400 digits"])
def test_absurd_hint_refuses_its_own_call_only(harness: Harness, headers: dict[str, str]) -> None:
    harness.server.respond_with(json_response({}, 429, **headers), json_response(prediction(), 201))
    with pytest.raises(RateLimitError) as caught:
        harness.call(harness.client.predictions.create(version="acme/hello", input={}))
    assert caught.value.retry_after
    assert caught.value.retry_after > 3600
    assert harness.call(harness.client.predictions.create(version="acme/hello", input={})).id
    assert harness.clock.time - 1000 == pytest.approx(MAX_RETRY_AFTER_TOTAL)


def test_absurd_hint_in_the_body(harness: Harness) -> None:
    harness.server.respond_with(httpx.Response(429, content=b'{"retry_after": 1e999}'), json_response(prediction()))
    with pytest.raises(RateLimitError):
        harness.call(harness.client.predictions.get("x"))
    assert harness.call(harness.client.predictions.get("x")).id


@pytest.mark.parametrize("hint", [10, 700, 86400])
def test_without_a_maximum_a_call_waits_as_long_as_it_takes(make_harness, hint: int) -> None:
    harness = make_harness(max_rate_limit_wait=None)
    limited = json_response({"retry_after": hint}, 429)
    harness.server.respond_with(*[limited] * 40, json_response(prediction(), 201))
    assert harness.call(harness.client.predictions.create(version="acme/hello", input={})).id
    assert harness.clock.time - 1000 == pytest.approx(40 * min(hint, MAX_RETRY_AFTER_TOTAL), rel=0.03)


@pytest.mark.parametrize(("maximum", "requests"), [(0, 1), (5, 1), (10, 2), (25, 3)])
def test_maximum_of_the_wait_is_an_option(make_harness, maximum: float, requests: int) -> None:
    harness = make_harness(max_rate_limit_wait=maximum)
    harness.server.respond_with(json_response({"retry_after": 10}, 429))
    with pytest.raises(RateLimitError):
        harness.call(harness.client.predictions.create(version="acme/hello", input={}))
    assert len(harness.server.requests) == requests


def limited(remaining: int, reset: int) -> dict[str, str]:
    return {"ratelimit-remaining": str(remaining), "ratelimit-reset": str(reset)}


def create(harness: Harness) -> None:
    harness.call(harness.client.predictions.create(version="acme/hello", input={}))


def test_creates_available_are_known_from_the_responses_to_creates(harness: Harness) -> None:
    session = harness.client._session
    harness.server.respond_with(
        json_response(prediction(), **limited(2999, 1)),  # of a read, which has another limit
        json_response({"id": "x", "urls": {"get": "https://x.example/"}}, 201, **limited(2998, 1)),  # and of an upload
        json_response({"detail": "invalid"}, 422),
        json_response(prediction(), 201, **limited(40, 56)),
        httpx.ConnectError("refused"),
        json_response(prediction(), 201, **limited(38, 56)),
    )
    harness.call(harness.client.predictions.get("x"))
    harness.call(harness.client.files.create(content=b"bytes"))
    assert session.creates_available() == 1
    with pytest.raises(APIStatusError):
        create(harness)
    assert session.creates_available() == 1
    create(harness)
    assert session.creates_available() == 40
    create(harness)
    assert session.creates_available() == pytest.approx(38)
    harness.clock.time += 2
    assert session.creates_available() == pytest.approx(58, rel=0.01)


def test_no_creates_are_available_while_the_client_waits_for_the_rate_limit(harness: Harness) -> None:
    session, available = harness.client._session, []

    def accept(request: httpx.Request) -> httpx.Response:
        available.append(session.creates_available())
        return json_response(prediction(), 201, **limited(0, 10))

    harness.server.respond_with(accept, json_response({"retry_after": 10}, 429), accept)
    create(harness)
    create(harness)
    assert available == [0, 0]
    assert session.creates_available() == 0
    harness.clock.time += 10
    assert session.creates_available() == pytest.approx(1)


def test_low_credit_account_refuses_no_create_that_was_available(harness: Harness) -> None:
    bucket, statuses = TokenBucket(1, 0.1, harness.clock.monotonic), []

    def respond(request: httpx.Request) -> httpx.Response:
        hint = bucket.take()
        statuses.append(429 if hint else 201)
        body = {"detail": LOW_CREDIT, "retry_after": hint} if hint else prediction()
        return json_response(body, statuses[-1], **bucket.headers())

    harness.server.respond_with(respond)
    for _ in range(10):
        while harness.client._session.creates_available() < 1:
            harness.clock.time += 0.1
        create(harness)
    assert statuses == [201] * 10
    assert harness.clock.time - 1000 == pytest.approx(90, abs=1)


def test_rate_limit_of_creates_blocks_no_other_requests(harness: Harness) -> None:
    """Uploads and trainings share the limit of reads (docs/api-facts.md, section 6)."""
    harness.server.respond_with(
        json_response({"retry_after": 300}, 429),
        json_response({"id": "x", "urls": {"get": "https://x.example/"}}, 201),
    )
    with pytest.raises(RateLimitError):
        create(harness)
    assert harness.call(harness.client.files.create(content=b"bytes")).id == "x"
    assert harness.clock.sleeps == []


def test_waiting_calls_speed_up_while_more_creates_remain() -> None:
    times: list[float] = []

    def respond(request: httpx.Request) -> httpx.Response:
        times.append(asyncio.get_running_loop().time() - 1000)
        first = json_response({"retry_after": 8}, 429)
        return first if len(times) == 1 else json_response(prediction(), 201, **limited(500, 10))

    async def main() -> None:
        client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(respond))
        await asyncio.gather(*(client.predictions.create(version="acme/hello", input={}) for _ in range(4)))

    run_virtual(main)
    assert times == pytest.approx([0, 8, 16, 20, 22], abs=0.3)


def test_call_that_is_refused_again_keeps_its_place() -> None:
    texts: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        texts.append(json.loads(request.content)["input"]["text"])
        return json_response({"retry_after": 8}, 429) if len(texts) <= 2 else json_response(prediction(), 201)

    async def main() -> None:
        client = AsyncReplicate(TOKEN, transport=httpx.MockTransport(respond))
        await asyncio.gather(*(client.predictions.create(version="acme/hello", input={"text": x}) for x in "abc"))

    run_virtual(main)
    assert texts == ["a", "a", "a", "b", "c"]


class VirtualTime:
    """A clock for many tasks: when all of them sleep, it advances to the earliest one."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.time + seconds, next(self._numbers), future))
        await future

    async def run(self, task: asyncio.Future[object]) -> None:
        while not task.done():
            for _ in range(20):
                await asyncio.sleep(0)
            if self._sleepers:
                self.time, _, future = heapq.heappop(self._sleepers)
                if not future.done():
                    future.set_result(None)


@pytest.mark.parametrize(("maximum", "accepted"), [(None, 30), (120.0, 12)])
def test_low_credit_account_runs_waiting_calls_in_order(maximum: float | None, accepted: int) -> None:
    clock = VirtualTime()
    bucket = TokenBucket(1, 0.1, lambda: clock.time)
    order: list[str] = []
    posts: list[float] = []

    def respond(request: httpx.Request) -> httpx.Response:
        posts.append(clock.time)
        hint = bucket.take()
        if hint is not None:
            return json_response({"detail": LOW_CREDIT, "retry_after": hint}, 429)
        order.append(json.loads(request.content)["input"]["text"])
        return json_response(prediction(), 201)

    async def main() -> list[object]:
        transport = httpx.MockTransport(respond)
        client = AsyncReplicate(TOKEN, transport=transport, max_rate_limit_wait=maximum)
        client._session.backend.monotonic = lambda: clock.time
        client._session.backend._sleep = clock.sleep
        creates = (client.predictions.create(version="acme/hello", input={"text": str(i)}) for i in range(30))
        calls = asyncio.gather(*creates, return_exceptions=True)
        await clock.run(calls)
        return calls.result()

    results = asyncio.run(main())
    assert order == [str(number) for number in range(accepted)]
    assert [type(result) for result in results[accepted:]] == [RateLimitError] * (30 - accepted)
    assert len(posts) <= accepted + 3, "one 429, then each call is sent when it is its turn"
