"""Lists: lazily, over all pages, on the API's own host only."""

import pytest

from conftest import API, Harness, prediction, replied
from replicate_ext import Prediction, ResponseError
from replicate_ext.pagination import next_path


def page(*ids: str, next: object = None) -> dict:
    return {"next": next, "previous": None, "results": [prediction(id=one) for one in ids]}


def test_all_items_of_all_pages_come_in_order(both: Harness) -> None:
    both.server.will(
        replied(page("a", "b", next=f"{API}/predictions?cursor=1")),
        replied(page(next=f"{API}/predictions?cursor=2")),
        replied(page("c")),
    )
    items = both.collect(both.client.predictions.list())
    assert [item.id for item in items] == ["a", "b", "c"]
    assert all(isinstance(item, Prediction) for item in items)
    assert [str(request.url) for request in both.server.requests] == [
        f"{API}/predictions",
        f"{API}/predictions?cursor=1",
        f"{API}/predictions?cursor=2",
    ]


def test_a_page_is_asked_for_when_it_is_needed(both: Harness) -> None:
    both.server.will(replied(page("a", "b", next=f"{API}/predictions?cursor=1")), replied(page("c")))
    items = both.client.predictions.list()
    assert both.server.requests == []
    if both.kind == "sync":
        assert [next(items).id, next(items).id] == ["a", "b"]
        items.close()
    else:

        async def two() -> list[str]:
            found = [(await anext(items)).id, (await anext(items)).id]
            await items.aclose()
            return found

        assert both.do(two()) == ["a", "b"]
    assert len(both.server.requests) == 1


def test_a_failing_page_is_retried(both: Harness) -> None:
    both.server.will(replied(page("a", next=f"{API}/predictions?cursor=1")), replied({}, 502), replied(page("b")))
    assert [item.id for item in both.collect(both.client.predictions.list())] == ["a", "b"]


def test_wrong_filters_are_told_at_the_call(both: Harness) -> None:
    with pytest.raises(TypeError, match="created_after must be a datetime"):
        both.client.predictions.list(created_after="yesterday")
    with pytest.raises(ValueError, match="sort_by must be one of"):
        both.client.models.list(sort_by="name")


def test_search_pages_too(both: Harness) -> None:
    both.server.will(replied({"next": None, "previous": None, "results": [{"owner": "acme", "name": "hello"}]}))
    [model] = both.collect(both.client.models.search("hello world"))
    assert (model.owner, model.name) == ("acme", "hello")
    assert both.server.requests[0].method == "QUERY"
    assert both.server.requests[0].content == b"hello world"


@pytest.mark.parametrize(
    ("link", "path"),
    [
        (None, None),
        ("", None),
        ("null", None),
        (5, None),
        (f"{API}/models?cursor=a%3D%3D", "/models?cursor=a%3D%3D"),
        ("http://api.replicate.com/v1/deployments?cursor=x", "/deployments?cursor=x"),
    ],
)
def test_the_next_page_is_below_the_base_url(link: object, path: str | None) -> None:
    assert next_path(link, API) == path


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1/predictions?cursor=1",
        "https://api.replicate.com:8443/v1/predictions",
        "https://api.replicate.com@evil.example/v1/predictions",
        "https://api.replicate.com/elsewhere",
        "/v1/predictions?cursor=1",
    ],
)
def test_a_link_that_leads_elsewhere_is_an_error_and_nothing_is_sent_there(both: Harness, link: str) -> None:
    both.server.will(replied(page("a", next=link)))
    with pytest.raises(ResponseError, match="not below"):
        both.collect(both.client.predictions.list())
    assert len(both.server.requests) == 1


def test_a_link_to_the_same_page_does_not_go_round_for_ever(both: Harness) -> None:
    both.server.will(replied(page("a", next=f"{API}/predictions?cursor=1")))
    assert len(both.collect(both.client.predictions.list())) == 2


@pytest.mark.parametrize("results", [None, "odd", {"a": 1}, []])
def test_a_page_without_results_is_an_empty_page(both: Harness, results: object) -> None:
    both.server.will(replied({"next": None, "results": results}))
    assert both.collect(both.client.predictions.list()) == []
