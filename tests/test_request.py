"""`client.request` and `client.with_options`."""

import io
import json

import httpx
import pytest

from conftest import BASE_URL, TOKEN, Harness, config_of, json_response, prediction
from replicate_ext import APIStatusError, RateLimitError, ResponseDecodeError, Upload


def respond(content: bytes, content_type: str | None, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=content, headers={"content-type": content_type} if content_type else {})


@pytest.mark.parametrize(
    ("content", "content_type", "expected"),
    [
        (b'{"a": 12345678901234567890123}', "application/json", {"a": 12345678901234567890123}),
        (b'{"title": "x"}', "application/problem+json; charset=utf-8", {"title": "x"}),
        (b"# readme \xc3\xa9", "text/plain; charset=utf-8", "# readme é"),
        (b"caf\xe9", "text/markdown; charset=latin-1", "café"),
        (b'{"a": 1}', "text/plain", '{"a": 1}'),
        (b"<a/>", "application/xml; charset=utf-8", "<a/>"),
        (b"\x89PNG\r\n", "image/png", b"\x89PNG\r\n"),
        (b"\x00\x01", "application/octet-stream", b"\x00\x01"),
        (b"[1]", None, [1]),
        (b"\x89PNG\r\n", None, b"\x89PNG\r\n"),
        (b"", "application/json", None),
    ],
)
def test_body_is_returned_by_its_media_type(harness: Harness, content: bytes, content_type, expected: object) -> None:
    harness.server.respond_with(respond(content, content_type))
    assert harness.call(harness.client.request("GET", "/models/o/n/readme")) == expected
    assert len(harness.server.requests) == 1, "a readable response is never requested again"


def test_broken_json_raises_after_retries(make_harness) -> None:
    harness = make_harness(max_retries=1)
    harness.server.respond_with(respond(b'{"a": ', "application/json"))
    with pytest.raises(ResponseDecodeError):
        harness.call(harness.client.request("GET", "/x"))
    assert len(harness.server.requests) == 2


def test_headers_of_a_request_replace_those_of_the_client_except_the_token(make_harness) -> None:
    harness = make_harness(headers={"X-Team": "a", "X-Other": "b"})
    harness.server.respond_with(json_response({}))
    headers = {"x-team": "c", "Accept": "text/plain", "authorization": "Bearer other"}
    harness.call(harness.client.request("GET", "/x", headers=headers))
    sent = harness.server.requests[0].headers
    assert (sent["x-team"], sent["x-other"], sent["accept"]) == ("c", "b", "text/plain")
    assert sent.get_list("authorization") == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize("content", ["héllo", "héllo".encode()])
def test_content_is_sent_as_it_is(harness: Harness, content: str | bytes) -> None:
    harness.server.respond_with(json_response({}))
    harness.call(harness.client.request("PUT", "/x", content=content, headers={"Content-Type": "text/plain"}))
    assert harness.server.requests[0].content == "héllo".encode()
    assert harness.server.requests[0].headers["content-type"] == "text/plain"


def test_files_are_sent_as_a_multipart_body(harness: Harness) -> None:
    harness.server.respond_with(json_response({}, 429), json_response({"id": "f"}, 201))
    files = {
        "content": io.BytesIO(b"from a file"),
        "other": b"from bytes",
        "third": Upload(b"x", "name.bin", "application/x-thing"),
        "metadata": {"a": 1},
        "type": "text",
    }
    assert harness.call(harness.client.request("POST", "/files", files=files)) == {"id": "f"}
    body = harness.server.requests[1].content
    for part in (b"from a file", b"from bytes", b'filename="name.bin"', b'\r\n\r\n{"a": 1}', b"\r\n\r\ntext\r\n"):
        assert part in body
    assert harness.server.requests[1].headers["content-type"].startswith("multipart/form-data; boundary=")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"json": {}, "content": b""}, "one of json, content and files"),
        ({"headers": {"X": 5}}, r"headers\['X'\]: name and value must be str, not int"),
        ({"files": {"a": object()}}, r"files\['a'\] must be bytes"),
    ],
)
def test_invalid_arguments_are_rejected_before_sending(harness: Harness, arguments: dict, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        harness.call(harness.client.request("POST", "/x", **arguments))
    assert harness.server.requests == []


def test_with_options_replaces_options_of_requests(make_harness) -> None:
    harness = make_harness(headers={"X-Team": "a", "X-Other": "b"})
    harness.server.respond_with(json_response({}))
    client = harness.client.with_options(timeout=3, headers={"x-team": "c"}, user_agent="me/1")
    assert type(client) is type(harness.client)
    for each in (client, harness.client):
        harness.call(each.account.get())
    changed, original = harness.server.requests
    assert changed.extensions["timeout"] == {"connect": 3, "read": 3, "write": 3, "pool": None}
    assert (changed.headers["x-team"], changed.headers["x-other"], changed.headers["user-agent"]) == ("c", "b", "me/1")
    assert original.extensions["timeout"]["read"] == 60
    assert original.headers["x-team"] == "a"
    assert changed.headers["authorization"] == original.headers["authorization"] == f"Bearer {TOKEN}"


def test_with_options_keeps_what_is_omitted(make_harness) -> None:
    harness = make_harness(max_retries=1, max_rate_limit_wait=7)
    config = config_of(harness.client.with_options(timeout=3).with_options(max_rate_limit_wait=None))
    assert (config.max_retries, config.max_rate_limit_wait) == (1, None)
    assert config.base_url == BASE_URL
    assert config_of(harness.client).max_rate_limit_wait == 7


def test_with_options_shares_connections_rate_limit_and_known_models(harness: Harness) -> None:
    hurried = harness.client.with_options(max_retries=0, max_rate_limit_wait=0)
    assert hurried._session.backend is harness.client._session.backend
    assert hurried._predictions.known_models is harness.client._predictions.known_models
    harness.server.respond_with(json_response({"retry_after": 7}, 429), json_response(prediction(), 201))
    with pytest.raises(RateLimitError):
        harness.call(hurried.predictions.create(version="acme/hello", input={}))
    assert harness.call(harness.client.predictions.create(version="acme/hello", input={})).id
    assert harness.clock.time > 1007, "the 429 of one client makes the other wait"
    harness.server.responses = [json_response({}, 500)]
    with pytest.raises(APIStatusError):
        harness.call(hurried.predictions.get("x"))
    assert len(harness.server.requests) == 3


@pytest.mark.parametrize("options", [{"timeout": 0}, {"max_retries": -1}, {"headers": {"X": 5}}, {"user_agent": "a\n"}])
def test_with_options_validates_like_the_constructor(harness: Harness, options: dict) -> None:
    with pytest.raises((TypeError, ValueError), match=next(iter(options))):
        harness.client.with_options(**options)
    with pytest.raises(TypeError, match="api_token"):
        harness.client.with_options(api_token="r8_other")


def test_with_options_runs_models(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction(output="x"), 201))
    assert harness.call(harness.client.with_options(timeout=3).run("acme/hello", {"a": 1})) == "x"
    assert json.loads(harness.server.requests[0].content)["input"] == {"a": 1}
