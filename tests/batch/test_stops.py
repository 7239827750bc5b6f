"""What stops a batch: a first row that fails, too many failures in a row, a refused token or payment."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import json_response
from fake_platform import MODEL, FakePlatform, Plan, platform_fixture
from replicate_ext import (
    APIConnectionError,
    AuthenticationError,
    Batch,
    BatchStoppedError,
    Item,
    ModelError,
    PaymentRequiredError,
    PredictionAbortedError,
)
from replicate_ext._batch.journal import Journal

platform = platform_fixture()

FAILED = Plan(status="failed", error="NSFW content detected")


def rows(count: int) -> list[dict[str, Any]]:
    return [{"text": str(number)} for number in range(count)]


def fail(*numbers: int, plan: Plan = FAILED) -> Callable[[dict[str, Any]], Plan]:
    """Return a plan in which these rows fail."""
    return lambda input: plan if int(input["text"]) in numbers else Plan()


def run(batch: Batch) -> tuple[list[Item], BatchStoppedError | None]:
    """Return the items of a batch, and why it stopped."""
    items = []
    try:
        for item in batch:
            items.append(item)
    except BatchStoppedError as error:
        return items, error
    return items, None


def is_create(request: httpx.Request) -> bool:
    return request.method == "POST" and request.url.path.endswith("/predictions")


# The first row


def test_first_row_runs_alone(platform: FakePlatform, tmp_path: Path) -> None:
    items, _ = run(platform.client().map(MODEL, rows(20), tmp_path))
    first, *others = platform.bought
    assert min(job.created_at for job in others) >= first.ended_at
    assert max(job.created_at for job in others) < first.ended_at + 0.2
    assert len(items) == 20


def test_failure_of_the_first_row_stops_the_batch(platform: FakePlatform, tmp_path: Path) -> None:
    platform.plan = fail(0)
    batch = platform.client().map(MODEL, rows(20), tmp_path)
    items, error = run(batch)
    assert [(item.index, item.status) for item in items] == [(0, "failed")]
    assert len(platform.bought) == 1
    assert error is not None
    assert "the first row failed" in error.reason
    assert "NSFW" in error.reason
    assert isinstance(error.__cause__, ModelError)
    assert str(error) == f"{error.reason}; to continue: Batch.open({str(tmp_path)!r}, client).resume()"
    assert batch.report().unfinished == {"new": 19}


def test_next_row_runs_alone_after_the_first_one_failed(platform: FakePlatform, tmp_path: Path) -> None:
    client = platform.client()
    platform.plan = fail(0, 1)
    run(client.map(MODEL, rows(20), tmp_path))
    _, error = run(Batch.open(tmp_path, client).resume())
    assert error is not None
    assert "row 1" in error.reason
    assert len(platform.bought) == 2
    items, error = run(Batch.open(tmp_path, client).resume())
    assert (len(items), error) == (18, None)
    assert len(platform.bought) == 20


def test_rows_after_a_resume_need_no_first_one(platform: FakePlatform, tmp_path: Path) -> None:
    client = platform.client()
    run(client.map(MODEL, rows(20), tmp_path, max_creates=1))
    run(Batch.open(tmp_path, client).resume(max_creates=None))
    assert len({job.created_at for job in platform.bought}) == 2


# Failures in a row


def test_failures_in_a_row_stop_the_batch(platform: FakePlatform, tmp_path: Path) -> None:
    platform.plan = fail(*range(10, 40))
    items, error = run(platform.client().map(MODEL, rows(100), tmp_path, concurrency=5))
    assert error is not None
    assert "20 rows in a row failed (max_failures)" in error.reason
    assert isinstance(error.__cause__, ModelError)
    failed = sum(item.status == "failed" for item in items)
    assert 20 <= failed < 20 + 5, "those that were running may end"
    assert len(platform.bought) == len(items) == 10 + failed


def test_success_between_failures_starts_the_count_again(platform: FakePlatform, tmp_path: Path) -> None:
    platform.plan = fail(*(number for number in range(100) if number % 3))
    items, error = run(platform.client().map(MODEL, rows(100), tmp_path, concurrency=1, max_failures=3))
    assert (len(items), error) == (100, None)


def test_max_failures_none_buys_every_row(platform: FakePlatform, tmp_path: Path) -> None:
    platform.plan = fail(*range(50))
    items, error = run(platform.client().map(MODEL, rows(50), tmp_path, max_failures=None))
    assert ([item.status for item in items], error) == (["failed"] * 50, None)


def test_rows_that_the_api_refuses_count_as_failures(platform: FakePlatform, tmp_path: Path) -> None:
    platform.refuse = lambda request: (
        json_response({"detail": "no"}, 422) if is_create(request) and platform.bought else None
    )
    items, error = run(platform.client().map(MODEL, rows(50), tmp_path, max_failures=4, concurrency=2))
    assert [item.status for item in items][:5] == ["succeeded", *["refused"] * 4]
    assert error is not None
    assert len(platform.refused) <= 5
    assert items[1].attempts == 0


def test_on_error_raise_stops_at_the_first_failure(platform: FakePlatform, tmp_path: Path) -> None:
    """Nothing is bought while the loop of the caller has not come to the row that has failed."""
    platform.plan = lambda input: FAILED._replace(seconds=0.5) if input["text"] == "7" else Plan(seconds=5)
    batch = platform.client().map(MODEL, rows(40), tmp_path, on_error="raise", concurrency=10)
    items, error = run(batch)
    assert all(item.status == "succeeded" for item in items)
    assert error is not None
    assert "row 7 failed: ModelError: " in error.reason
    assert "resume()" in str(error)
    assert len(platform.bought) == 1 + 10
    assert batch.report().unfinished["new"] >= 40 - 11


# Retries


@pytest.mark.parametrize(
    ("plan", "attempts"),
    [
        (Plan(status="aborted"), 2),
        (Plan(status="failed", error="Prediction interrupted; please retry (code: PA)"), 2),
        (Plan(status="failed", error="Queue reached limit (E003)"), 2),
        (Plan(status="failed", error="NSFW content detected"), 1),
        (Plan(status="failed", error="CUDA out of memory (E9999)"), 1),
        (Plan(status="failed", error=None), 1),
        (Plan(status="canceled"), 1),
    ],
)
def test_only_failures_of_the_platform_are_bought_again(
    platform: FakePlatform, tmp_path: Path, plan: Plan, attempts: int
) -> None:
    platform.plan = fail(1, plan=plan)
    items, error = run(platform.client().map(MODEL, rows(3), tmp_path))
    by_index = {item.index: item for item in items}
    assert (by_index[1].status, by_index[1].attempts) == (plan.status, attempts)
    assert platform.purchases()['{"text": "1"}'] == attempts
    assert error is None


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_limited(platform: FakePlatform, tmp_path: Path, retries: int) -> None:
    platform.plan = fail(1, plan=Plan(status="aborted"))
    items, _ = run(platform.client().map(MODEL, rows(3), tmp_path, retries=retries))
    assert sorted((item.index, item.attempts) for item in items) == [(0, 1), (1, 1 + retries), (2, 1)]


def test_first_row_that_was_aborted_is_repeated_before_it_stops_the_batch(
    platform: FakePlatform, tmp_path: Path
) -> None:
    plans = [Plan(status="aborted")]
    platform.plan = lambda input: plans.pop() if plans else Plan()
    items, error = run(platform.client().map(MODEL, rows(3), tmp_path))
    assert ([item.status for item in items], error) == (["succeeded"] * 3, None)
    platform.plan = lambda input: Plan(status="aborted")
    _, error = run(platform.client().map(MODEL, rows(3), tmp_path / "other"))
    assert error is not None
    assert isinstance(error.__cause__, PredictionAbortedError)
    assert len(platform.bought) == 4 + 2


# Refused token, refused payment


def refuse_after(platform: FakePlatform, count: int, status: int) -> list[float]:
    """Refuse creates once so many were accepted; return a list of the times at which these responses leave."""
    times: list[float] = []

    def refuse(request: httpx.Request) -> httpx.Response | None:
        if not is_create(request) or len(platform.bought) < count:
            return None
        times.append(platform.clock.time)
        return json_response({"title": "Insufficient credit", "detail": "buy some", "status": status}, status)

    platform.refuse = refuse
    return times


@pytest.mark.parametrize(("status", "cause"), [(401, AuthenticationError), (402, PaymentRequiredError)])
def test_no_create_begins_after_a_refused_payment(
    platform: FakePlatform, tmp_path: Path, status: int, cause: type
) -> None:
    platform.plan = lambda input: Plan(seconds=1 + int(input["text"]) % 7)
    times = refuse_after(platform, 50, status)
    batch = platform.client().map(MODEL, rows(100), tmp_path, concurrency=30)
    items, error = run(batch)
    assert max(times) <= times[0] + platform.latency
    assert len(platform.bought) == len(items) == 50
    assert {item.status for item in items} == {"succeeded"}
    assert error is not None
    assert isinstance(error.__cause__, cause)
    assert str(status) in error.reason
    assert "buy some" in error.reason
    assert batch.report().unfinished == {"new": 50}


def test_batch_continues_after_the_payment(platform: FakePlatform, tmp_path: Path) -> None:
    client = platform.client()
    refuse_after(platform, 5, 402)
    run(client.map(MODEL, rows(10), tmp_path))
    platform.refuse = lambda request: None
    items, error = run(Batch.open(tmp_path, client).resume())
    assert (len(items), error) == (5, None)
    assert set(platform.purchases().values()) == {1}


def test_outputs_of_what_was_running_are_saved_after_a_402(platform: FakePlatform, tmp_path: Path) -> None:
    platform.plan = lambda input: Plan(seconds=20, output=f"https://replicate.delivery/x/{input['text']}.webp")
    refuse_after(platform, 10, 402)
    items, error = run(platform.client().map(MODEL, rows(30), tmp_path, concurrency=12))
    assert error is not None
    assert len(items) == 10
    assert all(item.paths[0].read_bytes() == item.output.encode() for item in items)


def test_creates_that_wait_for_the_rate_limit_are_not_sent_after_a_402(platform: FakePlatform, tmp_path: Path) -> None:
    """Another program has emptied the bucket: all of the creates get a 429, and the first that is sent again a 402."""

    def refuse(request: httpx.Request) -> httpx.Response | None:
        if not is_create(request) or not platform.bought:
            return None
        if platform.clock.time < second:
            return json_response({"detail": "throttled", "retry_after": 10}, 429)
        payments.append(platform.clock.time)
        return json_response({"detail": "buy some"}, 402)

    payments: list[float] = []
    second = platform.clock.time + 8
    platform.refuse = refuse
    items, error = run(platform.client().map(MODEL, rows(30), tmp_path, concurrency=12))
    assert error is not None
    assert isinstance(error.__cause__, PaymentRequiredError)
    assert max(payments) <= payments[0] + platform.latency
    assert len(items) == 1


def test_creates_that_could_not_connect_are_not_sent_after_a_402(platform: FakePlatform, tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> Any:
        if not is_create(request) or not platform.bought:
            return None
        creates.append(platform.clock.time)
        return json_response({"detail": "buy some"}, 402) if len(creates) == 5 else httpx.ConnectError("refused")

    creates: list[float] = []
    platform.refuse = refuse
    _, error = run(platform.client().map(MODEL, rows(30), tmp_path, concurrency=12))
    assert error is not None
    assert isinstance(error.__cause__, PaymentRequiredError)
    assert max(creates) <= creates[4] + platform.latency


def test_create_whose_intent_could_not_be_written_is_not_sent_after_a_402(
    platform: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full for a while; meanwhile the payment is refused."""
    times = refuse_after(platform, 20, 402)
    commit, failures = Journal.commit, []

    def commit_unless_full(journal: Journal) -> None:
        is_intent = any("insert into attempt" in sql for sql, _ in journal._pending)
        if is_intent and times and platform.clock.time < times[0] + 3:
            failures.append(platform.clock.time)
            raise sqlite3.OperationalError("database or disk is full")
        commit(journal)

    monkeypatch.setattr(Journal, "commit", commit_unless_full)
    platform.latency = 1.0
    platform.plan = lambda input: Plan(seconds=1 + int(input["text"]) % 17 / 3)
    _, error = run(platform.client().map(MODEL, rows(60), tmp_path, concurrency=12))
    assert error is not None
    assert failures[0] < times[0] + platform.latency / 2, "while the response was on its way"
    assert max(times) <= times[0] + platform.latency


# Outages


def refuse_connections(platform: FakePlatform, since: float, until: float, method: str = "") -> None:
    def refuse(request: httpx.Request) -> Exception | None:
        is_refused = method in request.method and since <= platform.clock.time - started < until
        return httpx.ConnectError("refused") if is_refused else None

    platform.refuse, started = refuse, platform.clock.time


def test_outage_of_less_than_an_hour_stops_nothing(platform: FakePlatform, tmp_path: Path) -> None:
    refuse_connections(platform, 5, 3500)
    items, error = run(platform.client().map(MODEL, rows(20), tmp_path, concurrency=2))
    assert (len(items), error) == (20, None)
    assert len(platform.refused) < 200, "with growing pauses"


def test_longer_outage_stops_the_batch(platform: FakePlatform, tmp_path: Path) -> None:
    refuse_connections(platform, 5, 5000)
    _, error = run(platform.client().map(MODEL, rows(20), tmp_path, concurrency=2))
    assert error is not None
    assert isinstance(error.__cause__, APIConnectionError)
    assert platform.clock.time == pytest.approx(1000 + 5 + 3600, abs=120)


def test_time_in_which_nothing_was_created_is_no_outage(
    platform: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replicate_ext._batch.outage.MAX_OUTAGE", 60.0)
    platform.plan = lambda input: Plan(seconds=200 if input["text"] in "12" else 1)
    refuse_connections(platform, 190, 230, method="POST")
    items, error = run(platform.client().map(MODEL, rows(6), tmp_path, concurrency=2))
    assert platform.refused
    assert (len(items), error) == (6, None)
