"""Every row is bought exactly once, whatever happened to the process, the connection or a clock."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import json_response
from fake_platform import MODEL, FakePlatform, Plan, platform_fixture
from killed_process import is_create, is_download, is_poll, kill
from replicate_ext._batch import reconcile
from replicate_ext._batch.batch import Batch
from replicate_ext._batch.item import Item

platform = platform_fixture()


def rows(count: int, **values: Any) -> list[dict[str, Any]]:
    return [{"text": str(number)} | values for number in range(count)]


def once(rows: list[dict[str, Any]]) -> Counter[str]:
    """Return what `FakePlatform.purchases` returns if each of the rows was bought once."""
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


def resume(platform: FakePlatform, folder: Path, **changes: Any) -> list[Item]:
    """Continue in another process, and return all items in order."""
    return list(Batch.open(folder, platform.client()).resume(**changes).results())


def nth(moment: Any, number: int) -> Any:
    """Return a function that is true for the request of this number, from 1, of those for which `moment` is true."""
    count = 0

    def is_it(request: httpx.Request) -> bool:
        nonlocal count
        count += moment(request)
        return moment(request) and count == number

    return is_it


def file_of(input: dict[str, Any]) -> Plan:
    return Plan(1.0, output=f"https://replicate.delivery/{input['text']}/out.png")


@pytest.mark.parametrize("number", [1, 4])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("seconds", [1.0, 300.0], ids=["held", "long"])
def test_killed_around_a_create(
    platform: FakePlatform, tmp_path: Path, moment: str, number: int, seconds: float
) -> None:
    given = rows(9, seconds=seconds)
    folder = kill(platform, given, tmp_path / "batch", **{moment: nth(is_create, number)})
    items = resume(platform, folder)
    assert [item.status for item in items] == ["succeeded"] * 9
    assert [item.attempts for item in items] == [1] * 9
    assert platform.purchases() == once(given)


def test_killed_while_predictions_run(platform: FakePlatform, tmp_path: Path) -> None:
    def is_moment(request: httpx.Request) -> bool:
        return is_poll(request) and len(platform.bought) == 9

    given = rows(9, seconds=300)
    folder = kill(platform, given, tmp_path / "batch", before=is_moment)
    ids = {job.id for job in platform.bought}
    assert {item.prediction_id for item in resume(platform, folder)} == ids
    assert platform.purchases() == once(given)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_between_the_end_of_a_row_and_its_files(platform: FakePlatform, tmp_path: Path, moment: str) -> None:
    platform.plan = file_of
    folder = kill(platform, rows(5), tmp_path / "batch", **{moment: nth(is_download, 3)})
    items = resume(platform, folder)
    assert platform.purchases() == once(rows(5))
    assert [[path.read_text() for path in item.paths] for item in items] == [
        [f"https://replicate.delivery/{number}/out.png"] for number in range(5)
    ]
    assert all(path.is_relative_to(folder) for item in items for path in item.paths)


def test_killed_between_the_files_of_a_row_and_then(platform: FakePlatform, tmp_path: Path) -> None:
    platform.plan = file_of
    calls: list[str] = []

    def then(item: Item) -> int:
        calls.append(item.paths[0].read_text())
        return item.index * 10

    # The last download has ended, and `then` was called for some of the rows.
    folder = kill(platform, rows(5), tmp_path / "batch", after=nth(is_download, 5), then=then)
    items = resume(platform, folder, then=then)
    assert [item.result for item in items] == [0, 10, 20, 30, 40]
    assert set(calls) == {f"https://replicate.delivery/{number}/out.png" for number in range(5)}
    assert platform.purchases() == once(rows(5))


# Failures while the batch runs


def fault(kind: str, request: httpx.Request) -> httpx.Response | Exception:
    if kind == "500":
        return json_response({"detail": "oops", "status": 500}, 500)
    return httpx.ReadTimeout("", request=request) if kind == "timeout" else httpx.ReadError("reset", request=request)


AMBIGUOUS = ["500", "reset", "timeout"]


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_prediction_whose_response_was_lost_is_adopted(platform: FakePlatform, tmp_path: Path, kind: str) -> None:
    given = rows(9)
    lost = nth(is_create, 4)
    platform.lose = lambda request: fault(kind, request) if lost(request) else None
    items = list(platform.client().map(MODEL, given, tmp_path / "batch").results())
    assert [(item.status, item.attempts) for item in items] == [("succeeded", 1)] * 9
    assert platform.purchases() == once(given)


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_create_without_effect_is_sent_again_after_two_complete_lists(
    platform: FakePlatform, tmp_path: Path, kind: str
) -> None:
    given, refused = rows(3), nth(is_create, 2)
    platform.refuse = lambda request: fault(kind, request) if refused(request) else None
    items = list(platform.client().map(MODEL, given, tmp_path / "batch").results())
    assert [(item.status, item.attempts) for item in items] == [("succeeded", 1)] * 3
    assert platform.purchases() == once(given)
    [refusal] = [request.at for request in platform.refused]
    again = next(request.at for request in platform.requests if request.at > refusal and request.method == "POST")
    lists = [at for method, path, at in platform.requests if path == "/predictions" and method == "GET"]
    between = [at for at in lists if refusal + reconcile.SETTLE_TIME <= at <= again]
    assert len(between) == 2
    assert between[1] - between[0] >= reconcile.SETTLE_TIME


@pytest.mark.parametrize("page", [1, 2])
@pytest.mark.parametrize("kind", ["reset", "500", "not JSON", "no results"])
def test_list_that_fails_or_ends_early_decides_nothing(
    platform: FakePlatform, tmp_path: Path, kind: str, page: int
) -> None:
    """The prediction is on the second page of the list, and the list is not complete for more than a minute."""
    bodies = {"not JSON": httpx.Response(200, text="<html>"), "no results": json_response({"detail": "soon"})}
    lost, broken_until = nth(is_create, 1), platform.clock.time + 100

    def lose(request: httpx.Request) -> Any:
        if lost(request):
            for number in range(150):
                platform.add_job({"text": f"foreign {number}"})
            return httpx.ReadError("reset", request=request)
        is_page = request.url.path.endswith("/predictions") and ("cursor" in request.url.params) == (page == 2)
        if request.method == "GET" and is_page and platform.clock.time < broken_until:
            return bodies[kind] if kind in bodies else fault(kind, request)
        return None

    platform.lose = lose
    [item] = platform.client(max_retries=0).map(MODEL, rows(1), tmp_path / "batch")
    assert (item.status, item.attempts) == ("succeeded", 1)
    assert platform.purchases() == once(rows(1))
    assert platform.clock.time > broken_until


def test_late_list_does_not_lead_to_a_second_purchase(platform: FakePlatform, tmp_path: Path) -> None:
    platform.list_lag = 15.0
    lost = nth(is_create, 3)
    platform.lose = lambda request: fault("reset", request) if lost(request) else None
    assert len(list(platform.client().map(MODEL, rows(5), tmp_path / "batch"))) == 5
    assert platform.purchases() == once(rows(5))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_equal_rows_are_bought_as_often_as_they_were_given(platform: FakePlatform, tmp_path: Path, moment: str) -> None:
    given = [{"text": "same"}] * 8
    folder = kill(platform, given, tmp_path / "batch", **{moment: nth(is_create, 5)})
    items = resume(platform, folder)
    assert len({item.prediction_id for item in items}) == 8
    assert platform.purchases() == once(given)


def test_equal_row_is_not_bought_before_a_lost_create_was_searched_for(platform: FakePlatform, tmp_path: Path) -> None:
    given, lost = [{"text": "same"}] * 6, nth(is_create, 2)
    platform.lose = lambda request: fault("reset", request) if lost(request) else None
    assert len([*platform.client().map(MODEL, given, tmp_path / "batch", concurrency=2)]) == 6
    assert platform.purchases() == once(given)
    pause = platform.bought[3].created_at - platform.bought[1].ended_at
    assert pause >= reconcile.SETTLE_TIME


def test_equal_prediction_of_another_client_is_not_taken_if_it_is_older(platform: FakePlatform, tmp_path: Path) -> None:
    foreign = platform.add_job({"text": "0"})
    platform.clock.time += 60
    folder = kill(platform, rows(1), tmp_path / "batch", before=is_create)
    [item] = resume(platform, folder)
    assert item.prediction_id != foreign.id
    assert platform.purchases() == once(rows(1))


# Clocks


class WrongClock:
    """A local clock that is wrong by some seconds."""

    def __init__(self, platform: FakePlatform) -> None:
        self.platform, self.error = platform, 0.0

    def time(self) -> float:
        return self.platform.now() + self.error

    def now(self, zone: Any = None) -> datetime:
        return datetime.fromtimestamp(self.time(), zone)


@pytest.fixture
def local_clock(platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> WrongClock:
    clock = WrongClock(platform)

    class Datetime(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return clock.now(tz)

    for module in ("_sansio.server_clock", "_sansio.in_flight"):
        monkeypatch.setattr(f"replicate_ext.{module}.datetime", Datetime)
    monkeypatch.setattr("replicate_ext._batch.server_time.time.time", clock.time)
    return clock


@pytest.mark.parametrize("change", [-3600.0, 3600.0], ids=["set back", "set forward"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_local_clock_does_not_matter(
    platform: FakePlatform, tmp_path: Path, local_clock: WrongClock, moment: str, change: float
) -> None:
    older = platform.add_job({"text": "1"})
    platform.clock.time += 1800
    folder = kill(platform, rows(3), tmp_path / "batch", **{moment: nth(is_create, 2)})
    local_clock.error = change
    items = resume(platform, folder)
    assert older.id not in {item.prediction_id for item in items}
    assert platform.purchases() == once(rows(3))


# What cannot be decided anymore


def remove_inputs(platform: FakePlatform) -> None:
    platform.clock.time += 2 * 3600


def test_removed_inputs_make_a_row_uncertain_and_it_is_never_bought_by_itself(
    platform: FakePlatform, tmp_path: Path
) -> None:
    folder = kill(platform, rows(3), tmp_path / "batch", after=nth(is_create, 2), concurrency=1)
    remove_inputs(platform)
    client = platform.client()
    batch = Batch.open(folder, client)
    items = list(batch.resume().results())
    [uncertain] = [item for item in items if item.status == "uncertain"]
    assert "may have been accepted" in str(uncertain.error)
    report = batch.report()
    assert (report.done, report.uncertain, report.uncertain_rows) == (2, 1, (uncertain.index,))
    assert batch.status().uncertain == 1
    assert platform.purchases() == once(rows(3))

    list(batch.resume())
    list(batch.retry(failed=True))
    assert platform.purchases() == once(rows(3))

    [item] = batch.retry(uncertain=True)
    assert (item.index, item.status, item.attempts) == (uncertain.index, "succeeded", 2)
    assert item.error is None
    assert sum(platform.purchases().values()) == 4
    assert batch.report().uncertain == 0


def test_removed_input_of_another_time_does_not_matter(platform: FakePlatform, tmp_path: Path) -> None:
    platform.add_job({"text": "foreign"})
    platform.clock.time += 1800
    folder = kill(platform, rows(2), tmp_path / "batch", before=nth(is_create, 2))
    remove_inputs(platform)
    assert [item.status for item in resume(platform, folder)] == ["succeeded"] * 2
    assert platform.purchases() == once(rows(2))


def test_output_of_an_adopted_row_that_was_removed_is_reported(platform: FakePlatform, tmp_path: Path) -> None:
    given = rows(1, seconds=300)
    folder = kill(platform, given, tmp_path / "batch", before=is_poll)
    remove_inputs(platform)
    [item] = resume(platform, folder)
    assert str(item.error).startswith("NotFoundError: its output was removed")
    assert (item.status, item.output) == ("succeeded", None)
    assert platform.purchases() == once(given)
