"""Each construct of OpenAPI that a later document may use is sent, and parsed, as that document says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codegen import generate
from construct_document import make_document
from openapi_documents import copy_repository, run_client_code

CLIENTS = pytest.mark.parametrize("client", [0, 1], ids=["sync", "async"])
TOKEN = {"authorization": "Bearer r8_x"}
JSON = TOKEN | {"content-type": "application/json"}
WIDGET = ["Widget", {"id": "w", "old": "o"}]
IMAGE = repr(b"\x89PNG\xff")


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = copy_repository(tmp_path_factory.mktemp("constructs"))
    generate.generate(make_document(), repository)
    return repository


@pytest.fixture(scope="module")
def seen(generated: Path) -> dict[str, Any]:
    program = Path(__file__).with_name("construct_calls.py").read_text()
    (generated / "calls.py").write_text(program)  # a file, so that warnings can name its lines
    printed: dict[str, Any] = json.loads(run_client_code(generated, "import calls; calls.main()"))
    return printed


@CLIENTS
@pytest.mark.parametrize(
    ("call", "method", "target", "body", "headers"),
    [
        (
            "styles of a query",
            "GET",
            "/lists?plain=a%20b&exploded=a&exploded=b%26c&commas=a%2Cb,c&spaces=a%20b%20c&pipes=a%7Cb%7Cc"
            "&filter%5Bname%5D=%C3%BC&filter%5Bis_new%5D=true&low=1&high=2&pair=low,1,high,2&where=%7B%22low%22%3A1%7D",
            "",
            TOKEN,
        ),
        ("no parameters", "GET", "/lists", "", TOKEN),
        ("default styles", "GET", "/plain?tags=a&tags=b%2Cc&ok=false", "", TOKEN),
        (
            "styles of a path",
            "GET",
            "/simple/true/1,2/.a.b%2Fc/;matrix=x,y%3B/low=1",
            "",
            TOKEN | {"x-tags": "a,b", "x-day": "2026-01-02"},
        ),
        ("merge patch", "PATCH", "/widgets", '{"name":null}', JSON | {"content-type": "application/merge-patch+json"}),
        ("referenced response and body", "POST", "/widgets", '{"url":"u"}', JSON),
        ("QUERY with JSON", "QUERY", "/widgets", '{"low":1}', JSON),
        ("discriminated by a mapping", "POST", "/pets", '{"kind":"feline","age":3}', JSON),
        ("discriminated by a name", "POST", "/pets", '{"kind":"dog","good":true}', JSON),
        ("union by fields", "PUT", "/pets", '{"litres":2}', JSON),
        ("events", "POST", "/events", '{"level":1}', JSON | {"accept": "text/event-stream"}),
    ],
)
def test_a_request_is_sent_as_documented(
    seen: dict[str, Any], client: int, call: str, method: str, target: str, body: str, headers: dict[str, str]
) -> None:
    assert seen["calls"][call][client]["sent"] == [[method, f"/v1{target}", body, headers]]


@CLIENTS
@pytest.mark.parametrize(
    ("call", "returned"),
    [
        ("merge patch", WIDGET),
        ("referenced response and body", WIDGET),
        ("referenced error", "InvalidRequestError('POST /widgets: 422: no')"),
        ("QUERY with JSON", WIDGET),
        ("discriminated by a mapping", ["Cat", {"kind": "feline", "age": 3}]),
        ("discriminated by a name", ["Dog", {"kind": "dog", "age": 3}]),
        ("union by fields", ["Box", {"width": 2}]),
        ("image", IMAGE),
        ("image or JSON: image", IMAGE),
        ("image or JSON: JSON", WIDGET),
        ("image or JSON: none", "None"),
        ("types by status: 200", ["Widget", {"position": 1}]),
        ("types by status: 202", ["Widgets", {"position": 1}]),
        ("types by status: 203", "'wait'"),
        ("vendor JSON", ["WidgetsVendorResult", {"low": 1}]),
        ("events", [["Event", "tick", '{"level": 1}'], ["Event", "message", "two"]]),
        ("events not found", "NotFoundError('POST /events: 404: gone')"),
    ],
)
def test_a_response_is_parsed_as_documented(seen: dict[str, Any], client: int, call: str, returned: Any) -> None:
    assert seen["calls"][call][client]["returned"] == returned


@CLIENTS
@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("empty list in a path", "ids must be a non-empty string, not []"),
        ("list in a deep object", "filter['x'] must be a string, a number or a boolean, not list: [1]"),
        ("no member of a union", "body.kind must be 'feline', not 'cow'"),
    ],
)
def test_an_invalid_argument_is_an_error_and_nothing_is_sent(
    seen: dict[str, Any], client: int, call: str, message: str
) -> None:
    observed = seen["calls"][call][client]
    assert message in observed["returned"]
    assert observed["sent"] == []


@CLIENTS
@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("image or JSON: text", "text/plain"),
        ("no events", "the response is application/json"),
    ],
)
def test_a_response_of_another_type_is_an_error(seen: dict[str, Any], client: int, call: str, message: str) -> None:
    assert seen["calls"][call][client]["returned"].startswith("ResponseDecodeError")
    assert message in seen["calls"][call][client]["returned"]


@CLIENTS
@pytest.mark.parametrize(
    ("call", "messages"),
    [
        ("deprecated operation", ["old.get is deprecated"]),
        (
            "deprecated parameter and fields",
            [
                "the argument limit of old.create is deprecated",
                "the field colour is deprecated",
                "the field size is deprecated",
            ],
        ),
        ("nothing deprecated", []),
        ("deprecated operation with files", ["old.run is deprecated"]),
        ("deprecated list", ["old.list is deprecated"]),
    ],
)
def test_what_is_deprecated_warns_at_the_line_of_the_caller(
    seen: dict[str, Any], client: int, call: str, messages: list[str]
) -> None:
    warnings = seen["calls"][call][client]["warnings"]
    assert [(category, message) for category, message, _ in warnings] == [("DeprecationWarning", m) for m in messages]
    assert all("client.old" in line or "await result" in line for _, _, line in warnings)


@CLIENTS
def test_the_minimal_client_sends_styles_and_returns_the_text_of_events(seen: dict[str, Any], client: int) -> None:
    sent, returned = seen["low-level"][client]
    assert sent == ["/v1/lists?plain=a%20b&commas=a%2Cb,c", "/v1/events"]
    assert returned == 'event: tick\ndata: {"level": 1}\n\ndata: two\n\n'


def test_docstrings_say_what_is_deprecated(generated: Path) -> None:
    def source(path: str) -> str:
        return (generated / "generated/replicate_api" / path).read_text()

    assert "\n\nDeprecated.\n\n" in source("api/old/old_get.py")
    assert "limit: Deprecated." in source("api/old/old_create.py")
    assert "size: Deprecated." in source("api/old/old_create.py")
    assert "old: Deprecated." in source("models/widget.py")
