"""Lists in pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from replicate_ext import Replicate
from replicate_ext.emulator import Emulator
from replicate_ext.emulator.pagination import paginate
from replicate_ext.emulator.state import Job, Jobs

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def make_job(number: int, seconds: float, kind: str = "prediction") -> Job:
    return Job(f"id{number}", "acme/hello", "v", {}, MOMENT + timedelta(seconds=seconds), "succeeded", kind=kind)


def test_pages_link_to_the_next_and_the_previous_page() -> None:
    with Emulator() as api, Replicate(api.token, base_url=api.url) as client:
        created = [
            client.models.predictions.create("acme", "hello", input={"text": str(number)}).id for number in range(205)
        ]
        http = httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {api.token}"})
        with http:
            first = http.get("predictions").json()
            second = http.get(first["next"]).json()
            third = http.get(second["next"]).json()
            assert [len(page["results"]) for page in (first, second, third)] == [100, 100, 5]
            assert (first["previous"], third["next"]) == (None, None)
            assert http.get(third["previous"]).json()["results"] == second["results"]
            assert http.get(second["previous"]).json()["results"] == first["results"]
            assert http.get("predictions?cursor=!").status_code == 404
        assert [prediction.id for prediction in client.predictions.list()] == created[::-1]
        middle = client.predictions.get(created[100])
        after = list(client.predictions.list(created_after=middle.created_at))
        before = list(client.predictions.list(created_before=middle.created_at))
        assert [prediction.id for prediction in after] == created[:99:-1]
        assert [prediction.id for prediction in before] == created[99::-1]
        assert list(client.predictions.list(source="web")) == []


def test_a_page_costs_the_same_in_a_list_of_any_length(api, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [make_job(number, number) for number in range(5_000)]
    for job in jobs:
        api._running_service.state.jobs[job.id] = job
    sort_key, calls = Job.sort_key.fget, []
    monkeypatch.setattr(Job, "sort_key", property(lambda job: calls.append(job) or sort_key(job)))
    with httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {api.token}"}) as http:
        first = http.get("predictions").json()
        second = http.get(first["next"]).json()
        newest = http.get("predictions", params={"created_after": jobs[-3].created_at.isoformat()}).json()
    assert [job["id"] for job in second["results"]] == [job.id for job in jobs[-101:-201:-1]]
    assert [job["id"] for job in newest["results"]] == ["id4999", "id4998", "id4997"]
    assert newest["next"] is None
    assert len(calls) < 100


def test_jobs_are_listed_by_creation_even_if_the_clock_was_set_back() -> None:
    jobs = Jobs()
    for number, seconds in enumerate([5, 1, 3, 3]):
        jobs[f"id{number}"] = make_job(number, seconds)
    jobs["id9"] = make_job(9, 2, kind="training")
    assert [job.id for job in jobs.of_kind("prediction")] == ["id1", "id2", "id3", "id0"]
    assert [job.id for job in jobs.of_kind("training")] == ["id9"]
    del jobs["id2"]
    assert [job.id for job in jobs.of_kind("prediction")] == ["id1", "id3", "id0"]
    assert list(jobs) == ["id0", "id1", "id3", "id9"]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize(("start", "stop", "expected"), [(0, None, "0123456789"), (2, 9, "2345678"), (5, 3, "")])
def test_following_the_links_visits_every_item_in_both_directions(
    descending: bool, start: int, stop: int | None, expected: str
) -> None:
    def page(query: dict[str, str]) -> tuple[dict[str, str | None], list[str]]:
        return paginate("0123456789", str, 4, "http://x/", query, descending, start, stop)

    def query_of(link: str | None) -> dict[str, str]:
        assert link is not None
        return dict(httpx.URL(link).params)

    links, items = page({})
    assert links["previous"] is None
    pages = [items]
    while links["next"] is not None:
        links, items = page(query_of(links["next"]))
        pages.append(items)
    assert "".join(item for items in pages for item in items) == (expected[::-1] if descending else expected)
    assert all(len(items) == 4 for items in pages[:-1])
    for earlier in pages[-2::-1]:
        links, items = page(query_of(links["previous"]))
        assert items == earlier
    assert links["previous"] is None
