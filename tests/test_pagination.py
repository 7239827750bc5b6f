"""Lists: lazily, over all pages, on the API's own host only."""

import asyncio
import gc
import pickle
import threading
import weakref

import httpx
import pytest

from conftest import API, Harness, prediction, replied
from replicate_ext import Page, Prediction, ResponseError, ServerError
from replicate_ext._pagination import next_path


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


def three_pages(both: Harness) -> None:
    both.server.will(
        replied(page("a", "b", next=f"{API}/predictions?cursor=1")),
        replied(page("c", "d", next=f"{API}/predictions?cursor=2")),
        replied(page("e")),
    )


@pytest.mark.parametrize("prefetch", [True, False])
def test_pages_come_as_lists_of_items(both: Harness, prefetch: bool) -> None:
    three_pages(both)
    pages = both.collect(both.client.paginate(both.client.predictions.list, prefetch=prefetch, source="web"))
    assert [[item.id for item in page] for page in pages] == [["a", "b"], ["c", "d"], ["e"]]
    assert all(isinstance(page, Page) for page in pages)
    assert str(both.server.requests[0].url) == f"{API}/predictions?source=web"
    assert len(both.server.requests) == 3


@pytest.mark.parametrize(
    ("limit", "expected", "requests"),
    [
        (1, [["a"]], 1),
        (2, [["a", "b"]], 1),
        (3, [["a", "b"], ["c"]], 2),
        (4, [["a", "b"], ["c", "d"]], 2),
        (5, [["a", "b"], ["c", "d"], ["e"]], 3),
        (99, [["a", "b"], ["c", "d"], ["e"]], 3),
    ],
)
def test_a_limit_counts_items_and_asks_for_no_page_too_many(both: Harness, limit, expected, requests) -> None:
    three_pages(both)
    pages = both.collect(both.client.paginate(both.client.predictions.list, limit=limit))
    assert [[item.id for item in page] for page in pages] == expected
    assert len(both.server.requests) == requests


@pytest.mark.parametrize("prefetch", [True, False])
def test_the_next_page_is_fetched_while_one_is_busy_with_the_one_before(both: Harness, prefetch: bool) -> None:
    three_pages(both)
    pages = both.client.paginate(both.client.predictions.list, prefetch=prefetch)
    arrived = threading.Event()
    answer = both.server.answers[1]
    both.server.answers[1] = lambda request: [arrived.set(), answer][1]

    async def first_page() -> bool:
        await anext(pages)
        for _ in range(5):
            await asyncio.sleep(0)
        await pages.aclose()
        return arrived.is_set()

    if both.kind == "sync":
        next(pages)
        assert arrived.wait(5 if prefetch else 0) == prefetch
        pages.close()
    else:
        assert both.do(first_page()) == prefetch


@pytest.mark.parametrize("prefetch", [True, False])
def test_a_page_that_fails_for_good_says_how_far_it_got(make, prefetch: bool) -> None:
    both = make(max_retries=0)
    both.server.will(
        replied(page("a", "b", next=f"{API}/predictions?cursor=1")),
        replied(page("c", next=f"{API}/predictions?cursor=2")),
        replied({"detail": "Bad Gateway"}, 502),
    )
    pages = both.client.paginate(both.client.predictions.list, prefetch=prefetch)
    seen: list[int] = []
    with pytest.raises(ServerError) as caught:
        both.each(pages, lambda page: seen.append(len(page)))
    assert seen == [2, 1]  # what came before is not lost, even when the failure was met ahead of time
    assert caught.value.__notes__ == ["this was page 3 of the list, after 3 items"]
    assert pickle.loads(pickle.dumps(caught.value)).__notes__ == caught.value.__notes__


def test_leaving_early_leaves_nothing_behind(make) -> None:
    both = make(max_retries=0)
    both.server.will(replied(page("a", next=f"{API}/predictions?cursor=1")), replied({}, 502))

    async def main() -> None:
        pages = both.client.paginate(both.client.predictions.list)
        async for _ in pages:
            await asyncio.sleep(0)
            break
        await pages.aclose()

    if both.kind == "sync":
        for _ in both.client.paginate(both.client.predictions.list):
            break
    else:
        both.do(main())
    gc.collect()


def test_memory_does_not_grow_with_the_number_of_pages(make) -> None:
    both = make()
    alive: list[weakref.ref] = []

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("cursor", 0))
        link = f"{API}/predictions?cursor={number + 1}" if number < 50 else None
        return replied(page("a", next=link))

    both.server.will(answer)
    most = 0

    def note(one: Page) -> None:
        nonlocal most
        alive.append(weakref.ref(one))
        most = max(most, sum(ref() is not None for ref in alive))

    both.each(both.client.paginate(both.client.predictions.list), note)
    assert len(alive) == 51
    assert most <= 2


def test_a_page_is_let_go_before_the_next_is_fetched(both: Harness) -> None:
    seen: list[weakref.ref[object]] = []
    left: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        gc.collect()
        left.append(sum(reference() is not None for reference in seen))
        return replied(page("a", "b", "c", next=None if len(left) == 3 else f"{API}/predictions?cursor={len(left)}"))

    both.server.will(answer)
    both.each(both.client.predictions.list(), lambda item: seen.append(weakref.ref(item)))
    assert len(seen) == 9
    assert max(left) <= 1  # the loop's own variable


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"listing": "models"}, "takes a list method such as client.models.list"),
        ({"listing": "models.get"}, "takes a list method"),
        ({"limit": 0}, "limit must be 1 or more"),
        ({"limit": "x"}, "limit must be 1 or more"),
        ({"source": "api"}, "source must be"),
        ({"sauce": "web"}, "sauce"),
    ],
)
def test_wrong_arguments_of_paginate_are_told_at_the_call(both: Harness, arguments: dict, words: str) -> None:
    listing = {"models": "models", "models.get": both.client.models.get, None: both.client.predictions.list}
    arguments = dict(arguments)
    what = listing[arguments.pop("listing", None)]
    with pytest.raises((TypeError, ValueError), match=words):
        both.client.paginate(what, **arguments)
    assert both.server.requests == []


@pytest.mark.parametrize(
    ("link", "path"),
    [
        (None, None),
        ("", None),
        ("null", None),
        (5, None),
        (f"{API}/models?cursor=a%3D%3D", "/models?cursor=a%3D%3D"),
        ("http://api.replicate.com/v1/deployments?cursor=x", "/deployments?cursor=x"),
        ("https://api.replicate.com:443/v1/deployments?cursor=x", "/deployments?cursor=x"),
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
        "https://api.replicate.com:port/v1/predictions",
        "https://[",
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


@pytest.mark.parametrize("length", [2, 3, 7])
@pytest.mark.parametrize("prefetch", [True, False])
def test_links_that_go_round_come_to_an_end(both: Harness, length: int, prefetch: bool) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert len(both.server.requests) < 100, "it would go round for ever"
        number = int(request.url.params.get("cursor", 0))
        return replied(page("a", next=f"{API}/predictions?cursor={(number + 1) % length}"))

    both.server.will(answer)
    pages = both.collect(both.client.paginate(both.client.predictions.list, prefetch=prefetch))
    assert length <= len(pages) <= 4 * length


@pytest.mark.parametrize("results", [None, "odd", {"a": 1}, []])
def test_a_page_without_results_is_an_empty_page(both: Harness, results: object) -> None:
    both.server.will(replied({"next": None, "results": results}))
    assert both.collect(both.client.predictions.list()) == []
