"""List methods and `paginate`: lazy, over all pages, only on the API's own host."""

import asyncio
import gc
import pickle
import threading
import weakref

import httpx
import pytest

from conftest import BASE_URL, Harness, json_response, prediction
from replicate_ext import Page, Prediction, ResponseDecodeError, ServerError
from replicate_ext._pagination import next_path


def page(*ids: str, next: object = None) -> dict:
    return {"next": next, "previous": None, "results": [prediction(id=id) for id in ids]}


def respond_with_three_pages(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(page("a", "b", next=f"{BASE_URL}/predictions?cursor=1")),
        json_response(page("c", "d", next=f"{BASE_URL}/predictions?cursor=2")),
        json_response(page("e")),
    )


def test_list_yields_the_items_of_all_pages_in_order(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(page("a", "b", next=f"{BASE_URL}/predictions?cursor=1")),
        json_response(page(next=f"{BASE_URL}/predictions?cursor=2")),
        json_response(page("c")),
    )
    items = harness.collect(harness.client.predictions.list())
    assert [item.id for item in items] == ["a", "b", "c"]
    assert all(isinstance(item, Prediction) for item in items)
    assert [str(request.url) for request in harness.server.requests] == [
        f"{BASE_URL}/predictions",
        f"{BASE_URL}/predictions?cursor=1",
        f"{BASE_URL}/predictions?cursor=2",
    ]


def test_pages_are_requested_lazily(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(page("a", "b", next=f"{BASE_URL}/predictions?cursor=1")), json_response(page("c"))
    )
    items = harness.client.predictions.list()
    assert harness.server.requests == []
    if not harness.is_async:
        assert [next(items).id, next(items).id] == ["a", "b"]
        items.close()
    else:

        async def first_two() -> list[str]:
            ids = [(await anext(items)).id, (await anext(items)).id]
            await items.aclose()
            return ids

        assert harness.call(first_two()) == ["a", "b"]
    assert len(harness.server.requests) == 1


def test_failed_page_is_retried(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(page("a", next=f"{BASE_URL}/predictions?cursor=1")),
        json_response({}, 502),
        json_response(page("b")),
    )
    assert [item.id for item in harness.collect(harness.client.predictions.list())] == ["a", "b"]


def test_search_is_paginated(harness: Harness) -> None:
    harness.server.respond_with(
        json_response({"next": None, "previous": None, "results": [{"owner": "acme", "name": "hello"}]})
    )
    [model] = harness.collect(harness.client.models.search("hello world"))
    assert (model.owner, model.name) == ("acme", "hello")
    assert harness.server.requests[0].method == "QUERY"
    assert harness.server.requests[0].content == b"hello world"


def test_invalid_filters_are_rejected_at_the_call(harness: Harness) -> None:
    with pytest.raises(TypeError, match="created_after must be a datetime"):
        harness.client.predictions.list(created_after="yesterday")
    with pytest.raises(ValueError, match="sort_by must be one of"):
        harness.client.models.list(sort_by="name")


@pytest.mark.parametrize("prefetch", [True, False])
def test_paginate_yields_pages(harness: Harness, prefetch: bool) -> None:
    respond_with_three_pages(harness)
    pages = harness.collect(harness.client.paginate(harness.client.predictions.list, prefetch=prefetch, source="web"))
    assert [[item.id for item in page] for page in pages] == [["a", "b"], ["c", "d"], ["e"]]
    assert all(isinstance(page, Page) for page in pages)
    assert str(harness.server.requests[0].url) == f"{BASE_URL}/predictions?source=web"
    assert len(harness.server.requests) == 3


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
def test_limit_counts_items_and_requests_no_extra_page(harness: Harness, limit, expected, requests) -> None:
    respond_with_three_pages(harness)
    pages = harness.collect(harness.client.paginate(harness.client.predictions.list, limit=limit))
    assert [[item.id for item in page] for page in pages] == expected
    assert len(harness.server.requests) == requests


@pytest.mark.parametrize("prefetch", [True, False])
def test_prefetch_of_the_next_page(harness: Harness, prefetch: bool) -> None:
    respond_with_three_pages(harness)
    pages = harness.client.paginate(harness.client.predictions.list, prefetch=prefetch)
    prefetched = threading.Event()
    second = harness.server.responses[1]
    harness.server.responses[1] = lambda request: [prefetched.set(), second][1]

    async def is_prefetched() -> bool:
        await anext(pages)
        for _ in range(5):
            await asyncio.sleep(0)
        await pages.aclose()
        return prefetched.is_set()

    if not harness.is_async:
        next(pages)
        assert prefetched.wait(5 if prefetch else 0) == prefetch
        pages.close()
    else:
        assert harness.call(is_prefetched()) == prefetch


@pytest.mark.parametrize("prefetch", [True, False])
def test_page_error_reports_page_and_item_count(make_harness, prefetch: bool) -> None:
    harness = make_harness(max_retries=0)
    harness.server.respond_with(
        json_response(page("a", "b", next=f"{BASE_URL}/predictions?cursor=1")),
        json_response(page("c", next=f"{BASE_URL}/predictions?cursor=2")),
        json_response({"detail": "Bad Gateway"}, 502),
    )
    pages = harness.client.paginate(harness.client.predictions.list, prefetch=prefetch)
    sizes: list[int] = []
    with pytest.raises(ServerError) as caught:
        harness.for_each(pages, lambda page: sizes.append(len(page)))
    assert sizes == [2, 1]  # pages before the failure are not lost, even if it occurred while prefetching
    assert caught.value.__notes__ == ["this was page 3 of the list, after 3 items"]
    assert pickle.loads(pickle.dumps(caught.value)).__notes__ == caught.value.__notes__


def test_leaving_early_leaves_no_pending_prefetch(make_harness) -> None:
    harness = make_harness(max_retries=0)
    harness.server.respond_with(
        json_response(page("a", next=f"{BASE_URL}/predictions?cursor=1")), json_response({}, 502)
    )

    async def main() -> None:
        pages = harness.client.paginate(harness.client.predictions.list)
        async for _ in pages:
            await asyncio.sleep(0)
            break
        await pages.aclose()

    if not harness.is_async:
        for _ in harness.client.paginate(harness.client.predictions.list):
            break
    else:
        harness.call(main())
    gc.collect()


def test_memory_does_not_grow_with_the_number_of_pages(make_harness) -> None:
    harness = make_harness()
    references: list[weakref.ref] = []

    def respond(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("cursor", 0))
        link = f"{BASE_URL}/predictions?cursor={number + 1}" if number < 50 else None
        return json_response(page("a", next=link))

    harness.server.respond_with(respond)
    alive: list[int] = []

    def count_alive(page: Page) -> None:
        references.append(weakref.ref(page))
        alive.append(sum(reference() is not None for reference in references))

    harness.for_each(harness.client.paginate(harness.client.predictions.list), count_alive)
    assert len(alive) == 51
    assert max(alive) <= 2


def test_page_is_released_before_the_next_request(harness: Harness) -> None:
    references: list[weakref.ref[object]] = []
    alive: list[int] = []

    def respond(request: httpx.Request) -> httpx.Response:
        gc.collect()
        alive.append(sum(reference() is not None for reference in references))
        return json_response(
            page("a", "b", "c", next=None if len(alive) == 3 else f"{BASE_URL}/predictions?cursor={len(alive)}")
        )

    harness.server.respond_with(respond)
    harness.for_each(harness.client.predictions.list(), lambda item: references.append(weakref.ref(item)))
    assert len(references) == 9
    assert max(alive) <= 1  # the loop's own variable


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"list_method": "models"}, "takes a list method such as client.models.list"),
        ({"list_method": "models.get"}, "takes a list method"),
        ({"limit": 0}, "limit must be 1 or more"),
        ({"limit": "x"}, "limit must be 1 or more"),
        ({"source": "api"}, "source must be"),
        ({"sauce": "web"}, "sauce"),
    ],
)
def test_invalid_arguments_of_paginate_are_rejected_at_the_call(
    harness: Harness, arguments: dict, message: str
) -> None:
    methods = {"models": "models", "models.get": harness.client.models.get, None: harness.client.predictions.list}
    arguments = dict(arguments)
    list_method = methods[arguments.pop("list_method", None)]
    with pytest.raises((TypeError, ValueError), match=message):
        harness.client.paginate(list_method, **arguments)
    assert harness.server.requests == []


@pytest.mark.parametrize(
    ("link", "path"),
    [
        (None, None),
        ("", None),
        ("null", None),
        (5, None),
        (f"{BASE_URL}/models?cursor=a%3D%3D", "/models?cursor=a%3D%3D"),
        ("http://api.replicate.com/v1/deployments?cursor=x", "/deployments?cursor=x"),
        ("https://api.replicate.com:443/v1/deployments?cursor=x", "/deployments?cursor=x"),
    ],
)
def test_next_path_is_below_the_base_url(link: object, path: str | None) -> None:
    assert next_path(link, BASE_URL) == path


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
def test_next_link_to_another_origin_raises_and_is_not_requested(harness: Harness, link: str) -> None:
    harness.server.respond_with(json_response(page("a", next=link)))
    with pytest.raises(ResponseDecodeError, match="not below"):
        harness.collect(harness.client.predictions.list())
    assert len(harness.server.requests) == 1


def test_next_link_to_the_same_page_stops(harness: Harness) -> None:
    harness.server.respond_with(json_response(page("a", next=f"{BASE_URL}/predictions?cursor=1")))
    assert len(harness.collect(harness.client.predictions.list())) == 2


@pytest.mark.parametrize("length", [2, 3, 7])
@pytest.mark.parametrize("prefetch", [True, False])
def test_cyclic_next_links_stop(harness: Harness, length: int, prefetch: bool) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        assert len(harness.server.requests) < 100, "the cycle was not detected"
        number = int(request.url.params.get("cursor", 0))
        return json_response(page("a", next=f"{BASE_URL}/predictions?cursor={(number + 1) % length}"))

    harness.server.respond_with(respond)
    pages = harness.collect(harness.client.paginate(harness.client.predictions.list, prefetch=prefetch))
    assert length <= len(pages) <= 4 * length


@pytest.mark.parametrize("results", [None, "text", {"a": 1}])
@pytest.mark.parametrize("method", ["list", "paginate"])
def test_response_that_is_no_page_raises(harness: Harness, method: str, results: object) -> None:
    harness.server.respond_with(json_response({"next": None, "results": results}))
    client = harness.client
    with pytest.raises(ResponseDecodeError, match=r"^GET /predictions: the response is no page"):
        harness.collect(client.predictions.list() if method == "list" else client.paginate(client.predictions.list))
    assert len(harness.server.requests) == 1


@pytest.mark.parametrize("body", [{}, {"detail": "please log in"}, {"next": None}])
def test_object_without_results_raises(harness: Harness, body: dict) -> None:
    harness.server.respond_with(json_response(body))
    with pytest.raises(ResponseDecodeError, match="no list of results"):
        harness.collect(harness.client.models.list())


def test_page_without_items_is_empty(harness: Harness) -> None:
    harness.server.respond_with(json_response({"next": None, "results": []}))
    assert harness.collect(harness.client.predictions.list()) == []


GATEWAYS = {
    "https://gateway.ai.cloudflare.com/v1/account/gateway/replicate": "/v1/account/gateway/replicate",
    "https://gateway.example": "/v1",
    "http://127.0.0.1:8787/v1": "/v1",
}


@pytest.mark.parametrize("base_url", GATEWAYS)
@pytest.mark.parametrize("origin", ["https://api.replicate.com/v1", "http://upstream.internal:9000/v1", "the gateway"])
def test_next_page_is_requested_at_the_gateway(make_harness, base_url: str, origin: str) -> None:
    harness = make_harness(base_url=base_url)
    own = f"{base_url}/v1" if base_url == "https://gateway.example" else base_url
    link = f"{own if origin == 'the gateway' else origin}/predictions?cursor=a%3D%3D"
    harness.server.respond_with(json_response(page("a", next=link)), json_response(page("b")))
    assert [item.id for item in harness.collect(harness.client.predictions.list())] == ["a", "b"]
    assert [request.url.host for request in harness.server.requests] == [httpx.URL(base_url).host] * 2
    assert str(harness.server.requests[1].url) == f"{own}/predictions?cursor=a%3D%3D"


@pytest.mark.parametrize("link", ["https://api.replicate.com/elsewhere", "/predictions?cursor=1", "https://["])
def test_next_link_behind_a_gateway_to_no_path_of_the_api_raises(make_harness, link: str) -> None:
    harness = make_harness(base_url="https://gateway.example/replicate")
    harness.server.respond_with(json_response(page("a", next=link)))
    with pytest.raises(ResponseDecodeError, match="not below"):
        harness.collect(harness.client.predictions.list())
    assert len(harness.server.requests) == 1
