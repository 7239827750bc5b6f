"""A small Replicate in virtual time: predictions that take their time, holds, lists, rate limits, files, and faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, NamedTuple

import httpx
import pytest

from conftest import BASE_URL, TOKEN, json_response
from replicate_ext import AsyncReplicate, Replicate
from replicate_ext._batch.journal import Journal
from replicate_ext.emulator.rate_limit import TokenBucket
from virtual_time import VirtualClock, use_virtual_time

EPOCH = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""The server's time, in seconds since the epoch, when the virtual clock shows 0."""

MODEL, VERSION = "acme/painter", "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
FILES_URL = "https://replicate.delivery/"
PAGE_SIZE = 100
RETENTION = 3600.0

NUMBER = {"type": "number", "x-order": 1}
SCHEMA = {
    "components": {
        "schemas": {
            "Input": {
                "type": "object",
                "properties": {
                    "text": {"type": "string", "x-order": 0},
                    "seconds": NUMBER,
                    "image": {"type": "string", "format": "uri", "x-order": 2},
                },
            },
            "Output": {},
        }
    }
}

Fault = httpx.Response | Exception | None
"""What happens to a request: another response, an error of the connection, or nothing."""


class Plan(NamedTuple):
    """What a prediction does."""

    seconds: float = 1.0
    status: str = "succeeded"
    output: Any = "done"
    error: str | None = None
    predict_time: float | None = None
    """By default all of its seconds."""


class Request(NamedTuple):
    """A request that has arrived."""

    method: str
    path: str
    """Without `/v1` and without the query."""

    at: float
    """On the virtual clock."""


@dataclass(eq=False)
class Job:
    """A prediction; its times are on the virtual clock."""

    id: str
    model: str
    input: dict[str, Any]
    created_at: float
    plan: Plan
    is_foreign: bool
    canceled_at: float | None = None
    cancellation: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ended_at(self) -> float:
        return self.created_at + self.plan.seconds if self.canceled_at is None else self.canceled_at

    def status(self, now: float) -> str:
        if now < self.ended_at:
            return "processing" if now > self.created_at else "starting"
        return self.plan.status if self.canceled_at is None else "canceled"

    def to_json(self, now: float) -> dict[str, Any]:
        """Return what the API sends at a moment."""
        status, url, is_removed = self.status(now), f"{BASE_URL}/predictions/{self.id}", now > self.ended_at + RETENTION
        job: dict[str, Any] = {
            "id": self.id,
            "model": self.model,
            "version": VERSION,
            "input": {} if is_removed else self.input,
            "logs": "",
            "output": self.plan.output if status == "succeeded" and not is_removed else None,
            "data_removed": is_removed,
            "error": self.plan.error if status == "failed" else None,
            "status": status,
            "created_at": to_timestamp(self.created_at),
            "urls": {"get": url, "cancel": f"{url}/cancel"},
        }
        if now >= self.ended_at:
            duration = self.ended_at - self.created_at
            predict_time = duration if self.plan.predict_time is None else self.plan.predict_time
            job |= {"completed_at": to_timestamp(self.ended_at), "metrics": {"predict_time": predict_time}}
        return job

    def to_held_json(self, now: float) -> dict[str, Any]:
        """Return the response to a held create: an output comes before the metrics (docs/api-facts.md, section 7)."""
        job = self.to_json(now)
        if job["status"] != "succeeded":
            return job
        return {name: job[name] for name in job if name not in ("metrics", "completed_at")} | {"status": "processing"}


class FakePlatform:
    """The handler of an `httpx.MockTransport`; it has one model, `MODEL`, with the inputs text, seconds and image.

    A test may set:
        plan: Returns what the prediction of an input does; by default it succeeds after `seconds` of the input, or 1.
        refuse: Is called with each request that arrives; what it returns happens instead of its effect.
        lose: Is called with each request that had its effect; what it returns happens instead of its response.
        latency: Seconds between a request and its response; half of them each way.
        completion_lag: Seconds before its end at which a prediction that succeeds has its output: a hold ends then.
        list_lag: Seconds after which lists show a new prediction.
        foreign_rate: Predictions of another model that other programs create in each second.
        is_official: Whether the model is an official one.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.plan: Callable[[dict[str, Any]], Plan] = lambda input: Plan(input.get("seconds", 1.0))
        self.refuse: Callable[[httpx.Request], Fault] = lambda request: None
        self.lose: Callable[[httpx.Request], Fault] = lambda request: None
        self.latency, self.completion_lag, self.list_lag, self.foreign_rate = 0.05, 0.0, 0.0, 0.0
        self.is_official = True
        self._last_foreign_at = clock.time
        self.jobs: dict[str, Job] = {}
        """All predictions, oldest first."""

        self.requests: list[Request] = []
        """Those that were neither refused by the rate limit nor by `refuse`."""

        self.refused: list[Request] = []
        self.throttled: list[Request] = []
        """Those that got a 429."""

        self.files: dict[str, bytes] = {}
        """Files by URL; every other one of `FILES_URL` contains its URL."""

        self._creates, self._others = (TokenBucket(*limit, clock.monotonic) for limit in ((600, 10), (3000, 50)))

    def limit_creates(self, capacity: int, rate: float) -> None:
        """Allow a burst of creates, and so many a second after that; 600 and 10 by default."""
        self._creates = TokenBucket(capacity, rate, self.clock.monotonic)

    def client(self, **options: Any) -> Replicate:
        return Replicate(TOKEN, transport=httpx.MockTransport(self.respond), **options)

    def async_client(self, **options: Any) -> AsyncReplicate:
        return AsyncReplicate(TOKEN, transport=httpx.MockTransport(self.respond), **options)

    def add_job(self, input: dict[str, Any], *, model: str = MODEL, is_foreign: bool = True) -> Job:
        """Create a prediction; by default as another client of the account does."""
        id = f"p{len(self.jobs):025}"
        job = self.jobs[id] = Job(id, model, input, self.clock.time, self.plan(input), is_foreign)
        return job

    def _add_foreign_jobs(self) -> None:
        """Add what other programs have created since the last request."""
        while self.foreign_rate and self._last_foreign_at + 1 / self.foreign_rate <= self.clock.time:
            self._last_foreign_at += 1 / self.foreign_rate
            job = self.add_job({"prompt": "a cat"}, model="other/model")
            job.created_at = self._last_foreign_at

    # What a test looks at

    @property
    def bought(self) -> list[Job]:
        """The predictions that the tested client has created."""
        return [job for job in self.jobs.values() if not job.is_foreign]

    def purchases(self) -> Counter[str]:
        """Return how often each input was bought, by its JSON."""
        return Counter(json.dumps(job.input, sort_keys=True) for job in self.bought)

    def count(self, pattern: str = ".*") -> int:
        """Return how many requests have matched, such as `GET /predictions`."""
        return sum(re.fullmatch(pattern, f"{method} {path}") is not None for method, path, _ in self.requests)

    def max_running(self) -> int:
        """Return how many of the tested client's predictions ran at the same time, at most."""
        changes = [(job.created_at, 1) for job in self.bought] + [(job.ended_at, -1) for job in self.bought]
        running = highest = 0
        for _, change in sorted(changes):
            running += change
            highest = max(highest, running)
        return highest

    # Requests

    def respond(self, request: httpx.Request) -> Any:
        """Respond to a sync client immediately, and to an async one after the latency and the hold."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            outcome = self._arrive(request)
            assert not isinstance(outcome, Job), "the driver has an event loop"
            return self._send(outcome)
        return self._respond_async(request)

    async def _respond_async(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self.latency / 2)
        outcome = self._arrive(request)
        if isinstance(outcome, Job):
            outcome = await self._hold(outcome, request)
        if isinstance(outcome, httpx.Response) and outcome.is_success:
            outcome = self.lose(request) or outcome
        await asyncio.sleep(self.latency / 2)
        return self._send(outcome)

    def _send(self, outcome: httpx.Response | Exception) -> httpx.Response:
        if isinstance(outcome, Exception):
            raise outcome
        outcome.headers["date"] = format_datetime(datetime.fromtimestamp(int(self.now()), UTC), usegmt=True)
        return outcome

    def now(self) -> float:
        """Return the server's time in seconds since the epoch."""
        return EPOCH + self.clock.time

    async def _hold(self, job: Job, request: httpx.Request) -> httpx.Response:
        """Wait for the end of a prediction for as long as its create may be held."""
        headers = self._creates.headers()
        match = re.fullmatch(r"wait(?:=(\d+))?", request.headers.get("prefer", ""))
        if match is None:
            return json_response(job.to_json(self.clock.time), 201, **headers)
        output_at = job.ended_at - (self.completion_lag if job.plan.status == "succeeded" else 0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(float(match[1] or 60), output_at - self.clock.time)):
                await job.cancellation.wait()
        is_over = min(output_at, job.ended_at) <= self.clock.time
        body = job.to_held_json(max(self.clock.time, job.ended_at) if is_over else self.clock.time)
        return json_response(body, 201 if is_over else 202, **headers)

    def _arrive(self, request: httpx.Request) -> httpx.Response | Exception | Job:
        """Do what a request asks for; return a job for a create."""
        self._add_foreign_jobs()
        recorded = Request(request.method, request.url.path.removeprefix("/v1"), self.clock.time)
        if (fault := self.refuse(request)) is not None:
            self.refused.append(recorded)
            return fault
        if str(request.url).startswith(FILES_URL):
            return self._get_file(str(request.url))
        is_create = request.method == "POST" and recorded.path.endswith("/predictions")
        bucket = self._creates if is_create else self._others
        if (hint := bucket.take()) is not None:
            self.throttled.append(recorded)
            detail = f"Request was throttled. Expected available in {hint} seconds."
            return json_response({"detail": detail, "status": 429, "retry_after": hint}, 429, **bucket.headers())
        self.requests.append(recorded)
        if is_create:
            return self.add_job(json.loads(request.content)["input"], is_foreign=False)
        response = self._route(request, recorded)
        response.headers.update(bucket.headers())
        return response

    def _route(self, request: httpx.Request, recorded: Request) -> httpx.Response:
        match [recorded.method, *recorded.path.strip("/").split("/")]:
            case ["GET", "models", "acme", "painter"]:
                return json_response(self._model())
            case ["GET", "models", "acme", "painter", "versions", id] if id == VERSION:
                return json_response(self._model()["latest_version"])
            case ["GET", "predictions"]:
                return self._list(request.url.params)
            case ["GET", "predictions", id] if id in self.jobs:
                return json_response(self.jobs[id].to_json(self.clock.time))
            case ["POST", "predictions", id, "cancel"] if id in self.jobs:
                return json_response(self._cancel(self.jobs[id]))
            case ["POST", "files"]:
                url = f"{BASE_URL}/files/f{len(self.files)}"
                self.files[url] = request.content
                return json_response({"id": url.rpartition("/")[2], "urls": {"get": url}}, 201)
        return json_response({"detail": f"no {recorded.method} {recorded.path}", "status": 404}, 404)

    def _model(self) -> dict[str, Any]:
        version = {"id": VERSION, "openapi_schema": SCHEMA}
        return {"owner": "acme", "name": "painter", "is_official": self.is_official, "latest_version": version}

    def _list(self, params: httpx.QueryParams) -> httpx.Response:
        """Return a page of the predictions, newest first; a cursor is the number of older ones."""
        jobs = list(self.jobs.values())
        earliest, latest = (to_moment(params.get(name)) for name in ("created_after", "created_before"))
        end = int(params.get("cursor", len(jobs)))
        while latest and end and jobs[end - 1].created_at >= latest:
            end -= 1
        now, page = self.clock.time, []
        while end and len(page) < PAGE_SIZE and jobs[end - 1].created_at >= earliest:
            end -= 1
            if jobs[end].created_at + self.list_lag <= now:
                page.append(jobs[end].to_json(now))
        following = None
        if end and jobs[end - 1].created_at >= earliest:
            following = f"{BASE_URL}/predictions?{httpx.QueryParams(params.set('cursor', end))}"
        return json_response({"next": following, "previous": None, "results": page})

    def _cancel(self, job: Job) -> dict[str, Any]:
        if self.clock.time < job.ended_at:
            job.canceled_at = self.clock.time
            job.cancellation.set()
        return job.to_json(self.clock.time)

    def _get_file(self, url: str) -> httpx.Response:
        """Return a file of an output: its name begins with the id of the prediction, and ends with it."""
        job = self.jobs.get(url.removeprefix(FILES_URL).partition("/")[0])
        if job is not None and self.clock.time > job.ended_at + RETENTION:
            return json_response({"detail": "not found"}, 404)
        return httpx.Response(200, content=self.files.get(url, url.encode()))


def to_moment(timestamp: str | None) -> float:
    """Return the moment of a timestamp on the virtual clock; 0 for None."""
    return datetime.fromisoformat(timestamp).timestamp() - EPOCH if timestamp else 0.0


def to_timestamp(moment: float) -> str:
    """Return a moment of the virtual clock as the API writes it."""
    return datetime.fromtimestamp(EPOCH + moment, UTC).isoformat().replace("+00:00", "Z")


def _configure_without_flush(journal: Journal, configure: Any = Journal._configure) -> None:
    """Flush nothing to the disk: that would take most of the time of these tests."""
    configure(journal)
    journal._db.execute("pragma synchronous = off")


def platform_fixture() -> Any:
    """Return a fixture for a platform; drivers of batches that run meanwhile follow its virtual time."""

    @pytest.fixture
    def platform(monkeypatch: pytest.MonkeyPatch) -> FakePlatform:
        monkeypatch.setattr(Journal, "_configure", _configure_without_flush)
        return FakePlatform(use_virtual_time(monkeypatch, max_real_seconds=60.0))

    return platform
