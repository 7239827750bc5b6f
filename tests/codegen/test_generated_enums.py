"""Members of an enum are sent as their values, wherever they occur in a request."""

from __future__ import annotations

import json
from enum import Enum, IntEnum, StrEnum
from typing import Any

import httpx
import pytest

from generated_models import MODULES
from replicate_api import Client, types
from replicate_api.types import AnyOf, Const, Request, Upload

MIXED = Enum("MIXED", {"A": "completed", "SORT": "model_created_at", "WEB": "web", "ID": "x/y", "N": "7"}, type=str)
PLAIN = Enum("PLAIN", {"A": "completed"})
NUMBER = IntEnum("NUMBER", {"SEVEN": 7})
LISTED = StrEnum("LISTED", {"A": "completed"})


def send(request: Request) -> httpx.Request:
    """Return the request that httpx sends."""
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        sent.append(request)
        return httpx.Response(204)

    client = Client("https://api.example/v1", httpx_args={"transport": httpx.MockTransport(handle)})
    client.send(request, lambda response: None)
    return sent[0]


def test_members_in_paths_and_queries() -> None:
    request = send(MODULES["models.list"].build(sort_by=MIXED.SORT))
    assert dict(request.url.params) == {"sort_by": "model_created_at"}
    assert dict(send(MODULES["predictions.list"].build(source=MIXED.WEB)).url.params) == {"source": "web"}
    assert dict(send(MODULES["search"].build(query=MIXED.ID, limit=NUMBER.SEVEN)).url.params) == {
        "query": "x/y",
        "limit": "7",
    }
    assert send(MODULES["predictions.get"].build(MIXED.ID)).url.raw_path == b"/v1/predictions/x%2Fy"


def test_members_in_headers_and_bodies() -> None:
    request = send(
        MODULES["predictions.create"].build(
            version=MIXED.ID,
            input={MIXED.A: MIXED.N, PLAIN.A: [PLAIN.A, NUMBER.SEVEN, {"a": LISTED.A}]},
            webhook_events_filter=[MIXED.A, LISTED.A],
            prefer=MIXED.N,
        )
    )
    assert request.headers["prefer"] == "7"
    body = json.loads(request.content)
    assert body["version"] == "x/y"
    assert body["input"] == {"completed": ["completed", 7, {"a": "completed"}]}
    assert body["webhook_events_filter"] == ["completed", "completed"]
    fields = {"owner": MIXED.N, "name": MIXED.N, "hardware": MIXED.N, "visibility": "private"}
    assert json.loads(send(MODULES["models.create"].build(**fields)).content)["owner"] == "7"
    assert send(MODULES["models.search"].build(body=MIXED.ID)).content == b"x/y"


def test_members_in_uploads() -> None:
    upload = Upload(b"x", MIXED.A, MIXED.ID)
    content = send(
        MODULES["files.create"].build(content=upload, filename=MIXED.N, type=MIXED.ID, metadata={MIXED.A: MIXED.N})
    ).content
    assert b'name="content"; filename="completed"\r\nContent-Type: x/y\r\n' in content
    assert b'name="filename"\r\n\r\n7\r\n' in content
    assert b'{"completed": "7"}' in content
    assert b"MIXED" not in content


@pytest.mark.parametrize("value", [MIXED.SORT, [MIXED.SORT, MIXED.SORT], {"a": 1}, True, None, 1.5])
def test_raw_query_values(value: Any) -> None:
    expected = send(Request("GET", "/x", {"q": json.loads(json.dumps(value))})).url.params
    assert send(Request("GET", "/x", {"q": value})).url.params == expected
    assert send(Request("GET", "/x", {MIXED.A: "1"})).url.params == httpx.QueryParams({"completed": "1"})


def test_members_equal_to_a_constant() -> None:
    constant = Const("web").dump(MIXED.WEB, "source")
    assert (type(constant), constant) == (str, "web")
    assert AnyOf(Const("x"), types.STRING).dump(MIXED.WEB, "source") == "web"


def test_recursive_and_deep_values_are_errors_that_name_the_field() -> None:
    cyclic: dict[str, Any] = {}
    cyclic["self"] = cyclic
    deep: Any = []
    for _ in range(10_000):
        deep = [deep]
    for value in (cyclic, {"deep": deep}):
        with pytest.raises(ValueError, match="input is nested too deeply, or contains itself"):
            MODULES["predictions.create"].build(version="x", input=value)
    with pytest.raises(ValueError, match="nested too deeply, or contains itself"):
        Request("GET", "/x", {"q": cyclic}).arguments()
